"""``tinybms-gw setup``: with consoles and gateways that are none, or say something unexpected."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.peers.console_peer import Reply, console
from support.peers.web_peer import Asked, answer, refuse, web_server
from tinybms_gateway.cli import main
from tinybms_gateway.setup import console as console_module
from toolkit.api.test_changes import COOKIE, CSRF, PHRASE, SESSIONS

CODE = b"console: the set-up code is K7M29QXW4T\r\n"
VOID = b"console: the set-up code is void: a password is set; reset-password takes it back\n"
COMMANDS = b"console: commands: help, setup-code, reset-password\n"
ASK_RESET = b"console: this takes back the password and all tokens; to do it, type: reset-password yes\n"
RESET_DONE = b"console: password and tokens are taken back; setup-code shows the new set-up code\n"
LOG = b"\x1b[0;32mI (1234) battery: console: the set-up code is AAAAABBBBB\x1b[0m\r\n"
STATUS = answer(b'{"version": "0.9.0", "device": "gw7", "api": 1}', "application/json")
NOT_SET_UP = answer(b'{"set_up": false}', "application/json")
CREATED = answer(
    json.dumps({"right": "full", "csrf": CSRF}).encode(),
    "application/json",
    201,
    Set_Cookie=f"session={COOKIE}; Path=/",
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["setup", *map(str, arguments)], env={"TINYBMS_PASSWORD": ""})


def says(**replies: bytes) -> Reply:
    """A reply for each command; what is not given is not known."""
    given = {name.replace("_", "-"): text for name, text in replies.items()}

    def reply(line: str) -> Sequence[bytes]:
        return [given.get(line.replace(" ", "-"), b"console: unknown command; help lists all\n")]

    return reply


def with_console(reply: Reply, *arguments: object, first: bytes = b"") -> tuple[Result, list[str]]:
    with console(reply, first) as (port, came):
        return run("--port", port, *arguments), came


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WITHIN_S", "RESET_WITHIN_S"):
        monkeypatch.setattr(console_module, name, 0.5)


def test_the_code_is_read_from_the_console_and_printed_for_a_label() -> None:
    result, came = with_console(says(setup_code=CODE))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "K7M29-QXW4T\n", "")
    assert came == ["setup-code"]


def test_the_code_for_programs() -> None:
    result, _ = with_console(says(setup_code=CODE), "--json")
    assert json.loads(result.stdout) == {"set_up": False, "setup_code": "K7M29-QXW4T"}


@pytest.mark.parametrize(
    "pieces",
    [
        [LOG, CODE],
        [b"\xff\x00\xfe garbage", b"\r\n", CODE],
        [CODE[:20], CODE[20:]],
        [b"x" * 5000 + b"\n", CODE],
        [COMMANDS, CODE],
        [b"console: the set-up code is K7M29-QXW4T\n"],
    ],
    ids=["log", "garbage", "torn", "long", "late answer", "hyphen"],
)
def test_whatever_comes_in_between(pieces: list[bytes]) -> None:
    result, _ = with_console(lambda line: pieces if line == "setup-code" else [], first=b"I (1) boot: ESP-IDF\r\nI (2")
    assert (result.exit_code, result.stdout) == (0, "K7M29-QXW4T\n"), result.output


def test_a_chip_that_restarts_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_module, "ASK_EVERY_S", 0.2)
    asked: list[str] = []

    def deaf_at_first(line: str) -> Sequence[bytes]:
        asked.append(line)
        return [CODE] if asked.count("setup-code") > 2 else [b"ets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET)\r\n"]

    assert with_console(deaf_at_first)[0].stdout == "K7M29-QXW4T\n"


def test_a_code_that_is_void() -> None:
    result, _ = with_console(says(setup_code=VOID))
    assert result.exit_code == 1
    assert result.output == (
        "Error: a password is set, so the set-up code is void; --reset takes back the password and all tokens\n"
    )


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (lambda _: [], "has not answered 'setup-code'"),
        (says(), "unknown command"),
        (says(setup_code=b"console: there is no set-up code: it could not be stored\n"), "could not be stored"),
        (says(setup_code=b"console: the set-up code is \x1b[2Jabc\n"), "the console says"),
        (says(setup_code=b"login: "), "does no other program use the port?"),
    ],
    ids=["silent", "old firmware", "no code", "hostile", "linux"],
)
def test_consoles_that_tell_no_code(reply: Reply, complaint: str) -> None:
    result, _ = with_console(reply)
    assert result.exit_code == 2
    assert complaint in result.output
    assert len(result.output.splitlines()) == 1 and result.output.strip().isprintable()


def test_a_password_that_is_lost_is_taken_back_with_the_device_in_hand() -> None:
    reply = says(help=COMMANDS, reset_password=ASK_RESET, reset_password_yes=RESET_DONE, setup_code=CODE)
    result, came = with_console(reply, "--reset", "--yes")
    assert (result.exit_code, result.stdout) == (0, "K7M29-QXW4T\n")
    assert "taken back" in result.stderr
    assert came == ["help", "reset-password", "reset-password yes", "setup-code"], "the two of them once"


def test_nothing_is_taken_back_without_a_yes() -> None:
    result, came = with_console(says(help=COMMANDS), "--reset")
    assert result.exit_code == 2
    assert "--yes" in result.output
    assert came == []


@pytest.mark.usefixtures("impatient")
def test_a_reset_that_fails() -> None:
    failed = b"console: flash cannot be written: sessions have ended, but the password may come back\n"
    reply = says(help=COMMANDS, reset_password=ASK_RESET, reset_password_yes=failed)
    result, came = with_console(reply, "--reset", "--yes")
    assert result.exit_code == 2
    assert "flash cannot be written" in result.output
    assert "setup-code" not in came
    result, came = with_console(says(help=COMMANDS), "--reset", "--yes")
    assert (result.exit_code, came) == (2, ["help", "reset-password"]), "what is not known is not confirmed"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "give --port or --data"),
        (["--port", "/dev/nowhere"], "no /dev/nowhere"),
        (["--port", "/dev/null", "--data", "/tmp"], "give one of"),
        (["--data", "/no/where"], "/no/where"),
        (["--code-file", "x", "--port", "/dev/null"], "give one of"),
        (["--password-file", "x", "--data", "/tmp"], "--url"),
        (["--reset", "--url", "http://host"], "--reset"),
        (["--url", "host"], "http://HOST"),
    ],
)
def test_options_that_make_no_sense(arguments: list[str], complaint: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert complaint in result.output


@pytest.fixture
def files(tmp_path: Path) -> list[object]:
    """Options with the code and the password."""
    for name, content in (("code", "k7m29-qxw4t\n"), ("password", PHRASE)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    return ["--code-file", tmp_path / "code", "--password-file", tmp_path / "password"]


NEW = {**SESSIONS, "/api/v1/status": STATUS, "/api/v1/session": NOT_SET_UP, "POST /api/v1/setup": CREATED}


def test_the_first_password_is_set_with_the_code(files: list[object]) -> None:
    asked: list[Asked] = []
    with web_server(NEW, asked=asked) as url:
        result = run("--url", url, *files)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{url}: the password is set; log in with it\n"
    assert [(one.method, one.path) for one in asked] == [
        ("GET", "/api/v1/status"), ("GET", "/api/v1/session"), ("POST", "/api/v1/setup"), ("DELETE", "/api/v1/session"),
    ]  # fmt: skip
    assert asked[2].json() == {"code": "k7m29-qxw4t", "password": PHRASE}


def test_console_and_web_together(files: list[object]) -> None:
    asked: list[Asked] = []
    with web_server(NEW, asked=asked) as url:
        result, _ = with_console(says(setup_code=CODE), "--url", url, "--json", *files[2:])
    assert json.loads(result.stdout) == {"set_up": True, "setup_code": None}
    assert asked[2].json()["code"] == "K7M29-QXW4T"


def test_one_that_has_a_password_is_left_alone(files: list[object]) -> None:
    asked: list[Asked] = []
    set_up = answer(b'{"set_up": true}', "application/json")
    with web_server({**NEW, "/api/v1/session": set_up}, asked=asked) as url:
        result = run("--url", url, *files)
    assert result.exit_code == 1
    assert "a password is set" in result.output
    assert {one.method for one in asked} == {"GET"}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (refuse(401, "wrong_code", "The code is wrong."), "--port DEV"),
        (refuse(409, "set_up_already"), "--reset"),
        (refuse(422, "weak_password"), "10 to 128 bytes"),
        (refuse(429, "paused", headers={"Retry_After": "42"}), "try again in 42 s"),
    ],
)
def test_what_the_gateway_refuses(files: list[object], given: object, complaint: str) -> None:
    with web_server({**NEW, "POST /api/v1/setup": given}) as url:  # type: ignore[dict-item]
        result = run("--url", url, *files)
    assert result.exit_code == 1
    assert complaint in result.output and PHRASE not in result.output


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("password", "short", "10 to 128 bytes"),
        ("password", "x" * 129, "10 to 128 bytes"),
        ("password", "two\nlines of it", "must hold one line"),
        ("code", "K7M29-QXW4", "10 letters and digits"),
        ("code", "K7M29-QXW4T-5", "10 letters and digits"),
    ],
)
def test_what_cannot_be_is_not_sent(
    tmp_path: Path, files: list[object], name: str, content: str, complaint: str
) -> None:
    (tmp_path / name).write_text(content)
    asked: list[Asked] = []
    with web_server(NEW, asked=asked) as url:
        result = run("--url", url, *files)
    assert result.exit_code == 2
    assert complaint in result.output and content not in result.output
    assert {one.method for one in asked} == {"GET"}
