"""Settings over HTTP: checked whole, saved whole, in effect on the CAN bus, and no secret where it does not belong."""

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from support.fixtures.access import PASSWORD, READ_OPEN, Access, change, log_in, session_of, set_up
from support.instruments.watch import has_id, limits, open_bus, wait_for, wait_until
from tinybms_gateway.gateway_data import setup_code
from tinybms_gateway.gateway_process import OWN_WEB, GatewayProcess
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack

SCALE = 5.0
FAST = ("--time-scale", str(SCALE))
SETTINGS, EXPORT, IMPORT = "/api/v1/settings", "/api/v1/settings/export", "/api/v1/settings/import"
PHRASE, OTHER_PHRASE = "tea kettle whistle", "fourteen red doors"
PEM = "-----BEGIN CERTIFICATE-----\n" + "MIIB0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX\n" * 61
HEAD: dict[str, Any] = {"format": "tinybms-gateway-settings", "version": 1}


@pytest.fixture(scope="module")
def stack() -> Iterator[GatewayStack]:
    """A battery that may be charged with 90 A and discharged with 108 A."""
    with gateway_stack(http=OWN_WEB, time_scale=SCALE) as running:
        yield running


@pytest.fixture(scope="module")
def first(stack: GatewayStack) -> Access:
    return set_up(stack.gateway)


@pytest.fixture
def admin(first: Access) -> Access:
    return first


@pytest.fixture(autouse=True)
def as_before(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test of the shared gateway leaves its settings as they were."""
    if "admin" not in request.fixturenames:
        yield
        return
    admin: Access = request.getfixturevalue("admin")
    before = get(admin, EXPORT + "?secrets=1").json()
    yield
    assert admin.change("POST", IMPORT, before).status_code == 200


def get(who: Access, path: str, headers: dict[str, str] | None = None) -> requests.Response:
    return requests.get(who.url + path, headers=who.headers if headers is None else headers, timeout=20)


def saved(who: Access) -> dict[str, Any]:
    document: dict[str, Any] = get(who, SETTINGS).json()
    return document


def number(who: Access, key: str) -> int:
    return int(saved(who)["settings"][key]["saved"])


def outcome(who: Access) -> tuple[str, str]:
    """The newest entry of the audit log."""
    entry = get(who, "/api/v1/audit").json()["entries"][-1]
    return entry["what"], entry["outcome"]


def errors(answer: requests.Response) -> dict[str, str]:
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid"), answer.text
    return {error["path"]: error["message"] for error in answer.json()["errors"]}


def test_a_limit_that_is_changed_is_on_the_bus(stack: GatewayStack, admin: Access) -> None:
    with open_bus(stack.can_backend) as bus:
        before = wait_for(bus, lambda m: has_id(0x351)(m) and limits(m)[1:] == (900, 1080), 90.0 / SCALE + 10)
        answer = admin.change("PATCH", SETTINGS, {"charge.max_a": 20, "disch.max_a": 30})
        assert answer.json()["changed"] == ["charge.max_a", "disch.max_a"]
        wait_for(bus, lambda m: has_id(0x351)(m) and limits(m)[1:] == (200, 300), 5.0)
        assert outcome(admin) == ("settings: charge.max_a 0 -> 20, disch.max_a 0 -> 30", "done")
        assert admin.change("PATCH", SETTINGS, {"charge.cell_mv": 3300}).ok
        wait_for(bus, lambda m: has_id(0x351)(m) and limits(m)[0] < limits(before)[0], 10.0)
    assert saved(admin)["settings"]["charge.max_a"] == {"value": 20, "saved": 20, "factory": 0}


def test_all_problems_are_told_at_their_places_and_nothing_is_changed(admin: Access) -> None:
    before, entry = saved(admin), outcome(admin)
    answer = admin.change(
        "PATCH",
        SETTINGS,
        {"charge.max_a": 751, "disch.max_a": 20, "no/such": 1, "mqtt.url": 5, "uart.poll_ms": "200", "temp.hot_k": 5.5},
    )
    found = errors(answer)
    assert set(found) == {"/charge.max_a", "/no~1such", "/mqtt.url", "/uart.poll_ms", "/temp.hot_k"}
    assert "1..750 A" in found["/charge.max_a"]
    assert saved(admin) == before
    assert outcome(admin) == entry, "what makes no sense must not push changes out of the audit log"


def test_values_that_do_not_fit_together_are_told_all_of_them(admin: Access) -> None:
    answer = admin.change("PATCH", SETTINGS, {"temp.hot_k": 2, "temp.stop_k": 9, "diff.alarm_mv": 30})
    assert errors(answer) == {
        "/temp.stop_k": "temp.stop_k: must be less than temp.hot_k",
        "/diff.alarm_mv": "diff.warn_mv: must be less than diff.alarm_mv",
    }


def test_a_key_that_comes_twice_is_refused(admin: Access) -> None:
    answer = raw(admin, "PATCH", SETTINGS, b'{"charge.max_a": 20, "charge.max_a": 700}')
    assert errors(answer) == {"/charge.max_a": "this setting is there twice"}
    assert number(admin, "charge.max_a") == 0


def raw(who: Access, method: str, path: str, body: bytes, **headers: str) -> requests.Response:
    """As `change`, with a body as it is."""
    found = []

    def answered() -> bool:
        sent = who.headers | {"Content-Type": "application/json"} | headers
        found.append(requests.request(method, who.url + path, data=body, headers=sent, timeout=20))
        return found[-1].status_code != 503

    wait_until(answered, 20.0)
    return found[-1]


def test_a_dry_run_checks_and_changes_nothing(admin: Access) -> None:
    query = "?dry_run=1"
    before, told = saved(admin), outcome(admin)
    good = admin.change("PATCH", SETTINGS + query, {"charge.max_a": 20})
    assert (good.status_code, good.json()["changed"]) == (200, ["charge.max_a"])
    assert good.json()["revision"] == before["revision"]
    assert set(errors(admin.change("PATCH", SETTINGS + query, {"charge.max_a": -1}))) == {"/charge.max_a"}
    assert saved(admin) == before
    assert outcome(admin) == told


@pytest.mark.parametrize("path", [SETTINGS, IMPORT, "/api/v1/restart", "/api/v1/battery/forget-sensor"])
@pytest.mark.parametrize(
    "query",
    ["dry_run", "dry_run=", "dry_run=true", "dry_run=11", "Dry_run=1", "x=1&dry_run=1", "x" * 80],
)
def test_whether_it_is_a_dry_run_is_never_guessed(admin: Access, path: str, query: str) -> None:
    before = saved(admin)
    answer = admin.change("PATCH" if path == SETTINGS else "POST", f"{path}?{query}", {})
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert saved(admin) == before


def test_who_has_seen_other_settings_changes_nothing(admin: Access) -> None:
    stale = saved(admin)["revision"]
    assert admin.change("PATCH", SETTINGS, {"charge.max_a": 20}).status_code == 200
    for sent in (f'"{stale}"', stale, '"' + "0" * 300 + '"', "W/" + f'"{stale}"'):
        answer = raw(admin, "PATCH", SETTINGS, b'{"charge.max_a": 700}', **{"If-Match": sent})
        assert (answer.status_code, answer.json()["error"]) == (412, "changed_meanwhile")
    assert number(admin, "charge.max_a") == 20
    fresh = saved(admin)["revision"]
    for sent in (f'"{fresh}"', "*"):
        assert raw(admin, "PATCH", SETTINGS, b'{"charge.max_a": 30}', **{"If-Match": sent}).status_code == 200
    assert number(admin, "charge.max_a") == 30


def test_what_is_as_it_was_is_not_saved_again(admin: Access) -> None:
    revision = saved(admin)["revision"]
    answer = admin.change("PATCH", SETTINGS, {"charge.max_a": 0})
    assert answer.json() == {"changed": [], "restart": [], "revision": revision}


def test_an_export_is_imported_without_a_change(admin: Access) -> None:
    assert admin.change("PATCH", SETTINGS, {"mqtt.ca": PEM, "wifi.sta_pass": PHRASE, "disch.max_a": 40}).ok
    revision = saved(admin)["revision"]
    for query in ("", "?secrets=1"):
        exported = get(admin, EXPORT + query).json()
        assert exported["settings"]["mqtt.ca"] == PEM
        answer = admin.change("POST", IMPORT, exported)
        assert (answer.status_code, answer.json()["changed"]) == (200, [])
    assert saved(admin)["revision"] == revision


def test_an_import_restores_what_an_export_has(admin: Access) -> None:
    values = {"mqtt.ca": PEM, "wifi.sta_pass": PHRASE, "disch.max_a": 40, "id.battery_name": "Cellar"}
    assert admin.change("PATCH", SETTINGS, values).ok
    exported = get(admin, EXPORT + "?secrets=1").json()
    others = {"mqtt.ca": "", "wifi.sta_pass": OTHER_PHRASE, "disch.max_a": 50, "id.battery_name": "Barn"}
    assert admin.change("PATCH", SETTINGS, others | {"uart.poll_ms": 300}).ok
    exported["settings"].pop("uart.poll_ms")
    assert set(admin.change("POST", IMPORT + "?dry_run=1", exported).json()["changed"]) == set(values)
    assert number(admin, "disch.max_a") == 50
    answer = admin.change("POST", IMPORT, exported)
    assert set(answer.json()["changed"]) == set(values)
    assert set(answer.json()["restart"]) == {"mqtt.ca", "wifi.sta_pass"}
    assert get(admin, EXPORT + "?secrets=1").json()["settings"] == exported["settings"] | {"uart.poll_ms": 300}
    what, done = outcome(admin)
    assert (what.startswith("import: "), done) == (True, "done")
    assert "disch.max_a 50 -> 40" in what
    assert all(text not in what for text in (PHRASE, OTHER_PHRASE, "Cellar"))
    ca = saved(admin)["settings"]["mqtt.ca"]
    assert ca == {"length": len(PEM), "crc32": zlib.crc32(PEM.encode())}


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ([], {""}),
        ({"charge.max_a": 20}, {"/format", "/version", "/settings"}),
        (HEAD | {"version": 2, "settings": {"charge.max_a": 20}}, {"/version"}),
        (HEAD | {"format": "tinybms-bms-profile", "settings": {"charge.max_a": 20}}, {"/format"}),
        (
            HEAD | {"settings": {"charge.max_a": 20, "disch.max_a": 9999, "x": 1}},
            {"/settings/disch.max_a", "/settings/x"},
        ),
        (HEAD | {"settings": {"temp.hot_k": 2, "temp.stop_k": 9}}, {"/settings/temp.stop_k"}),
    ],
)
def test_an_import_that_is_none_changes_nothing(admin: Access, document: object, paths: set[str]) -> None:
    before = saved(admin)
    assert set(errors(admin.change("POST", IMPORT, document))) == paths
    assert saved(admin) == before


def cut(body: bytes) -> bytes:
    return body[:-5]


def deep(_body: bytes) -> bytes:
    return b"[" * 4000 + b"]" * 4000


def deeper_inside(_body: bytes) -> bytes:
    return json.dumps(HEAD).encode()[:-1] + b', "settings": {"charge.max_a": ' + b"[" * 4000


@pytest.mark.parametrize("spoil", [cut, deep, deeper_inside, lambda _: b"", lambda _: b"\0", lambda body: body + b"x"])
def test_what_is_not_json_changes_nothing(admin: Access, spoil: Callable[[bytes], bytes]) -> None:
    before = saved(admin)
    body = spoil(json.dumps(HEAD | {"settings": {"charge.max_a": 20}}).encode())
    answer = raw(admin, "POST", IMPORT, body)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_json")
    assert saved(admin) == before


def test_a_document_of_a_megabyte_is_refused_before_it_is_read(admin: Access) -> None:
    before = saved(admin)
    try:
        answer = raw(admin, "POST", IMPORT, b" " * 1_000_000)
    except requests.ConnectionError:
        pass  # closed while it was still being sent
    else:
        assert answer.status_code == 413
    assert saved(admin) == before


def test_no_secret_is_told_but_in_an_export_that_asks_for_it(stack: GatewayStack, admin: Access) -> None:
    values = {"wifi.sta_pass": PHRASE, "wifi.ap_pass": OTHER_PHRASE}
    told = admin.change("PATCH", SETTINGS, values).text
    told += admin.change("PATCH", SETTINGS, {"wifi.sta_pass": PHRASE * 4}).text  # too long
    told += get(admin, "/api/v1/audit").text + get(admin, EXPORT).text + json.dumps(saved(admin))
    told += get(admin, "/api/v1/log").text + "".join(stack.gateway.lines)
    for phrase in values.values():
        assert phrase not in told
        assert phrase in get(admin, EXPORT + "?secrets=1").text


def test_secrets_are_for_the_administrator_and_a_guess_of_one_is_not_answered(admin: Access) -> None:
    assert admin.change("PATCH", SETTINGS, {"wifi.sta_pass": PHRASE}).ok
    bearer = {"Authorization": f"Bearer {admin.token('helper', 'full')}"}
    try:
        assert get(admin, EXPORT, bearer).status_code == 200
        assert get(admin, EXPORT + "?secrets=1", bearer).status_code == 403
        for query in ("?secrets=true", "?secrets", "?secrets=1&secrets=0"):
            assert get(admin, EXPORT + query).status_code == 400
        for guess in (PHRASE, OTHER_PHRASE):
            answer = change(admin.url, "PATCH", SETTINGS + "?dry_run=1", {"wifi.sta_pass": guess}, bearer)
            assert answer.json()["changed"] == ["wifi.sta_pass"]
        assert change(admin.url, "PATCH", SETTINGS, {"charge.max_a": 20}, bearer).ok
    finally:
        assert admin.change("DELETE", "/api/v1/tokens/helper").ok


def test_many_changes_are_told_in_one_entry_with_how_many_more(admin: Access) -> None:
    numbers = {key: 11 for key in ("cvl.margin_mv", "cvl.off_s", "cvl.wait_s", "cvl.step_s", "charge.knee_mv")}
    answer = admin.change("PATCH", SETTINGS, numbers | {"disch.knee_mv": 11, "temp.cold_k": 11, "alarm.cell_mv": 11})
    assert len(answer.json()["changed"]) == 8
    what, done = outcome(admin)
    assert done == "done"
    assert len(what) <= 119
    shown = what.removeprefix("settings: ").rpartition(" and ")[0].split(", ")
    assert shown[0].endswith("-> 11")
    assert what.endswith(f" and {8 - len(shown)} more")


def test_reading_is_opened_and_closed_while_it_runs(admin: Access) -> None:
    assert get(admin, "/api/v1/state", {}).status_code == 401
    assert admin.change("PATCH", SETTINGS, {"web.read_open": 1}).json()["restart"] == []
    wait_until(lambda: get(admin, "/api/v1/state", {}).status_code == 200, 5.0)
    assert get(admin, EXPORT, {}).status_code == 200
    assert get(admin, EXPORT + "?secrets=1", {}).status_code == 401
    assert change(admin.url, "PATCH", SETTINGS, {"charge.max_a": 20}).status_code == 401
    assert admin.change("PATCH", SETTINGS, {"web.read_open": 0}).ok
    wait_until(lambda: get(admin, "/api/v1/state", {}).status_code == 401, 5.0)


def test_lost_settings_close_reading_and_are_confirmed_over_http(tmp_path: Path) -> None:
    with GatewayProcess(None, tmp_path, *FAST, *READ_OPEN, http=OWN_WEB) as gateway:
        who = set_up(gateway)
        assert who.change("PATCH", SETTINGS, {"charge.max_a": 20}).ok
        assert get(who, SETTINGS, {}).status_code == 200
    for record in (tmp_path / "nvs/settings").glob("record?"):
        record.write_bytes(record.read_bytes()[:-1])
    (tmp_path / "flash/limits.bin").write_bytes(b"\0" * 8192)
    with GatewayProcess(None, tmp_path, *FAST, http=OWN_WEB) as gateway:
        who = log_in(gateway.url())
        assert get(who, SETTINGS, {}).status_code == 401
        document = saved(who)
        assert (document["unconfirmed"], document["restricted"]) == (True, True)
        answer = who.change("POST", "/api/v1/settings/confirm")
        assert (answer.status_code, answer.json()) == (200, {"restricted": False})
        assert saved(who)["restricted"] is False
        assert outcome(who) == ("settings: confirmed", "done")


def test_a_factory_reset_starts_anew_with_a_new_code(tmp_path: Path) -> None:
    with GatewayProcess(None, tmp_path, *FAST, http=OWN_WEB) as gateway:
        url = gateway.url()
        code = setup_code(tmp_path)
        who = set_up_with(url, code)
        assert who.change("PATCH", SETTINGS, {"charge.max_a": 20, "wifi.sta_pass": PHRASE, "mqtt.ca": PEM}).ok
        assert who.change("POST", "/api/v1/factory-reset", {"confirm": "please"}).status_code == 422
        assert number(who, "charge.max_a") == 20
        answer = who.change("POST", "/api/v1/factory-reset", {"confirm": "factory reset"})
        assert (answer.status_code, answer.json()) == (202, {"restarts": True})
        wait_until(lambda: not answers(url), 20.0)
        wait_until(lambda: answers(url), 20.0)
        assert setup_code(tmp_path) != code
        assert requests.get(url + SETTINGS, headers=who.headers, timeout=20).status_code == 403
        fresh = set_up_with(url, setup_code(tmp_path))
        settings = saved(fresh)["settings"]
        assert settings["charge.max_a"]["saved"] == 0
        assert settings["wifi.sta_pass"] == {"set": False}
        assert settings["mqtt.ca"]["length"] == 0
        assert ("factory reset", "done") in [
            (entry["what"], entry["outcome"]) for entry in get(fresh, "/api/v1/audit").json()["entries"]
        ]


def set_up_with(url: str, code: str | None) -> Access:
    assert code is not None
    return session_of(url, change(url, "POST", "/api/v1/setup", {"code": code, "password": PASSWORD}))


def answers(url: str) -> bool:
    """Not while it restarts."""
    try:
        return requests.get(url + "/api/v1/status", timeout=2).ok
    except requests.RequestException:
        return False
