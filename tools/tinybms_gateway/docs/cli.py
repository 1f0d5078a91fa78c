"""``tinybms-gw docs cli``: docs/cli.md, the reference of all commands, from their own help."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from tinybms_gateway.api.options import URL_VARIABLE
from tinybms_gateway.api.secrets import LOGIN_VARIABLE, TOKEN_VARIABLE
from tinybms_gateway.check.target import CREDENTIAL_VARIABLE
from tinybms_gateway.command_line import EXIT_STATUSES, usage_errors
from tinybms_gateway.gateway_process import BUILD_DIR_VARIABLE
from tinybms_gateway.generated import tree_options, write_or_check
from tinybms_gateway.release.options import RELEASES_VARIABLE

PAGE = Path("docs/cli.md")
PROGRAM = "tinybms-gw"
INTRODUCTION = """\
# Command line

The reference of `tinybms-gw`, generated from the commands by `tinybms-gw docs cli`; do not edit.

Results go to stdout; progress, logs and errors go to stderr. With `--json`, where a command has it, stdout is JSON
only. An error is one line that says what to do; `tinybms-gw -v ...` logs more.
"""
TERMINAL = """\
## On and off the terminal

Colours, live views and progress bars are for terminals only. In a pipe, in a file and with `TERM=dumb` there are no
escape codes: live views are omitted or printed once at the end, and tables in pipes and files are 200 columns wide.
With `NO_COLOR` set to anything, there are no colours and no bold text; live views stay.
"""
COMPLETION = """\
## Completion

`tinybms-gw completion bash|zsh|fish` prints a script that lets the shell complete commands, options, files, serial
ports, scenarios, faults and registers. For the current bash: `source <(tinybms-gw completion bash)`; for every new one:
`tinybms-gw completion bash > ~/.local/share/bash-completion/completions/tinybms-gw`.
"""
VARIABLES = {
    "NO_COLOR": "no colours, see above",
    "TERM": "`dumb`: no colours and no live views",
    BUILD_DIR_VARIABLE: "directory of the native build of the gateway; default: `build-linux` in the source tree",
    URL_VARIABLE: "address of the gateway for `tinybms-gw api`, `access` and `config pull|push|diff`",
    TOKEN_VARIABLE: "token of the gateway for `tinybms-gw api`, `check` and `config pull|push|diff`",
    LOGIN_VARIABLE: "password of the administrator for `tinybms-gw access` and `config pull --secrets`",
    CREDENTIAL_VARIABLE: "password of the MQTT broker for `tinybms-gw check`",
    RELEASES_VARIABLE: "directory of the records and archives of releases; default: `releases` in the source tree",
    "IDF_PATH": "ESP-IDF, for everything that builds for the chip",
    "ESPPORT": "serial port of the ESP32 for `tinybms-gw idf`; `ESPBAUD`: the baud rate for flashing",
}


def generate(main: click.Command) -> dict[Path, str]:
    """Make the page from the outermost group."""
    statuses = [f"| {number} | {meaning} |" for number, meaning in EXIT_STATUSES.items()]
    variables = [f"| `{name}` | {meaning} |" for name, meaning in VARIABLES.items()]
    parts = [
        INTRODUCTION,
        "\n".join(["## Exit status", "", "| status | meaning |", "| ---: | --- |", *statuses, ""]),
        TERMINAL,
        COMPLETION,
        "\n".join(["## Environment", "", "| variable | for |", "| --- | --- |", *variables, ""]),
        "## Commands\n",
        *(_section(path, command) for path, command in walk(main)),
    ]
    return {PAGE: "\n".join(parts)}


def walk(command: click.Command, path: tuple[str, ...] = (PROGRAM,)) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The command and all below it, in alphabetical order, with the words that call it."""
    if command.hidden:
        return
    yield path, command
    for name, below in _below(command):
        yield from walk(below, (*path, name))


def _below(command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """The commands of a group, in alphabetical order."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if (below := command.get_command(context, name)) is not None:
                yield name, below


def _section(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(path))
    usage = " ".join([*path, *command.collect_usage_pieces(context)])
    records = [
        parameter.get_help_record(context) for parameter in command.params if isinstance(parameter, click.Option)
    ]
    lines = [f"### {' '.join(path)}", "", f"`{usage}`", "", *_text(command.help or "")]
    if isinstance(command, click.Group):
        names = [f"[`{name}`](#{'-'.join([*path, name])})" for name, _ in _below(command)]
        lines += [f"Commands: {', '.join(names)}.", ""]
    if any(records):
        lines += ["| option | what it does |", "| --- | --- |", *(_row(record) for record in records if record), ""]
    return "\n".join(lines)


def _text(text: str) -> Iterator[str]:
    """A help text; what click must not wrap becomes a code block."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if not paragraph.startswith("\b"):
            yield from [paragraph.strip(), ""]
            continue
        title, *lines = paragraph.removeprefix("\b").strip("\n").splitlines()
        if title.startswith(" "):
            title, lines = "", [title, *lines]
        code = ["```", *(line.removeprefix("  ") for line in lines), "```", ""]
        yield from [title, "", *code] if title else code


def _row(record: tuple[str, str]) -> str:
    names, text = (" ".join(part.split()).replace("|", "\\|") for part in record)
    return f"| `{names}` | {text.replace('<', '&lt;')} |"


@click.command("cli")
@tree_options
@click.pass_context
def cli_command(context: click.Context, check: bool, root: Path) -> None:
    """Write docs/cli.md, the reference of all commands.

    \b
    Examples:
      tinybms-gw docs cli
      tinybms-gw docs cli --check
    """
    with usage_errors():
        write_or_check(root, generate(context.find_root().command), check)
