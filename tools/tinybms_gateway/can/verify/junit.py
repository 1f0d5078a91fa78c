"""The report as JUnit XML."""

from typing import Any

from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from tinybms_gateway.can.verify.report import NOT_APPLICABLE, VIOLATED, WAIVED, Report, Result, printable
from tinybms_gateway.can.verify.show import clock_text, frame_text


def junit(report: Report) -> str:
    """Make it: one suite per subject, one test case per rule. Not all versions of the library have types."""
    document: Any = JUnitXml(name=printable(f"tinybms-gw can verify {report.capture}"))
    suites: dict[str, Any] = {}
    for result in report.results:
        suite = suites.setdefault(result.subject, TestSuite(result.subject))
        suite.add_testcase(_case(report, result))
    for suite in suites.values():
        document.add_testsuite(suite)
    document.update_statistics()
    encoded: bytes = document.tostring()
    return encoded.decode("utf-8")


def _case(report: Report, result: Result) -> TestCase:
    case = TestCase(result.id, classname=f"can.verify.{result.subject}")
    if result.status == VIOLATED:
        failure = Failure(printable(f"{result.sentence} {result.count} violations"), "violation")
        failure.text = printable("\n".join([*_lines(report, result), f"source: {result.source}"]))
        case.result = [failure]
    elif result.status in (WAIVED, NOT_APPLICABLE):
        case.result = [Skipped(printable(f"{result.status}: {result.reason}"))]
    return case


def _lines(report: Report, result: Result) -> list[str]:
    """The violations of a rule as lines of text."""
    found = []
    for violation in result.violations:
        frame = frame_text(violation)
        words = [
            f"{report.since_start(violation):.6f} s",
            clock_text(report, violation),
            f"frame {frame}" if frame else "",
        ]
        found.append(f"{', '.join(word for word in words if word)}: {violation.text}")
    return [*found, f"and {result.not_shown} more"] if result.not_shown else found
