"""``tinybms-gw idf``: build, flash and watch the firmware with ESP-IDF, without a prepared shell."""

import click

from tinybms_gateway.command_group import CommandGroup
from tinybms_gateway.idf.clean import clean_command
from tinybms_gateway.idf.compile import build_command
from tinybms_gateway.idf.doctor import doctor_command
from tinybms_gateway.idf.erase import erase_command
from tinybms_gateway.idf.flash import flash_command
from tinybms_gateway.idf.menuconfig import menuconfig_command
from tinybms_gateway.idf.monitor import monitor_command
from tinybms_gateway.idf.size import size_command


@click.group("idf", cls=CommandGroup)
def idf_group() -> None:
    """Build, flash and watch the firmware with ESP-IDF.

    No shell has to be prepared by export.sh. ESP-IDF is what --idf-path, then IDF_PATH names, then the best of what
    is installed at the usual places.
    """


for command in (doctor_command, build_command, flash_command, monitor_command, menuconfig_command, size_command,
                clean_command, erase_command):  # fmt: skip
    idf_group.add_command(command)
