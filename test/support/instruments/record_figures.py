"""`python -m bench_table BENCH.json` makes the figures of a bench the reference, and shows them in the README."""

import sys
from pathlib import Path

from support import ROOT
from support.instruments.figures import REFERENCE, Figures, load, table

README = ROOT / "README.md"
BEGIN = "<!-- bench: written by `make bench-record`, do not edit -->"
END = "<!-- end of bench -->"


def with_table(text: str, figures: Figures) -> str:
    """The text with the table between the markers.

    Raises:
        ValueError: the markers are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table(figures.figures)}{END}{after}"


def record(bench: Path, reference: Path = REFERENCE, readme: Path = README) -> None:
    """Make the figures of a bench the reference.

    Raises:
        OSError: no bench has been run.
        ValueError: it is no file of the bench, or it is not whole, or a limit does not hold.
    """
    figures = load(bench)
    missing = (
        {f.name for f in load(reference).figures} - {f.name for f in figures.figures} if reference.exists() else set()
    )
    if missing:
        names = ", ".join(sorted(missing))
        raise ValueError(f"not measured: {names} (gone for good? take it out of {reference.name})")
    text = with_table(readme.read_text(), figures)
    figures.save(reference)
    readme.write_text(text)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m bench_table BENCH.json", file=sys.stderr)
        return 2
    try:
        record(Path(arguments[0]))
    except (OSError, ValueError) as error:
        print(f"{arguments[0]}: {str(error).splitlines()[0]}; run 'make bench' first", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
