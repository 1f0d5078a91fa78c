"""The command line ``tinybms-gw``."""

import click

from tinybms_gateway.bms import bms_group
from tinybms_gateway.can import can_group
from tinybms_gateway.check import check_command
from tinybms_gateway.completion import completion_command
from tinybms_gateway.config import config_group
from tinybms_gateway.demo import demo_command
from tinybms_gateway.docs import docs_group
from tinybms_gateway.gateway import gateway_command
from tinybms_gateway.idf import idf_group
from tinybms_gateway.options import end_in_order_on_signals, set_up_logging
from tinybms_gateway.release import release_group
from tinybms_gateway.scenario import scenario_group
from tinybms_gateway.sim import sim_group
from tinybms_gateway.tool_group import ToolGroup


@click.group(cls=ToolGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="tinybms-gateway")
@click.option("-v", "--verbose", is_flag=True, help="Log more, to stderr; show tracebacks.")
def main(verbose: bool) -> None:
    """Tools of the TinyBMS Web Gateway: simulate, record, check, build, release.

    Exit status: 0 good; 1 a check failed; 2 something to put right, which one line names; 70 a defect of this program
    (-v shows where); 130 interrupted by Ctrl-C; 141 the reader of the output has left; 143 ended by SIGTERM.
    'tinybms-gw completion' makes the shell complete commands and values.

    \b
    Examples:
      tinybms-gw demo
      tinybms-gw can decode --help
      tinybms-gw -v check --can socketcan:can0
    """
    set_up_logging(verbose)
    end_in_order_on_signals()


for command in (
    gateway_command,
    demo_command,
    sim_group,
    can_group,
    bms_group,
    idf_group,
    check_command,
    scenario_group,
    release_group,
    config_group,
    docs_group,
    completion_command,
):
    main.add_command(command)
