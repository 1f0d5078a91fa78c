"""Lines of a shell that call tinybms-gw: their words, and whether the command would take them."""

import shlex

import click

from tinybms_gateway.cli import main


def words_of(line: str) -> list[str]:
    """Arguments of the tinybms-gw of a shell line: up to a pipe, a redirection, the next command or a comment."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if set(word) <= set("|;&<>"):
            break
        words.append(word)
    return words


def parse(words: list[str]) -> None:
    """Parse a command line as click does before it runs a command; files that must exist may be missing."""
    name, *words = words
    command: click.Command = main
    context: click.Context | None = None
    try:
        while isinstance(command, click.Group):
            context = command.make_context(name, words, parent=context)
            words = [*context._protected_args, *context.args]
            if not words and command.invoke_without_command:
                return
            found, subcommand, words = command.resolve_command(context, words)
            assert found is not None and subcommand is not None
            name, command = found, subcommand
        command.make_context(name, words, parent=context)
    except click.exceptions.Exit:  # an eager option such as --help
        pass
    except click.BadParameter as error:
        assert "does not exist" in error.format_message(), error.format_message()
