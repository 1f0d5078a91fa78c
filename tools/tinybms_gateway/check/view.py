"""The findings for people."""

from rich.table import Table
from rich.text import Text

from tinybms_gateway.check.finding import Result
from tinybms_gateway.check.probes import Report
from tinybms_gateway.terminal import make_console

STYLES = {Result.GOOD: "green", Result.WARNING: "yellow", Result.FAILED: "bold red", Result.NOT_ASKED_FOR: "dim"}


def show(report: Report) -> None:
    """Print the table and one line of summary."""
    console = make_console()
    table = Table(box=None, pad_edge=False)
    for title, may_wrap in (("check", False), ("result", False), ("what was seen", True), ("what to do", True)):
        table.add_column(title, no_wrap=not may_wrap)
    for finding in report.findings:
        style = STYLES[finding.result]
        table.add_row(finding.check, Text(finding.result.value, style), Text(finding.seen), Text(finding.advice))
    console.print(table)
    counts = {result: sum(f.result is result for f in report.findings) for result in Result}
    summary = ", ".join(f"{count} {result.value}" for result, count in counts.items() if count)
    console.print(Text(f"{'passed' if report.passed else 'FAILED'}: {summary}; {report.seconds:.1f} s"))
