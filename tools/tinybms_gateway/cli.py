"""The command line ``tinybms-gw``."""

import click

from tinybms_gateway.command_line import ToolGroup, end_in_order_on_signals, set_up_logging


@click.group(
    cls=ToolGroup,
    paths={
        "gateway": "tinybms_gateway.gateway:gateway_command",
        "demo": "tinybms_gateway.demo:demo_command",
        "sim": "tinybms_gateway.sim:sim_group",
        "can": "tinybms_gateway.can:can_group",
        "bms": "tinybms_gateway.bms:bms_group",
        "idf": "tinybms_gateway.idf:idf_group",
        "check": "tinybms_gateway.check:check_command",
        "setup": "tinybms_gateway.setup:setup_command",
        "access": "tinybms_gateway.access:access_group",
        "api": "tinybms_gateway.api:api_group",
        "scenario": "tinybms_gateway.scenario:scenario_group",
        "release": "tinybms_gateway.release:release_group",
        "config": "tinybms_gateway.config:config_group",
        "docs": "tinybms_gateway.docs:docs_group",
        "completion": "tinybms_gateway.completion:completion_command",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="tinybms-gateway")
@click.option("-v", "--verbose", is_flag=True, help="Log more, to stderr; show tracebacks.")
def main(verbose: bool) -> None:
    """Toolkit of the TinyBMS Web Gateway: simulate, record, check, build, release.

    Exit status: 0 success; 1 a check failed; 2 something to fix, named in one line; 70 a bug in this program (-v shows
    where); 130 interrupted by Ctrl-C; 141 the reader of the output has gone; 143 ended by SIGTERM. 'tinybms-gw
    completion' lets the shell complete commands and values.

    \b
    Examples:
      tinybms-gw demo
      tinybms-gw can decode --help
      tinybms-gw -v check --can socketcan:can0
    """
    set_up_logging(verbose)
    end_in_order_on_signals()
