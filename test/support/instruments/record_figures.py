"""`python -m support.instruments.record_figures FIGURES.json...` makes them the reference, shown in docs/figures.md."""

import sys
from pathlib import Path

from support import ROOT
from support.instruments.figures import FIGURES, RECORDS, Figures, Record, load, table

PAGE = ROOT / "docs/figures.md"


def with_table(text: str, figures: Figures, record: Record = FIGURES) -> str:
    """The text with the table between the markers of the record.

    Raises:
        ValueError: the markers are not there.
    """
    before, begin, rest = text.partition(record.begin)
    _, end, after = rest.partition(record.end)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} needs the lines {record.begin} and {record.end}")
    return f"{before}{record.begin}\n{table(figures.figures)}{record.end}{after}"


def save_record(measured: Path, record: Record = FIGURES, page: Path = PAGE) -> None:
    """Make the figures of a run the reference.

    Raises:
        OSError: nothing has been measured.
        ValueError: it is no file of figures, or it is not whole, or a limit does not hold.
    """
    figures = load(measured)
    before = load(record.reference).figures if record.reference.exists() else []
    missing = {f.name for f in before} - {f.name for f in figures.figures}
    if missing:
        names = ", ".join(sorted(missing))
        raise ValueError(f"not measured: {names} (gone for good? take it out of {record.reference.name})")
    text = with_table(page.read_text(), figures, record)
    figures.save(record.reference)
    page.write_text(text)


def main(arguments: list[str]) -> int:
    paths = [Path(argument) for argument in arguments]
    if not paths or any(path.stem not in RECORDS for path in paths):
        print("usage: python -m support.instruments.record_figures [DIR/]figures.json|soak.json...", file=sys.stderr)
        return 2
    for path in paths:
        try:
            save_record(path, RECORDS[path.stem])
        except (OSError, ValueError) as error:
            print(f"{path}: {str(error).splitlines()[0]}; run 'make {path.stem}' first", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
