"""``tinybms-gw completion``: completion of commands, options and values by the shell."""

import click
from click.shell_completion import get_completion_class

PROGRAM = "tinybms-gw"
VARIABLE = "_TINYBMS_GW_COMPLETE"
"""By which the script asks; click makes the name from the program's."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print a script for the shell, by which it completes tinybms-gw.

    Commands, options, files, serial ports, scenarios, faults and registers are then completed with the Tab key. To have
    it in every new shell:

    \b
      bash:  tinybms-gw completion bash > ~/.local/share/bash-completion/completions/tinybms-gw
      zsh:   tinybms-gw completion zsh > "${fpath[1]}/_tinybms-gw"      (a directory of $fpath that you may write to)
      fish:  tinybms-gw completion fish > ~/.config/fish/completions/tinybms-gw.fish

    \b
    Examples:
      tinybms-gw completion bash
      tinybms-gw completion zsh
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, PROGRAM, VARIABLE).source())
