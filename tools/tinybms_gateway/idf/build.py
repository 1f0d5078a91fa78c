"""``tinybms-gw idf build``: runs ``idf.py build`` and keeps its log."""

from pathlib import Path

import click

from tinybms_gateway.command_line import usage_errors
from tinybms_gateway.idf.build_log import kept
from tinybms_gateway.idf.child import run_live
from tinybms_gateway.idf.options import PassThrough, extra_argument, project_options, refuse_failure
from tinybms_gateway.idf.project import Idf, prepare


def build(idf: Idf, extra: tuple[str, ...]) -> int:
    """Build; returns idf.py's exit status.

    Raises:
        OSError: idf.py cannot be started, or the log cannot be written.
    """
    command = idf.command("build", extra=extra)
    with kept(idf, command) as build_log:
        build_log.status = run_live(command, idf.project, idf.variables, build_log.stream)
        return build_log.status


@click.command("build", cls=PassThrough)
@project_options
@extra_argument
def build_command(
    idf_path: Path | None, project_dir: Path | None, build_dir: Path | None, extra: tuple[str, ...]
) -> None:
    """Build the firmware, and keep the output in build/build.log.

    The log begins with the command, the time, and the versions of ESP-IDF, the compiler and the project. Unknown
    options are passed to idf.py. Exit status 1 if the build fails.

    \b
    Examples:
      tinybms-gw idf build
      tinybms-gw idf build -v --build-dir /var/tmp/build
      tinybms-gw idf build -DSDKCONFIG=sdkconfig.site -- app
    """
    with usage_errors():
        idf = prepare(idf_path, project_dir, build_dir)
        status = build(idf, extra)
    refuse_failure("the build", status)
