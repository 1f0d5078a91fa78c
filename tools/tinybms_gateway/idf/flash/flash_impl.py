"""Runs ``idf.py flash``."""

from tinybms_gateway.idf.build_log import kept
from tinybms_gateway.idf.child import run_live
from tinybms_gateway.idf.project import Idf


def flash(idf: Idf, port: str, baud: int | None, extra: tuple[str, ...]) -> int:
    """Build what is not built, and flash; returns idf.py's exit status. Its output is kept as that of a build.

    The baud rate goes by the environment: idf.py takes one of the command line for a monitor as well, but the
    console of the chip does not run at that rate.

    Raises:
        OSError: idf.py cannot be started, or the log cannot be written.
    """
    command = idf.command("flash", before=("-p", port), extra=extra)
    variables = {name: value for name, value in idf.variables.items() if name not in ("ESPPORT", "ESPBAUD")}
    if baud is not None:
        variables["ESPBAUD"] = str(baud)
    with kept(idf, command) as build_log:
        build_log.status = run_live(command, idf.project, variables, build_log.stream)
        return build_log.status
