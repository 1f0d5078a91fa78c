"""The entry of a check in a release record."""

from pathlib import Path

from tinybms_gateway.check.probes import Report
from tinybms_gateway.command_line import lazy_imports

with lazy_imports():  # only --record needs it
    from tinybms_gateway.release import record_model

KIND = "check"


def version_of_record(path: Path, expected: str | None) -> str:
    """Find out before the check whether its outcome can be recorded, and for which firmware the record is.

    Args:
        path: the record
        expected: firmware that the user expects; None: any

    Raises:
        ValueError: the file is not a release record, or its version is not the expected one.
        OSError: it is missing or cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"--record {path}: no such file; 'tinybms-gw release record' makes it")
    version = record_model.load_record(path).subject.version
    if expected not in (None, version):
        raise ValueError(f"--record {path}: is for version {version}, not {expected}; give the record of that version")
    return version


def add_to_record(path: Path, report: Report, site: str | None) -> None:
    """Add the outcome to a release record, as ``tinybms-gw release record`` makes it.

    Raises:
        ValueError: the file is not a release record.
        OSError: it cannot be read or written.
    """
    record_model.add_entry(path, KIND, {"site": site, **report.as_json()})
