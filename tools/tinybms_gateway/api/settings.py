"""``tinybms-gw api settings``: the settings of a gateway."""

from typing import Any

import click

from tinybms_gateway.api.options import OpenGateway, of_gateway
from tinybms_gateway.command_line import UsageProblem, lazy_imports, print_json

with lazy_imports():
    from tinybms_gateway import terminal
    from tinybms_gateway.api import view

PATHS = {"schema": "/api/v1/settings/schema", "form": "/api/v1/settings/form"}


@click.command("settings")
@of_gateway
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a settings document instead.")
@click.option("--form", is_flag=True, help="Print the description of a form for them instead, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as the gateway gave it.")
def settings_command(gateway: OpenGateway, schema: bool, form: bool, as_json: bool) -> None:
    """Show the settings: in effect, saved, and as the factory made them.

    What is saved and not in effect applies from the next start. Passwords are never shown.

    \b
    Examples:
      tinybms-gw api settings --url http://192.168.1.20
      tinybms-gw api settings --url http://192.168.1.20 --schema > settings.schema.json
    """
    if schema and form:
        raise UsageProblem("give --schema or --form, not both")
    wanted = PATHS["schema"] if schema else PATHS["form"] if form else "/api/v1/settings"
    with gateway() as opened:
        answer = opened.object(wanted)
    if as_json or schema or form:
        print_json(answer)
        return
    settings = view.part(answer, "settings")
    terminal.print_table("key", "in effect", "saved", "factory", rows=[_row(key, settings[key]) for key in settings])
    view.print_facts(answer, "unconfirmed", "restricted")


def _row(key: str, setting: Any) -> list[str]:
    if isinstance(setting, dict) and "set" in setting:
        return [view.text("key", key), "(secret)" if setting["set"] else "(not set)", "", ""]
    if isinstance(setting, dict) and "length" in setting:
        length = setting["length"]
        return [view.text("key", key), "", f"{view.text('length', length)} characters" if length else "(none)", ""]
    values = setting if isinstance(setting, dict) else {}
    return [view.text("key", key), *(view.text("value", values.get(name)) for name in ("value", "saved", "factory"))]
