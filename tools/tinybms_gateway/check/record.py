"""The entry of a check in a release record."""

from datetime import datetime, timezone
from pathlib import Path

from tinybms_gateway.check.check_impl import Report

KIND = "commissioning"


def add_to_record(path: Path, report: Report, site: str | None) -> None:
    """Add the outcome to a release record, as ``tinybms-gw release record`` makes it.

    Raises:
        ValueError: the file is no release record.
        OSError: it cannot be read or written.
    """
    from tinybms_gateway.release.record_model import add_entry  # noqa: PLC0415 - only --record needs it

    when = datetime.now(timezone.utc).isoformat(timespec="seconds")
    add_entry(path, KIND, {"when": when, "site": site, **report.as_json()})
