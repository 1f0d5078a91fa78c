"""What ``can verify`` does besides checking: options, progress, files."""

import logging
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from rich.table import Table
from rich.text import Text

from tinybms_gateway.can.protocol import BITRATE
from tinybms_gateway.can.reader import Capture
from tinybms_gateway.can.verify.engine import Choice, verify
from tinybms_gateway.can.verify.html import html as html_page
from tinybms_gateway.can.verify.junit import junit as junit_xml
from tinybms_gateway.can.verify.report import Report, origin
from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.can.verify.rules import rules_by_subject
from tinybms_gateway.can.verify.show import show
from tinybms_gateway.command_line import print_json
from tinybms_gateway.progress import progress_bar
from tinybms_gateway.scenario.expectations import scenario_rules
from tinybms_gateway.scenario.find import load_scenario
from tinybms_gateway.terminal import make_console
from tinybms_gateway.whole_file import check_place, write_whole

log = logging.getLogger("verify")

LONG_ENOUGH = 0.95
"""Part of a scenario's time that a capture must cover: the first frame comes a little after the start."""

__all__ = ["Choice", "list_rules", "run", "show_report"]


def run(
    file: Path,
    choice: Choice,
    scenario: str | None,
    waivers: tuple[str, ...],
    junit: Path | None,
    page: Path | None,
) -> Report:
    """Check a capture and write the requested files.

    Raises:
        ValueError: the capture cannot be read, a waiver is invalid, or a file cannot be written.
    """
    asked = parse_waivers(waivers)
    if junit is not None and page is not None and junit.resolve() == page.resolve():
        raise ValueError(f"--junit and --html: both are {page}")
    for place in (junit, page):
        if place is not None:
            check_place(place, source=file, force=True)
    expected = load_scenario(scenario) if scenario is not None else None
    extra_rules = scenario_rules(expected) if expected is not None else []
    check_waivers(asked, extra_rules)
    waived = {**(expected.waives if expected is not None else {}), **asked}
    with progress_bar("checking frames", 1.0) as done:
        report = verify(Capture(file), choice=choice, extra_rules=extra_rules, waived=waived, progress=done)
    seconds = report.figures.duration_s
    if expected is not None and not report.good and seconds < LONG_ENOUGH * expected.duration_s:
        log.warning(
            "the capture is %.1f s long, scenario '%s' takes %g s: record for that long",
            seconds,
            expected.name,
            expected.duration_s,
        )
    if junit is not None:
        write_whole(junit, junit_xml(report))
    if page is not None:
        write_whole(page, html_page(report))
    return report


def parse_waivers(texts: tuple[str, ...]) -> dict[str, str]:
    """Read ``RULE=REASON`` of each.

    Raises:
        ValueError: one has another form.
    """
    waived = {}
    for text in texts:
        pattern, _, reason = text.partition("=")
        if not pattern.strip() or not reason.strip():
            raise ValueError(f"--waive '{text}': give RULE=REASON, such as 'limits-3s=unplugged on purpose'")
        waived[pattern.strip()] = reason.strip()
    return waived


def check_waivers(waived: Mapping[str, str], extra_rules: Sequence[Rule]) -> None:
    """Refuse patterns that no rule's id matches.

    Raises:
        ValueError: there is such a pattern.
    """
    rules = [*extra_rules, *(rule for found in rules_by_subject(BITRATE).values() for rule in found)]
    for pattern in waived:
        if not any(fnmatchcase(rule.id, pattern) for rule in rules):
            raise ValueError(f"--waive {pattern}: no such rule; --list-rules shows them")


def show_report(report: Report) -> None:
    """On stdout; without a terminal the table has its own width."""
    show(report, make_console())


def list_rules(as_json: bool) -> None:
    """All rules with their sentences and sources."""
    subjects = rules_by_subject(BITRATE)
    if as_json:
        print_json([rule_json(subject, rule) for subject, rules in subjects.items() for rule in rules])
        return
    console = make_console()
    for subject, rules in subjects.items():
        table = Table(title=subject, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for name in ("rule", "what must hold", "source"):
            table.add_column(name, overflow="fold")
        for rule in rules:
            table.add_row(Text(rule.id), Text(rule.sentence), Text(rule.source, "dim"))
        console.print(table)
        console.print()


def rule_json(subject: str, rule: Rule) -> dict[str, str]:
    """One rule as plain values."""
    return {
        "id": rule.id,
        "subject": subject,
        "sentence": rule.sentence,
        "source": rule.source,
        "origin": origin(rule.source),
    }
