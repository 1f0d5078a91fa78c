"""``tinybms-gw config diff``: what a file would change on a gateway."""

from pathlib import Path

import click

from tinybms_gateway.api.error import GatewayError
from tinybms_gateway.api.options import OpenGateway, of_gateway
from tinybms_gateway.command_line import UsageProblem, lazy_imports, print_json
from tinybms_gateway.config.document import read
from tinybms_gateway.config.push import compare, document_errors

with lazy_imports():
    from tinybms_gateway.config import difference


@click.command("diff")
@of_gateway
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def diff_command(gateway: OpenGateway, file: Path, as_json: bool) -> None:
    """Show what differs between a file and a gateway.

    FILE is what 'tinybms-gw config pull' writes: settings, or with --bms registers. What the file does not name is not
    compared. A secret that both have is listed, because nobody can tell whether it is the same, and does not count.

    Exit status: 0 the same, 1 something differs, 2 something to fix, or no answer.

    \b
    Examples:
      tinybms-gw config diff config.json --url http://192.168.1.20
      tinybms-gw config diff docs/config/off-grid-lfp-16s/bms-profile.json --url http://192.168.1.20
    """
    with document_errors():
        document = read(file)
        try:
            with gateway() as opened:
                found = compare(opened, document).differences
        except GatewayError as error:
            raise UsageProblem(f"{file}: {error}") from error
    if as_json:
        print_json([one.as_json() for one in found])
    elif found:
        difference.print_differences(found)
    raise SystemExit(1 if any(one.known for one in found) else 0)
