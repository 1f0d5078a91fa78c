"""``tinybms-gw can codec``."""

from pathlib import Path

import click

from tinybms_gateway.generated import tree_options, write_or_check
from tinybms_gateway.options import usage_errors


@click.command("codec")
@tree_options
def codec_command(root: Path, check: bool) -> None:
    """Make what is made from the DBC: C codec, signal summary.

    \b
    Examples:
      tinybms-gw can codec
      tinybms-gw can codec --check
    """
    from tinybms_gateway.can.codec import codec_impl  # noqa: PLC0415

    with usage_errors():
        write_or_check(root, codec_impl.generate(), check)
