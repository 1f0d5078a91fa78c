"""Runs ``idf.py build`` and keeps its log."""

from tinybms_gateway.idf.build_log import kept
from tinybms_gateway.idf.child import run_live
from tinybms_gateway.idf.project import Idf


def build(idf: Idf, extra: tuple[str, ...]) -> int:
    """Build; returns idf.py's exit status.

    Raises:
        OSError: idf.py cannot be started, or the log cannot be written.
    """
    command = idf.command("build", extra=extra)
    with kept(idf, command) as build_log:
        build_log.status = run_live(command, idf.project, idf.variables, build_log.stream)
        return build_log.status
