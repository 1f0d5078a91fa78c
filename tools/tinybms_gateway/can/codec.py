"""``tinybms-gw can codec``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import lazy_imports, usage_errors
from tinybms_gateway.generated import tree_options, write_or_check

with lazy_imports():
    from tinybms_gateway.can import codec_files


@click.command("codec")
@tree_options
def codec_command(root: Path, check: bool) -> None:
    """Generate the C codec and the signal summary from the DBC.

    \b
    Examples:
      tinybms-gw can codec
      tinybms-gw can codec --check
    """
    with usage_errors():
        write_or_check(root, codec_files.generate(), check)
