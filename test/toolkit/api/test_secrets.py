"""Tokens, passwords and codes of the commands: where they come from, and that they show nowhere."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.fixtures.terminals import on_a_terminal, read_until
from support.peers.web_peer import Asked, answer, refuse, web_server
from tinybms_gateway.api.secrets import LOGIN_VARIABLE, TOKEN_VARIABLE
from tinybms_gateway.cli import main
from toolkit.api.answers import ANSWERS
from toolkit.api.test_changes import COOKIE, CSRF, PHRASE, SESSIONS, TOKEN

OTHER = "tbg_" + "f" * 64
TOOL = Path(sys.executable).with_name("tinybms-gw")
STATUS = answer(json.dumps(ANSWERS["/api/v1/status"]).encode(), "application/json")
TOKENS = answer(b'{"tokens": [{"name": "prometheus", "right": "read"}]}', "application/json")


def run(*arguments: object, **environment: str) -> Result:
    clean = {TOKEN_VARIABLE: "", LOGIN_VARIABLE: ""}
    return CliRunner().invoke(main, [str(argument) for argument in arguments], env=clean | environment)


@pytest.fixture
def asked() -> list[Asked]:
    return []


@pytest.fixture
def url(asked: list[Asked]) -> Iterator[str]:
    with web_server({**SESSIONS, "/api/v1/status": STATUS, "/api/v1/tokens": TOKENS}, asked=asked) as address:
        yield address


def private(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return path


def test_a_token_from_the_variable(url: str, asked: list[Asked]) -> None:
    assert run("api", "status", "--url", url, TINYBMS_TOKEN=TOKEN).exit_code == 0
    assert asked[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_token_from_a_file_beats_the_variable(url: str, asked: list[Asked], tmp_path: Path) -> None:
    file = private(tmp_path / "token", TOKEN + "\r\n")
    result = run("api", "status", "--url", url, "--token-file", file, TINYBMS_TOKEN=OTHER)
    assert (result.exit_code, result.stderr) == (0, "")
    assert asked[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_used_with_a_warning(url: str, tmp_path: Path, mode: int) -> None:
    file = private(tmp_path / "token", TOKEN)
    file.chmod(mode)
    result = run("api", "status", "--url", url, "--token-file", file)
    assert result.exit_code == 0
    assert result.stderr == f"warning: {file}: others can read it; chmod 600 {file}\n"


@pytest.mark.parametrize(
    "content",
    ["", "\n", "secret", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), f"{TOKEN}\n{TOKEN}", f"{TOKEN}\r\nX-Evil: 1",
     b"\xff\xfe", "x" * 5000, f"Bearer {TOKEN}"],
)  # fmt: skip
def test_what_is_no_token_is_neither_sent_nor_repeated(
    url: str, asked: list[Asked], tmp_path: Path, content: str | bytes
) -> None:
    file = private(tmp_path / "token", content)
    result = run("api", "status", "--url", url, "--token-file", file)
    assert result.exit_code == 2
    assert str(file) in result.output
    assert len(result.output.splitlines()) == 1
    assert not str(content).strip() or str(content).strip()[:64] not in result.output
    assert asked == []


def test_a_variable_that_holds_no_token(url: str, asked: list[Asked]) -> None:
    result = run("api", "status", "--url", url, TINYBMS_TOKEN="secret")
    assert result.exit_code == 2
    assert "TINYBMS_TOKEN: is no token" in result.output and "secret" not in result.output
    assert asked == []


def test_a_file_that_is_not_there(url: str, tmp_path: Path) -> None:
    result = run("api", "status", "--url", url, "--token-file", tmp_path / "token")
    assert (result.exit_code, result.output) == (2, f"Error: {tmp_path / 'token'}: No such file or directory\n")


@pytest.mark.parametrize("command", [["api", "state"], ["api", "log"], ["config", "pull"]], ids=" ".join)
@pytest.mark.parametrize(
    ("status", "error", "advice"),
    [(401, "login_required", "token-create"), (403, "not_set_up", "tinybms-gw setup"), (403, "not_allowed", "full")],
)  # fmt: skip
def test_a_gateway_that_wants_to_know_who_asks(command: list[str], status: int, error: str, advice: str) -> None:
    paths = ("/api/v1/state", "/api/v1/log", "/api/v1/settings/export")
    with web_server({path: refuse(status, error, "Not you.") for path in paths}) as address:
        result = run(*command, "--url", address)
    assert result.exit_code == 1
    assert f"HTTP {status}: Not you.; " in result.output and advice in result.output
    assert len(result.output.splitlines()) == 1


def test_a_password_from_the_variable_or_a_file(url: str, asked: list[Asked], tmp_path: Path) -> None:
    file = private(tmp_path / "password", "another horse battery\n")
    assert run("access", "tokens", "--url", url, TINYBMS_PASSWORD=PHRASE).exit_code == 0
    assert run("access", "tokens", "--url", url, "--password-file", file, TINYBMS_PASSWORD=PHRASE).exit_code == 0
    assert [one.json()["password"] for one in asked if one.method == "POST"] == [PHRASE, "another horse battery"]
    assert [one.method for one in asked] == ["POST", "GET", "DELETE"] * 2


def test_nobody_to_ask_for_a_password(url: str, asked: list[Asked]) -> None:
    result = run("access", "tokens", "--url", url)
    assert result.exit_code == 2
    assert "no terminal to ask for the password on: give --password-file" in result.output
    assert asked == []


def test_no_option_takes_a_secret_itself() -> None:
    """Anyone who lists the processes of a machine reads its command lines."""
    for words in (
        ["api", "state"],
        ["access", "tokens"],
        ["access", "password"],
        ["config", "push"],
        ["setup"],
        ["check"],
    ):
        text = run(*words, "--help").output
        assert "--token-file" in text or "--password-file" in text
        for name in ("--token ", "--password ", "--code ", "--new-password "):
            assert name not in text, words


def test_a_password_is_asked_for_and_not_shown(url: str, asked: list[Asked]) -> None:
    with on_a_terminal("access", "tokens", "--url", url) as (process, master):
        shown = read_until(master, f"password of {url}: ".encode())
        os.write(master, PHRASE.encode() + b"\n")
        shown += read_until(master, b"")
        assert process.wait(30) == 0
    assert asked[0].json() == {"password": PHRASE}
    assert b"prometheus" in shown
    assert PHRASE.encode() not in shown


def test_ctrl_c_at_the_question_sends_nothing(url: str, asked: list[Asked]) -> None:
    with on_a_terminal("access", "tokens", "--url", url) as (process, master):
        read_until(master, b"password of")
        process.send_signal(2)
        assert process.wait(30) == 130
    assert asked == []


def test_nothing_secret_is_said_with_verbose(url: str, tmp_path: Path) -> None:
    password, token = private(tmp_path / "p", PHRASE), private(tmp_path / "t", TOKEN)
    said = ""
    for words in (["access", "tokens", "--password-file", password], ["api", "status", "--token-file", token]):
        ended = subprocess.run(
            [TOOL, "-v", *words, "--url", url], capture_output=True, text=True, check=True, timeout=60
        )
        said += ended.stdout + ended.stderr
    assert "/api/v1/status" in said, "it does say more"
    assert not [secret for secret in (PHRASE, TOKEN, COOKIE, CSRF) if secret in said]
