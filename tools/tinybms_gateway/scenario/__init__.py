"""``tinybms-gw scenario``: what can happen to battery and GX, and what must then be seen on the CAN bus."""

import click

from tinybms_gateway.command_line import LazyGroup


@click.group(
    "scenario",
    cls=LazyGroup,
    paths={
        "list": "tinybms_gateway.scenario.list:list_command",
        "show": "tinybms_gateway.scenario.show:show_command",
        "check": "tinybms_gateway.scenario.check:check_command",
        "docs": "tinybms_gateway.scenario.docs:docs_command",
    },
)
def scenario_group() -> None:
    """Scenarios: what happens to battery and GX, and what must show on the CAN bus.

    They are YAML files (test/scenarios/*.yaml). 'sim bms' and 'demo' play them, 'can verify' checks a capture against
    them, and the validation plan (docs/testing/validation_plan.md) is generated from them.
    """
