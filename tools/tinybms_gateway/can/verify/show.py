"""The report on a terminal."""

from datetime import datetime, timezone

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinybms_gateway.can.verify.report import NOT_APPLICABLE, PASSED, VIOLATED, WAIVED, Report, Result
from tinybms_gateway.can.verify.rule import Violation

STYLES = {PASSED: "green", VIOLATED: "bold red", WAIVED: "yellow", NOT_APPLICABLE: "dim"}


def show(report: Report, console: Console) -> None:
    """Print it: one line per rule, then the violations, then the figures."""
    console.print(_rules(report, console))
    for result in (*report.of(VIOLATED), *report.of(WAIVED)):
        console.print(_violations(report, result))
    console.print(Text("\n".join(f"{name}: {value}" for name, value in figure_lines(report))))
    console.print(Text(verdict(report), "bold green" if report.good else "bold red"))


def times(result: Result) -> str:
    """How often a rule was violated, in words."""
    return "once" if result.count == 1 else f"{result.count:,} times"


def verdict(report: Report) -> str:
    """A summary in one line."""
    counts = {status: len(report.of(status)) for status in (PASSED, VIOLATED, WAIVED, NOT_APPLICABLE)}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{report.capture}: {'good' if report.good else 'NOT GOOD'}: {said}"


def clock_text(report: Report, violation: Violation) -> str:
    """When it was, by the clock; empty when the capture has none."""
    if not report.absolute_time:
        return ""
    try:
        moment = datetime.fromtimestamp(violation.time_us / 1e6, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return ""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def frame_text(violation: Violation) -> str:
    """Number of the frame, counted from 1; empty when it is the absence of a frame."""
    return "" if violation.frame is None else str(violation.frame + 1)


def figure_lines(report: Report) -> list[tuple[str, str]]:
    """The figures in words."""
    figures = report.figures
    gaps = {n: figures.longest_gap_us.get(n) for n in (0x351, 0x305)}
    reaction = max(figures.reaction_us.values(), default=None)
    return [
        ("frames", f"{figures.frames:,} in {figures.duration_s:,.3f} s"),
        ("bus load", f"{figures.bus_load_percent:.2f} %, in the busiest second {figures.most_bus_load_percent:.2f} %"),
        ("longest gap of 0x351 (limits)", _milliseconds(gaps[0x351])),
        ("longest gap of 0x305 (GX keepalive)", _milliseconds(gaps[0x305])),
        ("longest time from an alarm to its limit", _milliseconds(reaction)),
    ]


def _milliseconds(time_us: int | None) -> str:
    return "none seen" if time_us is None else f"{time_us / 1000:,.1f} ms"


def _rules(report: Report, console: Console) -> Table:
    """One line per rule; where the terminal is too narrow for a sentence, it is cut off."""
    table = Table(box=None, pad_edge=False)
    for name in ("rule", "whose", "result", "checked"):
        table.add_column(name, justify="right" if name == "checked" else "left", no_wrap=True)
    table.add_column("what")  # the only one that gives way: its cells are cut, not the column
    for result in report.results:
        said = f"{result.status}, {times(result)}" if result.count else result.status
        what = f"{result.reason}: {result.sentence}" if result.reason else result.sentence
        table.add_row(
            Text(result.id),
            result.origin,
            Text(said, STYLES[result.status]),
            f"{result.checked:,}",
            Text(what, no_wrap=console.is_terminal, overflow="ellipsis" if console.is_terminal else None),
        )
    return table


def _violations(report: Report, result: Result) -> Text:
    text = Text()
    text.append(f"\n{result.id}: {result.sentence}\n", "bold")
    text.append(f"  source: {result.source}\n", "dim")
    for violation in result.violations:
        number = frame_text(violation)
        where = f"frame {number}" if number else "no frame"
        clock = clock_text(report, violation)
        text.append(f"  {report.since_start(violation):12.6f} s  {clock}  {where}: {violation.text}\n")
    if result.not_shown:
        text.append(f"  and {result.not_shown:,} more\n", "dim")
    return text
