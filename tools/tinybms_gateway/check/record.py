"""The entry of a check in a release record."""

from pathlib import Path

from tinybms_gateway.check.check_impl import Report

KIND = "check"


def require_record(path: Path) -> None:
    """Find out before the check whether its outcome can be recorded.

    Raises:
        ValueError: the file is no release record.
        OSError: it is not there or cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"--record {path}: no such file; 'tinybms-gw release record' makes it")
    from tinybms_gateway.release.record_model import load_record  # noqa: PLC0415 - only --record needs it

    load_record(path)


def add_to_record(path: Path, report: Report, site: str | None) -> None:
    """Add the outcome to a release record, as ``tinybms-gw release record`` makes it.

    Raises:
        ValueError: the file is no release record.
        OSError: it cannot be read or written.
    """
    from tinybms_gateway.release.record_model import add_entry  # noqa: PLC0415

    add_entry(path, KIND, {"site": site, **report.as_json()})
