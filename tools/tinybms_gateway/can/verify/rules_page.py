"""docs/testing/rules.md: the rules of ``can verify``."""

import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from tinybms_gateway.can.protocol import BITRATE
from tinybms_gateway.can.verify.report import VICTRON, origin
from tinybms_gateway.can.verify.rules import rules_by_subject

PAGE = Path("docs/testing/rules.md")


def generate() -> dict[Path, str]:
    """Make the page."""
    subjects = rules_by_subject(BITRATE)
    rules = [rule for found in subjects.values() for rule in found]
    victron = sum(origin(rule.source) == VICTRON for rule in rules)
    environment = Environment(
        loader=PackageLoader("tinybms_gateway.can.verify"), undefined=StrictUndefined, trim_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["linked"] = _linked
    template = environment.get_template("rules.md.j2")
    return {PAGE: template.render(subjects=subjects, count=len(rules), victron=victron)}


def _linked(source: str) -> str:
    """A page of the documentation as a link to it."""
    return re.sub(r"docs/([\w/]+\.md)", r"[\1](../\1)", source)
