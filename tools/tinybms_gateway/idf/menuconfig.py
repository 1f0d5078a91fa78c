"""``tinybms-gw idf menuconfig``."""

import os
import sys
from pathlib import Path

import click

from tinybms_gateway.command_line import usage_errors
from tinybms_gateway.idf.options import PassThrough, extra_argument, project_options
from tinybms_gateway.idf.project import prepare


@click.command("menuconfig", cls=PassThrough)
@project_options
@extra_argument
def menuconfig_command(
    idf_path: Path | None, project_dir: Path | None, build_dir: Path | None, extra: tuple[str, ...]
) -> None:
    """Configure the firmware in idf.py's menus.

    Our own menus begin with TinyBMS, below 'Component config'. menuconfig replaces this program, and needs a terminal.

    \b
    Examples:
      tinybms-gw idf menuconfig
      tinybms-gw idf menuconfig --style monochrome
    """
    with usage_errors():
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise ValueError("menuconfig needs a terminal; without one, put values into sdkconfig.defaults")
        idf = prepare(idf_path, project_dir, build_dir)
        command = idf.command("menuconfig", extra=extra)
        os.chdir(idf.project)
        os.execve(command[0], command, idf.variables)
