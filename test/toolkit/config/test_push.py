"""``tinybms-gw config pull|push|diff`` with gateways that answer in every way, and files that are none."""

import json
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.fixtures.terminals import on_a_terminal, read_until
from support.peers.web_peer import Answer, Asked, answer, refuse, web_server
from tinybms_gateway.cli import main
from toolkit.api.test_changes import PHRASE as ADMINISTRATOR
from toolkit.api.test_changes import SESSIONS, TOKEN

PHRASE = "hunter2hunter2"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PASS = {"type": "string", "maxLength": 63, "anyOf": [{"const": ""}, {"minLength": 8}], "writeOnly": True}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "charge.max_a": {
            "type": "integer", "anyOf": [{"const": 0, "title": "from the BMS"}, {"minimum": 1, "maximum": 750}],
            "x-unit": "A",
        },
        "can.bitrate": {
            "type": "integer", "minimum": 250000, "maximum": 500000, "multipleOf": 250000, "x-unit": "bit/s",
        },
        "id.family": {"type": "string", "minLength": 0, "maxLength": 8},
        "wifi.sta_pass": PASS,
        "wifi.ap_pass": PASS,
        "mqtt.ca": {"type": "string", "maxLength": 4096},
    },
    "additionalProperties": False,
}  # fmt: skip
ON_GATEWAY = {
    "revision": "5f3a9c01", "unconfirmed": False, "restricted": False,
    "settings": {
        "charge.max_a": {"value": 90, "saved": 100, "factory": 0},
        "can.bitrate": {"value": 500000, "saved": 500000, "factory": 500000},
        "id.family": {"value": "TinyBMS", "saved": "TinyBMS", "factory": "TinyBMS"},
        "wifi.sta_pass": {"set": True}, "wifi.ap_pass": {"set": False},
        "mqtt.ca": {"length": len(PEM), "crc32": zlib.crc32(PEM.encode())},
    },
}  # fmt: skip
CHANGED = {"changed": ["charge.max_a"], "restart": [], "revision": "00000001"}
PLAN = {
    "verdict": "may_write", "message": None,
    "changes": [{"name": "over_voltage_cutoff", "address": 315, "unit": "V", "from": 3.7, "to": 3.65}],
}  # fmt: skip
WRITTEN = {"written": [{"name": "over_voltage_cutoff", "from": 3.7, "to": 3.65, "read_back": 3.65}]}
DRY, IMPORT = "POST /api/v1/settings/import?dry_run=1", "POST /api/v1/settings/import"
PLANNED, WRITE = "POST /api/v1/bms/registers/plan", "POST /api/v1/bms/registers"


def told(value: object, status: int = 200) -> Answer:
    return answer(json.dumps(value).encode(), "application/json", status)


GATEWAY = {
    "/api/v1/settings": told(ON_GATEWAY), "/api/v1/settings/schema": told(SCHEMA), DRY: told(CHANGED),
    IMPORT: told(CHANGED), PLANNED: told(PLAN), WRITE: told(WRITTEN),
}  # fmt: skip


def run(*arguments: object, token: str = TOKEN) -> Result:
    environment = {"TINYBMS_TOKEN": token, "TINYBMS_PASSWORD": ""}
    return CliRunner().invoke(main, ["config", *map(str, arguments)], env=environment)


@contextmanager
def gateway(answers: dict[str, Answer] | None = None) -> Iterator[tuple[str, list[Asked]]]:
    asked: list[Asked] = []
    with web_server({**GATEWAY, **(answers or {})}, asked=asked) as url:
        yield url, asked


def export(path: Path, values: dict[str, Any], **others: Any) -> Path:
    document = {"format": "tinybms-gateway-settings", "version": 1, "settings": values}
    path.write_text(json.dumps(document | others, indent=2), encoding="utf-8")
    return path


def profile(path: Path, values: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"format": "tinybms-bms-profile", "version": 1, "registers": values}), encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return export(tmp_path / "config.json", {"charge.max_a": 80, "can.bitrate": 500000, "id.family": "TinyBMS"})


@pytest.fixture
def registers(tmp_path: Path) -> Path:
    return profile(tmp_path / "bms-profile.json", {"over_voltage_cutoff": 3.65})


def changes(asked: list[Asked]) -> list[str]:
    return [f"{one.method} {one.path}" for one in asked if one.method != "GET"]


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_what_differs(file: Path) -> None:
    with gateway() as (url, asked):
        result = run("diff", file, "--url", url)
    assert result.exit_code == 1
    assert rows(result.stdout) == [["key", "gateway", "file", "unit"], ["charge.max_a", "100", "80", "A"]]
    assert changes(asked) == []


def test_what_differs_for_programs(file: Path) -> None:
    with gateway() as (url, _):
        result = run("diff", file, "--url", url, "--json")
    assert json.loads(result.stdout) == [
        {"key": "charge.max_a", "gateway": "100", "file": "80", "unit": "A", "known": True}
    ]


def test_nothing_differs(tmp_path: Path) -> None:
    same = export(tmp_path / "same.json", {"charge.max_a": 100, "mqtt.ca": PEM, "wifi.ap_pass": ""})
    with gateway() as (url, asked):
        assert (run("diff", same, "--url", url).exit_code, changes(asked)) == (0, [])
        result = run("push", same, "--url", url, "--yes")
    assert (result.exit_code, result.stdout, changes(asked)) == (0, "", [])
    assert "has these settings already" in result.stderr


@pytest.mark.parametrize(
    ("values", "status", "row"),
    [
        ({"wifi.sta_pass": PHRASE}, 0, ["wifi.sta_pass", "(secret)", "(secret)"]),
        ({"wifi.sta_pass": ""}, 1, ["wifi.sta_pass", "(secret)", "(not", "set)"]),
        ({"wifi.ap_pass": PHRASE}, 1, ["wifi.ap_pass", "(not", "set)", "(secret)"]),
        ({"mqtt.ca": ""}, 1, ["mqtt.ca", f"{len(PEM)}", "characters", "(not", "set)"]),
        ({"mqtt.ca": "x" * len(PEM)}, 1, ["mqtt.ca", *f"{len(PEM)} characters {len(PEM)} characters, others".split()]),
        ({"id.family": ""}, 1, ["id.family", "TinyBMS", '""']),
    ],
)  # fmt: skip
def test_secrets_and_long_texts(tmp_path: Path, values: dict[str, Any], status: int, row: list[str]) -> None:
    with gateway() as (url, _):
        result = run("diff", export(tmp_path / "c.json", values), "--url", url)
    assert (result.exit_code, rows(result.stdout)[1]) == (status, row)
    assert PHRASE not in result.output


def test_a_push_sends_what_it_has_shown_and_nothing_else(file: Path) -> None:
    with gateway() as (url, asked):
        result = run("push", file, "--url", url, "--yes")
    assert result.exit_code == 0, result.output
    assert rows(result.stdout) == [
        ["key", "gateway", "file", "unit"], ["charge.max_a", "100", "80", "A"], ["changed:", "charge.max_a"],
    ]  # fmt: skip
    assert changes(asked) == [DRY, IMPORT]
    for one in asked[-2:]:
        assert one.json() == {"format": "tinybms-gateway-settings", "version": 1, "settings": {"charge.max_a": 80}}
        assert one.headers["if-match"] == '"5f3a9c01"'


def test_what_waits_for_a_restart_is_said(file: Path) -> None:
    with gateway({IMPORT: told({"changed": ["a", "b"], "restart": ["b"], "revision": "0"})}) as (url, _):
        result = run("push", file, "--url", url, "--yes")
    assert "changed: a, b\nfrom the next start of the gateway: b\n" in result.stdout


@pytest.mark.parametrize("name", ["file", "registers"])
def test_a_dry_run_changes_nothing(request: pytest.FixtureRequest, name: str) -> None:
    with gateway() as (url, asked):
        result = run("push", request.getfixturevalue(name), "--url", url, "--dry-run")
    assert result.exit_code == 0
    assert len(rows(result.stdout)) == 2
    assert not {IMPORT, WRITE} & set(changes(asked))


@pytest.mark.parametrize("name", ["file", "registers"])
def test_nobody_to_ask_is_no_yes(request: pytest.FixtureRequest, name: str) -> None:
    with gateway() as (url, asked):
        result = run("push", request.getfixturevalue(name), "--url", url)
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert not {IMPORT, WRITE} & set(changes(asked))


@pytest.mark.parametrize("name", ["file", "registers"])
@pytest.mark.parametrize(("said", "status"), [("n\n", 1), ("\n", 1), ("y\n", 0)])
def test_the_question(tmp_path: Path, request: pytest.FixtureRequest, name: str, said: str, status: int) -> None:
    (tmp_path / "token").write_text(TOKEN)
    words = ["config", "push", request.getfixturevalue(name), "--token-file", tmp_path / "token"]
    with gateway() as (url, asked), on_a_terminal(*words, "--url", url) as (process, master):
        shown = read_until(master, b"[y/N]: ")
        os.write(master, said.encode())
        shown += read_until(master, b"")
        assert process.wait(30) == status, shown
    assert b"3.65" in shown or b"80" in shown, "what one is asked about"
    assert bool({IMPORT, WRITE} & set(changes(asked))) is (status == 0)


def test_two_administrators_at_once(file: Path) -> None:
    with gateway({IMPORT: refuse(412, "changed_meanwhile", "The settings have changed.")}) as (url, asked):
        result = run("push", file, "--url", url, "--yes")
    assert result.exit_code == 1
    assert "look at the difference again" in result.stderr
    assert changes(asked) == [DRY, IMPORT], "once"


def test_what_the_gateway_refuses_is_told_by_file_and_line(file: Path) -> None:
    errors = [{"path": "/settings/charge.max_a", "message": "is above disch.max_a"}, {"path": "", "message": "no room"}]
    with gateway({DRY: refuse(422, "invalid", errors=errors)}) as (url, asked):
        result = run("push", file, "--url", url, "--yes")
    assert result.exit_code == 2
    assert result.stderr == f"{file}:5: charge.max_a: is above disch.max_a\nError: {file}: no room\n"
    assert changes(asked) == [DRY]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"charge.max_a": 2500}, "charge.max_a: must be a whole number, 1..750 A, or 0 = from the BMS, not 2500"),
        ({"charge.max_a": "80"}, "charge.max_a: must be a whole number, 1..750 A, or 0 = from the BMS, not '80'"),
        ({"charge.max_a": True}, "not True"),
        ({"charge.max_a": None}, "not None"),
        ({"charge.max_a": 80.5}, "not 80.5"),
        ({"can.bitrate": 300000}, "250000..500000 bit/s in steps of 250000, not 300000"),
        ({"id.family": "x" * 9}, "text of 0..8 characters, not 'xxxxxxxxx'"),
        ({"id.family": {"a": [1]}}, "not {'a': [1]}"),
        ({"charge.max": 80}, "charge.max: is not known; is charge.max_a meant?"),
        ({"\x1b[2J": 80}, "is not known"),
        ({"wifi.sta_pass": "seven77"}, "wifi.sta_pass: must be text of 8..63 characters, or empty\n"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_allowed_is_told_by_line(tmp_path: Path, values: dict[str, Any], complaint: str) -> None:
    with gateway() as (url, asked):
        result = run("push", export(tmp_path / "c.json", values), "--url", url, "--yes")
    assert result.exit_code == 2
    assert f"{tmp_path}/c.json:5: " in result.stderr and complaint in result.stderr
    assert "seven77" not in result.output
    assert len(result.output.splitlines()) == 1 and result.output.strip().isprintable()
    assert changes(asked) == []


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    wrong = export(tmp_path / "c.json", {"charge.max_a": -1, "id.family": 5, "x": 1})
    with gateway() as (url, _):
        result = run("diff", wrong, "--url", url)
    assert result.exit_code == 2
    assert [line.removeprefix("Error: ").split(": ")[0] for line in result.stderr.splitlines()] == [
        f"{wrong}:{number}" for number in (5, 6, 7)
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", ":1: not JSON"),
        ("{\n  'a': 1}", ":2: not JSON"),
        ("[]", "'format' must be"),
        ("5", "'format' must be"),
        ('{"format": "x", "version": 1}', "'format' must be"),
        ('{"format": ["x"]}', "'format' must be"),
        ('{"format": "tinybms-gateway-settings"}', "'version' must be 1"),
        ('{"format": "tinybms-gateway-settings", "version": 2, "settings": {}}', "'version' must be 1"),
        ('{"format": "tinybms-gateway-settings", "version": true, "settings": {}}', "'version' must be 1"),
        ('{"format": "tinybms-gateway-settings", "version": 1}', "'settings' must be an object"),
        ('{"format": "tinybms-bms-profile", "version": 1, "registers": []}', "'registers' must be an object"),
        ('{"format": "tinybms-bms-profile", "version": 1, "registers": {"a": "1"}}', ":1: a: must be a number"),
        ('{"format": "tinybms-bms-profile", "version": 1, "registers": {"a": true}}', ":1: a: must be a number"),
        ('{"format": "tinybms-bms-profile", "version": 1, "registers": {"a": 1e999}}', ":1: a: must be a number"),
        ('{"format": "tinybms-bms-profile", "version": 1, "registers": {"a": NaN}}', "NaN is no number"),
        ('{"format": "tinybms-bms-profile", "version": 1, "registers": {"a": 1, "a": 2}}', "'a' is there twice"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
        ("[" * 10_000, "not JSON"),
        (" " * 70_000, "more than 64 kB"),
        (b"\xff\xfe{", "not JSON"),
        (None, "No such file"),
    ],
)  # fmt: skip
def test_files_that_are_none(tmp_path: Path, content: str | bytes | None, complaint: str) -> None:
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with gateway() as (url, asked):
        for command in ("push", "diff"):
            result = run(command, path, "--url", url)
            assert result.exit_code == 2
            assert complaint in result.output and str(path) in result.output
            assert len(result.output.splitlines()) == 1
    assert asked == []


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/api/v1/settings/schema", told({"properties": 5})),
        ("/api/v1/settings/schema", told({"type": "nonsense"})),
        ("/api/v1/settings/schema", told({"properties": {"charge.max_a": {"$ref": "http://127.0.0.1:1/x"}}})),
        ("/api/v1/settings/schema", told({"properties": {"charge.max_a": {"$ref": "#"}}})),
        ("/api/v1/settings", told({"settings": ON_GATEWAY["settings"]})),
        ("/api/v1/settings", told(ON_GATEWAY | {"revision": 'x"\r\nX-Evil: 1'})),
        ("/api/v1/settings", told(ON_GATEWAY | {"settings": {}})),
        ("/api/v1/settings", refuse(503, "unavailable")),
    ],
)
def test_gateways_that_answer_something_else(file: Path, path: str, given: Answer) -> None:
    with gateway({path: given}) as (url, asked):
        result = run("push", file, "--url", url, "--yes")
    assert result.exit_code == 1, result.output
    assert len(result.output.splitlines()) == 1
    assert IMPORT not in changes(asked)


def test_diff_has_an_exit_status_of_its_own_for_what_fails(file: Path) -> None:
    assert run("diff", file, "--url", "http://127.0.0.1:1").exit_code == 2
    with gateway({"/api/v1/settings": refuse(401, "login_required")}) as (url, _):
        result = run("diff", file, "--url", url)
    assert result.exit_code == 2
    assert "access token-create" in result.output


STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=5,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=STRANGE,
    where=st.sampled_from(
        [
            ("/api/v1/settings", "settings"),
            (DRY, "changed"),
            (IMPORT, "restart"),
            (PLANNED, "changes"),
            (WRITE, "written"),
        ]
    ),
)
def test_whatever_an_answer_holds(tmp_path: Path, value: object, where: tuple[str, str]) -> None:
    path, member = where
    good = {"/api/v1/settings": ON_GATEWAY, PLANNED: PLAN, WRITE: WRITTEN}.get(path, CHANGED)
    source = (
        profile(tmp_path / "b.json", {"over_voltage_cutoff": 3.65})
        if "bms" in path
        else export(tmp_path / "c.json", {"charge.max_a": 80})
    )
    with gateway({path: told(good | {member: value})}) as (url, _):
        result = run("push", source, "--url", url, "--yes")
    assert result.exit_code in (0, 1), result.output
    assert all(line.isprintable() for line in result.output.splitlines())


def test_registers_are_planned_shown_and_written(registers: Path) -> None:
    with gateway() as (url, asked):
        assert run("diff", registers, "--url", url).exit_code == 1
        result = run("push", registers, "--url", url, "--yes")
    assert result.exit_code == 0, result.output
    assert rows(result.stdout) == [
        ["key", "gateway", "file", "unit"], ["over_voltage_cutoff", "3.7", "3.65", "V"],
        ["over_voltage_cutoff:", "written,", "reads", "back", "3.65"],
    ]  # fmt: skip
    assert changes(asked) == [PLANNED, PLANNED, WRITE]
    assert asked[-1].json() == {
        "changes": [{"name": "over_voltage_cutoff", "from": 3.7, "to": 3.65}], "confirm": False
    }  # fmt: skip


def test_a_bms_that_has_it_already(registers: Path) -> None:
    with gateway({PLANNED: told(PLAN | {"changes": []})}) as (url, asked):
        assert run("diff", registers, "--url", url).exit_code == 0
        result = run("push", registers, "--url", url)
    assert (result.exit_code, WRITE in changes(asked)) == (0, False)


LOOSE = told(PLAN | {"verdict": "needs_confirmation", "message": "it loosens"})


@pytest.mark.parametrize(
    ("options", "status", "confirmed"),
    [
        (["--yes"], 2, None),
        (["--yes", "--loosen"], 0, True),
        (["--loosen"], 2, None),
        (["--loosen", "--dry-run"], 0, None),
    ],
)
def test_what_loosens_a_protection_is_meant_twice(
    registers: Path, options: list[str], status: int, confirmed: bool | None
) -> None:
    with gateway({PLANNED: LOOSE}) as (url, asked):
        result = run("push", registers, "--url", url, *options)
    assert result.exit_code == status
    assert "warning: it loosens" in result.stderr
    assert [one.json()["confirm"] for one in asked if one.path.endswith("registers")] == (
        [] if confirmed is None else [confirmed]
    )


def test_what_the_gate_refuses_is_not_written(registers: Path) -> None:
    with gateway({PLANNED: told(PLAN | {"verdict": "refused", "message": "3.65 V would be above"})}) as (url, asked):
        result = run("push", registers, "--url", url, "--yes", "--loosen")
    assert result.exit_code == 1
    assert "3.65 V would be above; nothing was written" in result.stderr
    assert WRITE not in changes(asked)


def test_a_write_that_fails_says_what_was_written(registers: Path) -> None:
    two = [*PLAN["changes"], {"name": "series_cells", "address": 307, "unit": "", "from": 4, "to": 16}]  # type: ignore[misc]
    failed = refuse(502, "not_verified", "It holds 4.", written=WRITTEN["written"])
    with gateway({PLANNED: told(PLAN | {"changes": two}), WRITE: failed}) as (url, asked):
        result = run("push", registers, "--url", url, "--yes")
    assert result.exit_code == 1
    assert "over_voltage_cutoff: written, reads back 3.65" in result.stdout
    assert "not known to be written: series_cells" in result.stderr
    assert changes(asked).count(WRITE) == 1


def test_pull_prints_or_writes_the_document(tmp_path: Path) -> None:
    document = {"format": "tinybms-gateway-settings", "version": 1, "settings": {"id.family": "M\u00fcller"}}
    registers = {"format": "tinybms-bms-profile", "version": 1, "registers": {"series_cells": 16}}
    paths = {"/api/v1/settings/export": told(document), "/api/v1/bms/profile": told(registers)}
    with gateway(paths) as (url, _):
        printed = run("pull", "--url", url)
        assert json.loads(printed.stdout) == document and "M\u00fcller" in printed.stdout
        for options, expected in (([], document), (["--bms"], registers)):
            out = tmp_path / f"{len(options)}.json"
            assert run("pull", "--url", url, "--out", out, *options).exit_code == 0
            assert json.loads(out.read_text(encoding="utf-8")) == expected
        again = run("pull", "--url", url, "--out", out)
        assert again.exit_code == 2 and "--force" in again.output
        assert run("pull", "--url", url, "--out", out, "--force").exit_code == 0
        assert json.loads(out.read_text(encoding="utf-8")) == document


def test_secrets_take_the_password_and_a_private_file(tmp_path: Path) -> None:
    document = {"format": "tinybms-gateway-settings", "version": 1, "settings": {"wifi.sta_pass": PHRASE}}
    password = tmp_path / "password"
    password.write_text(ADMINISTRATOR)
    password.chmod(0o600)
    out = tmp_path / "backup.json"
    out.write_text("old")
    out.chmod(0o644)
    before = os.umask(0)
    try:
        with gateway(SESSIONS | {"/api/v1/settings/export?secrets=1": told(document)}) as (url, asked):
            arguments = ["pull", "--url", url, "--secrets", "--password-file", password]
            assert run(*arguments).exit_code == 2, "not to stdout"
            assert run(*arguments, "--bms", "--out", out).exit_code == 2
            result = run(*arguments, "--out", out, "--force")
    finally:
        os.umask(before)
    assert (result.exit_code, result.output) == (0, "")
    assert json.loads(out.read_text()) == document
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [one.method for one in asked] == ["POST", "GET", "DELETE"]


@pytest.mark.parametrize("given", [told({"format": "other"}), told([]), answer(b"{}", "text/plain")])
def test_a_document_that_is_none_is_not_kept(tmp_path: Path, given: Answer) -> None:
    with gateway({"/api/v1/settings/export": given}) as (url, _):
        result = run("pull", "--url", url, "--out", tmp_path / "c.json")
    assert result.exit_code == 1
    assert list(tmp_path.iterdir()) == []
