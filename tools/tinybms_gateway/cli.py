"""The command line ``tinybms-gw``."""

import click

from tinybms_gateway import __version__
from tinybms_gateway.bms import bms_group
from tinybms_gateway.can import can_group
from tinybms_gateway.config import config_group
from tinybms_gateway.demo import demo_command
from tinybms_gateway.gateway import gateway_command
from tinybms_gateway.idf import idf_group
from tinybms_gateway.options import end_in_order_on_signals, set_up_logging
from tinybms_gateway.sim import sim_group


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
@click.option("-v", "--verbose", is_flag=True, help="Log more, to stderr.")
def main(verbose: bool) -> None:
    """Tools of the TinyBMS Web Gateway. Exit status: 0 good, 1 a check failed, 2 something to put right."""
    set_up_logging(verbose)
    end_in_order_on_signals()


for command in (gateway_command, demo_command, sim_group, can_group, bms_group, config_group, idf_group):
    main.add_command(command)
