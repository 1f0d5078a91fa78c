"""`python -m support.instruments.record_figures FIGURES.json` makes them the reference, shown in docs/figures.md."""

import sys
from pathlib import Path

from support import ROOT
from support.instruments.figures import REFERENCE, Figures, load, table

PAGE = ROOT / "docs/figures.md"
BEGIN = "<!-- figures: written by `make figures-record`, do not edit -->"
END = "<!-- end of figures -->"


def with_table(text: str, figures: Figures) -> str:
    """The text with the table between the markers.

    Raises:
        ValueError: the markers are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(figures.figures)}{END}{after}"


def record(measured: Path, reference: Path = REFERENCE, page: Path = PAGE) -> None:
    """Make the figures of a run the reference.

    Raises:
        OSError: nothing has been measured.
        ValueError: it is no file of figures, or it is not whole, or a limit does not hold.
    """
    figures = load(measured)
    missing = (
        {f.name for f in load(reference).figures} - {f.name for f in figures.figures} if reference.exists() else set()
    )
    if missing:
        names = ", ".join(sorted(missing))
        raise ValueError(f"not measured: {names} (gone for good? take it out of {reference.name})")
    text = with_table(page.read_text(), figures)
    figures.save(reference)
    page.write_text(text)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m support.instruments.record_figures FIGURES.json", file=sys.stderr)
        return 2
    try:
        record(Path(arguments[0]))
    except (OSError, ValueError) as error:
        print(f"{arguments[0]}: {str(error).splitlines()[0]}; run 'make figures' first", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
