"""``tinybms-gw access``: with a real gateway, and with answers that are none of a gateway."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fixtures.access import PASSWORD, set_up
from support.peers.web_peer import Asked, answer, refuse, web_server
from tinybms_gateway.api.secrets import TOKEN
from tinybms_gateway.cli import main
from tinybms_gateway.gateway_process import OWN_WEB, GatewayProcess
from toolkit.api.test_changes import SESSIONS

OTHER_PHRASE = "another horse battery"


def tool(*arguments: object, **environment: str) -> Result:
    clean = {"TINYBMS_TOKEN": "", "TINYBMS_PASSWORD": ""}
    return CliRunner().invoke(main, [str(argument) for argument in arguments], env=clean | environment)


def access(*arguments: object, password: str = PASSWORD) -> Result:
    return tool("access", *arguments, TINYBMS_PASSWORD=password)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway that is set up, without a BMS."""
    with GatewayProcess(None, tmp_path_factory.mktemp("gateway"), http=OWN_WEB) as gateway:
        set_up(gateway)
        yield gateway.url()


def test_a_token_from_its_making_to_its_end(url: str, tmp_path: Path) -> None:
    out = tmp_path / "reader.token"
    made = access("token-create", "reader", "--right", "read", "--url", url, "--out", out)
    assert (made.exit_code, made.stdout) == (0, "")
    token = out.read_text().strip()
    assert TOKEN.fullmatch(token) and token not in made.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert tool("api", "diagnostics", "--url", url, TINYBMS_TOKEN=token).exit_code == 0
    listed = json.loads(access("tokens", "--url", url, "--json").stdout)
    assert {"name": "reader", "right": "read"} in listed["tokens"]
    assert access("token-revoke", "reader", "--url", url).exit_code == 0
    refused = tool("api", "diagnostics", "--url", url, TINYBMS_TOKEN=token)
    assert refused.exit_code == 1
    assert "HTTP 401" in refused.output and "revoked?" in refused.output
    again = access("token-revoke", "reader", "--url", url)
    assert (again.exit_code, "no token is named reader" in again.output) == (1, True)


def test_a_token_on_stdout(url: str) -> None:
    made = access("token-create", "a.b-c_9", "--right", "full", "--url", url)
    assert TOKEN.fullmatch(made.stdout.strip())
    told = json.loads(access("token-create", "x" * 24, "--right", "read", "--url", url, "--json").stdout)
    assert (told["name"], told["right"], bool(TOKEN.fullmatch(told["token"]))) == ("x" * 24, "read", True)
    twice = access("token-create", "a.b-c_9", "--right", "full", "--url", url)
    assert twice.exit_code == 1
    assert "give another name" in twice.output
    rows = [line.split() for line in access("tokens", "--url", url).stdout.splitlines()]
    assert rows[0] == ["name", "right"]
    assert ["a.b-c_9", "full"] in rows


@pytest.mark.parametrize("name", ["", "x" * 25, "a b", "../x", "a/b", "\u00fc", ".", "..", "a?b", "a%2fb"])
def test_names_that_cannot_be_are_not_sent(url: str, name: str) -> None:
    for words in (["token-create", "--right", "read", "--", name], ["token-revoke", "--", name]):
        result = access(words[0], "--url", url, *words[1:], password="is not even asked for")
        assert result.exit_code == 2
        assert "at most 24 letters" in result.output


def test_a_token_that_could_not_be_kept_is_not_made(url: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("precious")
    for out in (there, tmp_path, tmp_path / "no" / "dir", "/dev/null"):
        result = access("token-create", "lost", "--right", "read", "--url", url, "--out", out)
        assert result.exit_code == 2, out
    assert there.read_text() == "precious"
    assert "lost" not in access("tokens", "--url", url).stdout


def test_the_password(url: str, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.write_text(f"{OTHER_PHRASE}\n")
    fresh.chmod(0o600)
    wrong = access("tokens", "--url", url, password="incorrect horse")
    assert wrong.exit_code == 1
    assert "HTTP 401" in wrong.output and "setup --reset" in wrong.output
    changed = access("password", "--url", url, "--new-password-file", fresh)
    assert (changed.exit_code, changed.output) == (0, "the password is changed\n")
    assert access("tokens", "--url", url).exit_code == 1
    fresh.write_text(PASSWORD)
    assert access("password", "--url", url, "--new-password-file", fresh, password=OTHER_PHRASE).exit_code == 0
    assert access("tokens", "--url", url).exit_code == 0


def test_who_did_what_is_in_the_audit_log(url: str) -> None:
    access("token-create", "audited", "--right", "read", "--url", url)
    text = access("audit", "--url", url)
    entries = json.loads(access("audit", "--url", url, "--json").stdout)["entries"]
    assert [entry["number"] for entry in entries] == sorted(entry["number"] for entry in entries)
    made = next(entry for entry in entries if "audited" in entry["what"])
    assert (made["name"], made["address"], made["outcome"]) == ("administrator", "127.0.0.1", "done")
    (row,) = [line for line in text.stdout.splitlines() if "audited" in line]
    assert row.split()[-1] == "done" and "administrator" in row
    assert PASSWORD not in text.output and "tbg_" not in text.output


STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=5,
)
ENTRY = st.dictionaries(st.sampled_from(["number", "start", "uptime_s", "time", "name", "what", "outcome"]), STRANGE)


@settings(max_examples=40, deadline=None)
@given(entries=STRANGE | st.lists(ENTRY, max_size=3))
def test_whatever_an_audit_log_holds(entries: object) -> None:
    body = json.dumps({"entries": entries, "tokens": entries}).encode()
    given = answer(body, "application/json")
    with web_server(SESSIONS | {"/api/v1/audit": given, "/api/v1/tokens": given}) as address:
        for command in ("audit", "tokens"):
            result = access(command, "--url", address)
            assert result.exit_code in (0, 1)
            assert all(line.isprintable() for line in result.output.splitlines())


def test_a_token_that_is_not_told() -> None:
    for body in (b"{}", b'{"token": "tbg_0"}', b'{"token": 5}'):
        with web_server(SESSIONS | {"POST /api/v1/tokens": answer(body, "application/json", 201)}) as address:
            result = access("token-create", "x", "--right", "read", "--url", address)
        assert result.exit_code == 1
        assert "access token-revoke x" in result.output


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (refuse(429, "paused", headers={"Retry_After": "17"}), "try again in 17 s"),
        (refuse(403, "not_set_up"), "tinybms-gw setup"),
        (refuse(401, "wrong_password"), "--reset"),
    ],
)
def test_a_login_that_is_refused_is_tried_once(given: object, complaint: str) -> None:
    asked: list[Asked] = []
    with web_server({"POST /api/v1/session": given}, asked=asked) as address:  # type: ignore[dict-item]
        result = access("audit", "--url", address)
    assert result.exit_code == 1
    assert complaint in result.output and PASSWORD not in result.output
    assert len(asked) == 1
