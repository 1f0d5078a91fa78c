"""``tinybms-gw idf``: build, flash and watch the firmware with ESP-IDF, without running export.sh."""

import click

from tinybms_gateway.command_line import LazyGroup


@click.group(
    "idf",
    cls=LazyGroup,
    paths={
        "doctor": "tinybms_gateway.idf.doctor:doctor_command",
        "build": "tinybms_gateway.idf.build:build_command",
        "flash": "tinybms_gateway.idf.flash:flash_command",
        "monitor": "tinybms_gateway.idf.monitor:monitor_command",
        "menuconfig": "tinybms_gateway.idf.menuconfig:menuconfig_command",
        "size": "tinybms_gateway.idf.size:size_command",
        "clean": "tinybms_gateway.idf.clean:clean_command",
        "erase": "tinybms_gateway.idf.erase:erase_command",
    },
)
def idf_group() -> None:
    """Build, flash and watch the firmware with ESP-IDF.

    There is no need to run export.sh first. ESP-IDF is taken from --idf-path, else from IDF_PATH, else from the usual
    places, where the best one counts.
    """
