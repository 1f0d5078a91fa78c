"""Runs ``idf.py flash``."""

from tinybms_gateway.idf.build_log import kept
from tinybms_gateway.idf.child import run_live
from tinybms_gateway.idf.project import Idf


def flash(idf: Idf, port: str, baud: int | None, extra: tuple[str, ...]) -> int:
    """Build what is not built, and flash; returns idf.py's exit status. Its output is kept as that of a build.

    Raises:
        OSError: idf.py cannot be started, or the log cannot be written.
    """
    command = idf.command("flash", before=("-p", port), extra=extra)
    with kept(idf, command) as build_log:
        build_log.status = run_live(command, idf.project, idf.variables_for_port(baud), build_log.stream)
        return build_log.status
