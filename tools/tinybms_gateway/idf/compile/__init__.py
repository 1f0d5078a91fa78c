"""``tinybms-gw idf build``. (A folder named build would be taken for what a build leaves.)"""

from pathlib import Path

import click

from tinybms_gateway.idf.options import PassThrough, extra_argument, project_options, refuse_failure
from tinybms_gateway.options import usage_errors


@click.command("build", cls=PassThrough)
@project_options
@extra_argument
def build_command(
    idf_path: Path | None, project_dir: Path | None, build_dir: Path | None, extra: tuple[str, ...]
) -> None:
    """Build the firmware, and keep all that was said in build/build.log.

    The log begins with the command, the time, and the versions of ESP-IDF, the compiler and the project. Options that
    are not known here go to idf.py. Exit status 1 when the build fails.

    \b
    Examples:
      tinybms-gw idf build
      tinybms-gw idf build -v --build-dir /var/tmp/build
      tinybms-gw idf build -DSDKCONFIG=sdkconfig.site -- app
    """
    from tinybms_gateway.idf.compile.build_impl import build  # noqa: PLC0415
    from tinybms_gateway.idf.project import prepare  # noqa: PLC0415

    with usage_errors():
        idf = prepare(idf_path, project_dir, build_dir)
        status = build(idf, extra)
    refuse_failure("the build", status)
