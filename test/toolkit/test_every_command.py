"""What holds for every command of tinybms-gw, those to come included."""

import ast
import contextlib
import io
import os
import pkgutil
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from rich.live import Live

from support.fixtures.command_lines import parse, words_of
from tinybms_gateway import command_line
from tinybms_gateway.cli import main
from tinybms_gateway.command_line import EXIT_STATUSES, LazyGroup, ToolGroup
from tinybms_gateway.docs.cli import generate, walk
from tinybms_gateway.progress import progress_bar
from tinybms_gateway.terminal import make_console

TOOL = Path(sys.executable).with_name("tinybms-gw")
PACKAGE = Path(command_line.__file__).parent
EVERYTHING = list(walk(main))
SLOW = {"asammdf", "can", "cantools", "duckdb", "jinja2", "matplotlib", "numpy", "paho", "pandas", "pyarrow"}
SLOW |= {"jsonschema", "pydantic", "requests", "rich", "scipy", "serial", "yaml"}
QUICK = {"rich", "serial"}
"""Those of them that a command may load for its help."""
ESCAPE = b"\x1b"

every_one = pytest.mark.parametrize(("path", "command"), EVERYTHING, ids=[" ".join(path) for path, _ in EVERYTHING])


def examples(command: click.Command) -> list[str]:
    """Lines of the block of examples."""
    _, found, block = (command.help or "").partition("Examples:\n")
    return [line.strip() for line in block.split("\n\n")[0].splitlines() if line.strip()] if found else []


@every_one
def test_it_says_what_it_is_for(path: tuple[str, ...], command: click.Command) -> None:
    first = (command.help or "").strip().splitlines()[0].strip()
    assert 10 < len(first) < 80, first
    assert first[0].isupper() and first.endswith("."), first
    result = CliRunner().invoke(main, [*path[1:], "--help"])
    assert result.exit_code == 0
    assert first.split()[0] in result.output


@every_one
def test_its_options_are_documented(path: tuple[str, ...], command: click.Command) -> None:
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.help, f"{' '.join(path)} {option.opts[0]}"


@every_one
def test_its_examples_can_be_typed(path: tuple[str, ...], command: click.Command) -> None:
    lines = examples(command)
    if isinstance(command, click.Group) and not lines:
        return
    assert lines, "no 'Examples:' in the help text"
    assert "\b" in (command.help or "").partition("Examples:")[0][-10:], "click would wrap the examples"
    for line in lines:
        words = words_of(line)
        assert words, line
        if words[0] in ("idf.py", "make", "source"):
            continue
        assert tuple(words[: len(path)]) == path, line
        parse(words)


@every_one
def test_an_option_that_is_not_there_is_one_thing_to_put_right(path: tuple[str, ...], command: click.Command) -> None:
    if command.context_settings.get("ignore_unknown_options"):
        return  # it takes options of another program, or negative numbers
    result = CliRunner().invoke(main, [*path[1:], "--no-such-option"])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert "no such option" in result.output.lower()


def test_each_runs_as_a_process_of_its_own() -> None:
    def say_help(path: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run([TOOL, *path[1:], "--help"], capture_output=True, text=True, check=False, timeout=60)

    paths = [path for path, _ in EVERYTHING]
    with ThreadPoolExecutor(2) as pool:
        for path, ended in zip(paths, pool.map(say_help, paths), strict=True):
            assert ended.returncode == 0, (path, ended.stderr)
            assert ended.stdout.startswith(f"Usage: {' '.join(path)} ")
            assert ended.stderr == ""


def test_help_of_a_group_has_whole_sentences_on_a_narrow_terminal() -> None:
    for words in ([], ["can"], ["idf"], ["release"]):
        text = CliRunner().invoke(main, [*words, "--help"], terminal_width=80).output
        commands = text.partition("Commands:\n")[2]
        assert commands and "..." not in commands and max(map(len, text.splitlines())) <= 80, words


def test_help_and_completion_load_no_large_library() -> None:
    code = f"import sys; import tinybms_gateway.cli; print(*({SLOW!r} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""


@every_one
def test_its_help_loads_no_large_library(path: tuple[str, ...], command: click.Command) -> None:
    code = f"""
import sys
from tinybms_gateway.cli import main
main({[*path[1:], "--help"]!r}, standalone_mode=False)
print(*({SLOW - QUICK!r} & set(sys.modules)), file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "", command.name


def test_a_command_is_imported_only_when_it_is_looked_up() -> None:
    code = """
import click, sys
from tinybms_gateway.cli import main
def loaded(): return sorted(name for name in main.paths if f"tinybms_gateway.{name}" in sys.modules)
context = click.Context(main)
assert len(main.list_commands(context)) == len(main.paths) and not loaded()
assert main.get_command(context, "gateway").name == "gateway" and "idf" not in loaded()
assert main.get_command(context, "no-such") is None
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_lazy_module_is_loaded_when_it_is_asked_to() -> None:
    code = """
import sys
from tinybms_gateway.check import probes
from tinybms_gateway.command_line import load
before = "can" in sys.modules
load(probes.bus_listener)
print(before, "can" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False True"


@every_one
def test_it_is_found_by_the_path_that_its_group_names(path: tuple[str, ...], command: click.Command) -> None:
    if isinstance(command, LazyGroup):
        found = {name: pkgutil.resolve_name(where).name for name, where in command.paths.items()}
        assert found and all(name == of_command for name, of_command in found.items())
    assert command.name == path[-1] or len(path) == 1


def test_the_reference_is_current(root: Path) -> None:
    for path, text in generate(main).items():
        assert (root / path).read_text(encoding="utf-8") == text, "make it with 'tinybms-gw docs cli'"


def test_the_reference_names_every_command_and_every_way_to_end(root: Path) -> None:
    page = (root / "docs/cli.md").read_text()
    titles = re.findall(r"^### (.*)$", page, re.MULTILINE)
    assert titles == [" ".join(path) for path, _ in EVERYTHING]
    for status in EXIT_STATUSES:
        assert re.search(rf"^\| {status} \| ", page, re.MULTILINE)
        assert not status or str(status) in (main.help or "")
    for link in re.findall(r"\(#([^)]+)\)", page):
        assert link.replace("-", " ") in {title.replace("-", " ") for title in titles}


def test_consoles_are_made_in_one_place_only() -> None:
    for source in PACKAGE.rglob("*.py"):
        if source.name == "terminal.py":
            continue
        for node in ast.walk(ast.parse(source.read_text())):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            assert name != "Console", f"{source}:{node.lineno}: use tinybms_gateway.terminal.make_console"


def ending(error: BaseException, *options: str) -> tuple[int, str]:
    """How a command that raises this ends, and what it says."""

    @click.group(cls=ToolGroup)
    @click.option("-v", "--verbose", is_flag=True)
    def group(verbose: bool) -> None:
        assert verbose is ("-v" in options)

    @group.command("act")
    def act() -> None:
        click.echo("result")
        raise error

    result = CliRunner().invoke(group, [*options, "act"])
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SystemExit(0), 0),
        (SystemExit(1), 1),
        (click.ClickException("no answer"), 1),
        (click.UsageError("no"), 2),
        (ZeroDivisionError("division\nby zero"), 70),
        (AssertionError(), 70),
        (RecursionError("too deep"), 70),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (BrokenPipeError(32, "Broken pipe"), 141),
    ],
    ids=repr,
)
def test_exit_status(error: BaseException, status: int) -> None:
    ended, said = ending(error)
    assert ended == status
    assert "Traceback" not in said
    if status == 70:
        assert len(said.splitlines()) == 1
        assert "-v" in said


def test_nothing_is_said_to_a_reader_who_has_left() -> None:
    assert ending(BrokenPipeError(32, "Broken pipe"))[1] == ""


@pytest.mark.parametrize("arguments", [["bms", "registers", "--json"], ["bms", "registers"]], ids=" ".join)
def test_a_pipe_that_is_closed(arguments: list[str]) -> None:
    process = subprocess.Popen([TOOL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(20) == 141


def test_ctrl_c(tmp_path: Path) -> None:
    with subprocess.Popen([TOOL, "bms", "info", "--port", tmp_path / "pty", "--timeout", "30"],
                          stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # fmt: skip
        process.wait(20)
        assert process.returncode == 2, "a port that is not there"
    master, slave = pty.openpty()
    try:
        arguments = [TOOL, "-v", "bms", "info", "--port", os.ttyname(slave), "--timeout", "30"]
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
            assert os.read(master, 1)  # it has asked the BMS, and waits
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
            assert process.returncode == 130
            assert "Traceback" not in said
            assert said.strip().splitlines()[-1] == "interrupted"
    finally:
        os.close(master)
        os.close(slave)


@contextlib.contextmanager
def on_a_terminal(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A command whose stdin, stdout and stderr are a terminal; with the other end of it."""
    master, slave = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    try:
        process = subprocess.Popen([TOOL, *arguments], stdin=slave, stdout=slave, stderr=slave,
                                   env=plain | {"TERM": "xterm-256color"} | environment)  # fmt: skip
    finally:
        os.close(slave)
    try:
        yield process, master
        process.wait(30)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def read_all(master: int) -> bytes:
    """All that comes until the other end is closed."""
    output = b""
    with contextlib.suppress(OSError):
        while piece := os.read(master, 65536):
            output += piece
    return output


@pytest.mark.parametrize(
    ("environment", "escapes"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
    ids=["terminal", "NO_COLOR", "dumb", "NO_COLOR empty"],
)
def test_escape_codes_are_for_terminals_that_want_them(environment: dict[str, str], escapes: bool) -> None:
    with on_a_terminal("bms", "registers", **environment) as (process, master):
        output = read_all(master)
        assert process.wait(20) == 0
    assert b"over_voltage_cutoff" in output
    assert (ESCAPE in output) is escapes


def test_no_escape_codes_in_a_pipe_even_when_the_terminal_has_colours() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm-256color"}
    ended = subprocess.run([TOOL, "bms", "registers"], capture_output=True, check=True, env=environment, timeout=30)
    assert ESCAPE not in ended.stdout + ended.stderr


class Screen(io.StringIO):
    """Says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "live", "colours"),
    [({}, True, True), ({"NO_COLOR": "1"}, True, False), ({"TERM": "dumb"}, False, False)],
    ids=["terminal", "NO_COLOR", "dumb"],
)
def test_bars_and_live_views(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], live: bool, colours: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    bar, view = Screen(), Screen()
    monkeypatch.setattr(sys, "stderr", bar)
    monkeypatch.setattr(sys, "stdout", view)
    with progress_bar("counting", 2.0) as progress:
        progress(1.0)
    with Live("[bold red]half way", console=make_console(), auto_refresh=False) as shown:
        shown.update("[bold red]arrived", refresh=True)
    for screen in (bar, view):
        assert ("\x1b" in screen.getvalue()) is live
        assert bool(re.search(r"\x1b\[[0-9;]*m", screen.getvalue())) is colours
    assert live or bar.getvalue() == ""
    assert live or view.getvalue().strip() == "arrived", "once, at the end"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_the_shell(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert "_TINYBMS_GW_COMPLETE" in result.output
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=result.output, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "begun", "offered"),
    [
        ([], "ca", {"can"}),
        (["can"], "dec", {"decode"}),
        (["demo", "--scenario"], "overv", {"overvoltage"}),
        (["sim", "system", "--scenario"], "co", {"cold"}),
        (["sim", "bms", "--fault"], "sil", {"silence"}),
        (["bms", "read"], "over_v", {"over_voltage_count", "over_voltage_cutoff"}),
        (["completion"], "f", {"fish"}),
        (["check"], "--expect", {"--expect-version"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_completion(words: list[str], begun: str, offered: set[str]) -> None:
    complete = ShellComplete(main, {}, "tinybms-gw", "_TINYBMS_GW_COMPLETE")
    assert {item.value for item in complete.get_completions(words, begun)} == offered


def test_bash_completes() -> None:
    script = (
        'source <("$0" completion bash); COMP_WORDS=("$0" can dec); COMP_CWORD=2; '
        '_tinybms_gw_completion "$0"; echo "${COMPREPLY[@]}"'
    )
    ended = subprocess.run(["bash", "-c", script, TOOL], capture_output=True, text=True, check=False, timeout=30)
    assert ended.stdout.strip() == "decode", ended.stderr
