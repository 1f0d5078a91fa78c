"""``tinybms-gw can verify-docs``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import lazy_imports, usage_errors
from tinybms_gateway.generated import tree_options, write_or_check

with lazy_imports():
    from tinybms_gateway.can.verify import rules_page


@click.command("verify-docs")
@tree_options
def verify_docs_command(root: Path, check: bool) -> None:
    """Generate docs/testing/rules.md, the table of the rules of 'can verify'.

    \b
    Examples:
      tinybms-gw can verify-docs
      tinybms-gw can verify-docs --check
    """
    with usage_errors():
        write_or_check(root, rules_page.generate(), check)
