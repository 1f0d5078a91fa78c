"""Registers of the BMS over HTTP: planned, written, read back; refused; cut off in the middle. Limits go out in time.

The gateway reads the settings of the BMS again once a minute, and with every write.
"""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from support.fixtures.access import Access, log_in, set_up
from support.instruments.watch import wait_until
from support.instruments.web_attack import Answer, Target, at_once, closed_target
from tinybms_gateway.gateway_process import OWN_WEB
from tinybms_gateway.gateway_stack import gateway_stack

PLAN = "/api/v1/bms/registers/plan"
WRITE = "/api/v1/bms/registers"
PROFILE = "/api/v1/bms/profile"
FULL_V, BALANCE, OVER_V, UNDER_V, CHARGE_A, OVER_HEAT, CYCLES = 300, 303, 315, 316, 318, 319, 322
"""Addresses of Rev D."""
HEALTHY = {FULL_V: 3550, BALANCE: 3300, OVER_V: 3650, UNDER_V: 2800, CHARGE_A: 100, OVER_HEAT: 60, CYCLES: 6000}
DEEP = b'{"registers":' + b"[" * 4000 + b"]" * 4000 + b"}"


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Target, Access]]:
    with closed_target() as (target, access):
        yield target, access


@pytest.fixture(autouse=True)
def healthy(request: pytest.FixtureRequest) -> Iterator[None]:
    """The BMS of all tests here, as it was; the gateway knows that."""
    yield
    if "both" in request.fixturenames:
        target, access = request.getfixturevalue("both")
        with target.bms.lock:
            target.bms.faults.silence = target.bms.faults.forget_writes = target.bms.faults.nack = 0
            others = [address for address, word in HEALTHY.items() if target.bms.bms.registers[address] != word]
            for address in others:
                target.bms.bms.registers[address] = HEALTHY[address]
        wait_until(lambda: target.get("/api/v1/state").json()["age_ms"] < 1000, 10.0)
        if others:
            assert write(target, access, change("battery_maximum_cycles", 6000, 6000)).status == 200


def has(target: Target, address: int) -> int:
    """What the BMS itself holds."""
    with target.bms.lock:
        return int(target.bms.bms.registers[address])


def put(target: Target, address: int, word: int) -> None:
    """As somebody who has the BMS's own app."""
    with target.bms.lock:
        target.bms.bms.registers[address] = word


def plan(target: Target, access: Access, registers: dict[str, float]) -> Answer:
    return target.change("POST", PLAN, {"registers": registers}, access.headers)


def change(name: str, before: float, after: float) -> dict[str, Any]:
    return {"name": name, "from": before, "to": after}


def write(target: Target, access: Access, *changes: dict[str, Any], confirm: bool = False) -> Answer:
    return target.change("POST", WRITE, {"changes": list(changes), "confirm": confirm}, access.headers)


def newest_entry(target: Target, access: Access) -> dict[str, Any]:
    entries = target.get("/api/v1/audit", access.headers).json()["entries"]
    return dict(entries[-1])


def known(target: Target, access: Access, name: str) -> float:
    return float(target.get(PROFILE, access.headers).json()["registers"][name])


def test_a_change_is_planned_written_in_order_read_back_and_in_the_audit_log(both: tuple[Target, Access]) -> None:
    target, access = both
    planned = plan(target, access, {"over_voltage_cutoff": 3.5, "fully_charged_voltage": 3.45, "series_cells": 16})
    assert planned.status == 200
    assert planned.json() == {
        "verdict": "may_write",
        "message": None,
        "changes": [
            {"name": "fully_charged_voltage", "address": 300, "unit": "V", "from": 3.55, "to": 3.45},
            {"name": "over_voltage_cutoff", "address": 315, "unit": "V", "from": 3.65, "to": 3.5},
        ],
    }
    assert (has(target, FULL_V), has(target, OVER_V)) == (3550, 3650), "a plan writes nothing"
    changes = [{key: one[key] for key in ("name", "from", "to")} for one in planned.json()["changes"]]
    done = write(target, access, *changes)
    assert done.status == 200
    assert done.json() == {"written": [one | {"read_back": one["to"]} for one in changes]}
    assert (has(target, FULL_V), has(target, OVER_V)) == (3450, 3500)
    entry = newest_entry(target, access)
    assert (entry["name"], entry["address"], entry["outcome"]) == ("administrator", "127.0.0.1", "done")
    assert entry["what"] == "bms: fully_charged_voltage 3.55 V -> 3.45 V, over_voltage_cutoff 3.65 V -> 3.5 V"
    wait_until(lambda: known(target, access, "over_voltage_cutoff") == 3.5, 5.0)


def test_what_loosens_is_written_only_when_it_is_confirmed(both: tuple[Target, Access]) -> None:
    target, access = both
    loosens = "over_heat_cutoff 60 degC -> 65 degC loosens a protection"
    planned = plan(target, access, {"over_heat_cutoff": 65}).json()
    assert (planned["verdict"], planned["message"]) == ("needs_confirmation", loosens)
    refused = write(target, access, change("over_heat_cutoff", 60, 65))
    assert refused.status == 409
    assert refused.json() == {"error": "needs_confirmation", "message": loosens, "written": []}
    assert has(target, OVER_HEAT) == 60
    assert newest_entry(target, access)["outcome"] == "needs_confirmation"
    done = write(target, access, change("over_heat_cutoff", 60, 65), confirm=True)
    assert (done.status, has(target, OVER_HEAT)) == (200, 65)


def test_what_contradicts_is_refused_also_when_it_is_confirmed(both: tuple[Target, Access]) -> None:
    target, access = both
    why = "fully_charged_voltage 3.7 V would be above over_voltage_cutoff 3.65 V"
    planned = plan(target, access, {"fully_charged_voltage": 3.7}).json()
    assert (planned["verdict"], planned["message"]) == ("refused", why)
    refused = write(target, access, change("fully_charged_voltage", 3.55, 3.7), confirm=True)
    assert refused.status == 422
    assert refused.json() == {"error": "refused", "message": why, "written": []}
    assert has(target, FULL_V) == 3550


def test_what_somebody_else_has_changed_a_moment_ago_is_not_written_over(both: tuple[Target, Access]) -> None:
    """The gateway itself does not know yet."""
    target, access = both
    put(target, CYCLES, 5000)
    refused = write(target, access, change("early_balancing_threshold", 3.3, 3.4),
                    change("battery_maximum_cycles", 6000, 4000))  # fmt: skip
    assert refused.status == 409
    assert refused.json() == {
        "error": "changed_meanwhile",
        "message": "battery_maximum_cycles is 5000 now",
        "written": [],
    }
    assert (has(target, CYCLES), has(target, BALANCE)) == (5000, 3300)


def test_of_two_administrators_at_once_one_is_told_that_the_other_was_first(both: tuple[Target, Access]) -> None:
    target, access = both
    others = [access, log_in(target.url)]
    answers = at_once([0, 1], lambda i: write(target, others[i], change("battery_maximum_cycles", 6000, 1000 + i)))
    assert sorted(answer.status for answer in answers) == [200, 409]
    winner = next(i for i in (0, 1) if answers[i].status == 200)
    assert has(target, CYCLES) == 1000 + winner


def test_a_bms_that_falls_silent_in_the_middle_ends_it_and_what_was_written_is_told(
    both: tuple[Target, Access],
) -> None:
    target, access = both
    cut = threading.Event()

    def cut_off() -> None:
        while not cut.wait(0.0005):
            with target.bms.lock:
                if target.bms.bms.registers[BALANCE] != 3300:
                    target.bms.faults.silence = 1
                    return

    watcher = threading.Thread(target=cut_off)
    watcher.start()
    ended = write(
        target,
        access,
        change("battery_maximum_cycles", 6000, 5999),
        change("early_balancing_threshold", 3.3, 3.31),
        change("fully_charged_voltage", 3.55, 3.54),
    )
    cut.set()
    watcher.join()
    with target.bms.lock:
        target.bms.faults.silence = 0
    assert ended.status == 504
    told = ended.json()
    assert told["error"] == "no_answer"
    written = [one["name"] for one in told["written"]]
    assert written[0] == "battery_maximum_cycles" and len(written) < 3
    assert all(one["read_back"] == one["to"] for one in told["written"])
    assert has(target, CYCLES) == 5999
    assert has(target, FULL_V) == 3550
    assert "may or may not have been written" in told["message"]
    assert newest_entry(target, access)["outcome"] == "no_answer"


def test_a_bms_that_does_not_keep_what_it_was_told_is_found_out(both: tuple[Target, Access]) -> None:
    target, access = both
    with target.bms.lock:
        target.bms.faults.forget_writes = 1
    ended = write(target, access, change("battery_maximum_cycles", 6000, 5000))
    assert ended.status == 502
    assert ended.json() == {
        "error": "not_verified",
        "message": "battery_maximum_cycles: 6000 was read back",
        "written": [],
    }


def test_a_bms_that_refuses_is_told(both: tuple[Target, Access]) -> None:
    target, access = both
    with target.bms.lock:
        target.bms.faults.nack = 1
    ended = write(target, access, change("battery_maximum_cycles", 6000, 5000))
    with target.bms.lock:
        target.bms.faults.nack = 0
    assert (ended.status, ended.json()["error"], ended.json()["written"]) == (502, "bms_refused", [])
    assert has(target, CYCLES) == 6000


def test_a_profile_is_what_can_be_written_back_and_a_plan_of_it_is_the_difference(both: tuple[Target, Access]) -> None:
    target, access = both
    profile = target.get(PROFILE, access.headers).json()
    assert (profile["format"], profile["version"]) == ("tinybms-bms-profile", 1)
    registers = target.get("/api/v1/bms/registers", access.headers).json()["registers"]
    shown = {one["name"]: one["value"] for one in registers if one["writable"]}
    commands = {"state_of_charge_set", "state_of_health_set"}
    assert profile["registers"] == {name: value for name, value in shown.items() if name not in commands}
    same = target.change("POST", PLAN, profile, access.headers).json()
    assert same == {"verdict": "may_write", "message": None, "changes": []}
    profile["registers"]["battery_maximum_cycles"] = 5000
    differs = target.change("POST", PLAN, profile, access.headers).json()
    assert [one["name"] for one in differs["changes"]] == ["battery_maximum_cycles"]
    for about in ({"format": "tinybms-gateway-settings"}, {"version": 2}):
        other = target.change("POST", PLAN, profile | about, access.headers)
        assert (other.status, other.json()["error"]) == (422, "invalid")


def test_all_settings_at_once_are_planned_and_written(both: tuple[Target, Access]) -> None:
    """The longest answers that there are."""
    target, access = both
    before = target.get(PROFILE, access.headers).json()["registers"]
    with target.bms.lock:
        words = target.bms.bms.read(300, 44)
    registers = target.get("/api/v1/bms/registers", access.headers).json()["registers"]
    wanted = {name: value for name, value in before.items() if name != "series_cells"}
    units = {one["name"]: one["unit"] for one in registers}
    for name, value in wanted.items():
        step = {"V": 0.001, "Ah": 0.01}.get(units[name], 1)
        for moved in (round(value - step, 3), round(value + step, 3)):
            answer = plan(target, access, {name: moved})
            if answer.status == 200 and answer.json()["verdict"] != "refused":
                wanted[name] = moved
    planned = plan(target, access, wanted | {"state_of_health_set": 98.766, "state_of_charge_set": 84.552}).json()
    assert planned["verdict"] == "needs_confirmation"
    assert len(planned["changes"]) >= 39
    assert planned["message"].endswith("...")
    changes = [{key: one[key] for key in ("name", "from", "to")} for one in planned["changes"]]
    done = write(target, access, *changes, confirm=True)
    assert done.status == 200, done
    assert [one["name"] for one in done.json()["written"]] == [one["name"] for one in changes]
    assert newest_entry(target, access)["what"].endswith(" more")
    with target.bms.lock:
        for address, word in enumerate(words, 300):
            target.bms.bms.registers[address] = word


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        (b"", 400, None),
        (b"{", 400, None),
        (b"\xff\xfe", 400, None),
        (b'{"registers":{"over_heat_cutoff":60}}x', 400, None),
        (b'{"registers":{"over_heat_cutoff":' + b"9" * 4000 + b"}}", 422, "/registers/over_heat_cutoff"),
        (b'{"registers":{"over_heat_cutoff":1e400}}', 422, "/registers/over_heat_cutoff"),
        (b'{"registers":{"over_heat_cutoff":60.0000000000001}}', 422, "/registers/over_heat_cutoff"),
        (b'{"registers":{"over_voltage_cutoff":3.6501}}', 422, "/registers/over_voltage_cutoff"),
        (b'{"registers":{"over_heat_cutoff":91}}', 422, "/registers/over_heat_cutoff"),
        (b'{"registers":{"over_heat_cutoff":"60"}}', 422, "/registers/over_heat_cutoff"),
        (b'{"registers":{"over_heat_cutoff":{"a":[1]}}}', 422, "/registers/over_heat_cutoff"),
        (b'{"registers":{"over_heat_cutoff":61,"over_heat_cutoff":62}}', 422, "/registers/over_heat_cutoff"),
        (b'{"registers":{"pack_voltage":50}}', 422, "/registers/pack_voltage"),
        (b'{"registers":{"a/b~c":50}}', 422, "/registers/a~1b~0c"),
        (b'{"registers":{"' + b"x" * 4000 + b'":50}}', 422, "/registers"),
        (b'{"registers":{"\\u00e9":50}}', 422, "/registers"),
        (b'{"registers":[]}', 422, "/registers"),
        (b"[]", 422, ""),
        (b"{}", 422, ""),
        (DEEP, 400, None),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_where_it_makes_none(
    both: tuple[Target, Access], body: bytes, status: int, path: str | None
) -> None:
    target, access = both
    answer = target.change("POST", PLAN, body, access.headers | {"Content-Type": "application/json"})
    assert answer.status == status, answer
    told = answer.json()
    assert told["error"] == ("bad_json" if status == 400 else "invalid")
    assert [one["path"] for one in told.get("errors", [])] == ([] if path is None else [path])


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ""),
        ({"changes": []}, "/changes"),
        ({"changes": {}, "confirm": True}, "/changes"),
        ({"changes": [1], "confirm": True}, "/changes/0"),
        ({"changes": [change("battery_maximum_cycles", 6000, 5000)]}, ""),
        ({"changes": [change("battery_maximum_cycles", 6000, 5000)], "confirm": 1}, "/confirm"),
        ({"changes": [change("battery_maximum_cycles", 6000, 5000)], "confirm": True, "x": 1}, "/x"),
        ({"changes": [change("battery_maximum_cycles", 6000, 5000) | {"x": 1}], "confirm": True}, "/changes/0/x"),
        ({"changes": [{"name": "battery_maximum_cycles", "to": 5000}], "confirm": True}, "/changes/0"),
        ({"changes": [change("battery_maximum_cycles", 6000, 5000.5)], "confirm": True}, "/changes/0/to"),
        ({"changes": [change("battery_maximum_cycles", 6000, 65001)], "confirm": True}, "/changes/0/to"),
        ({"changes": [change("battery_maximum_cycles", 6000.5, 5000)], "confirm": True}, "/changes/0/from"),
        ({"changes": [change("battery_maximum_cycles", 6000, 5000)] * 2, "confirm": True}, "/changes/1/name"),
        ({"changes": [change("lifetime_counter", 6000, 5000)], "confirm": True}, "/changes/0/name"),
    ],
)
def test_a_write_that_makes_no_sense_writes_nothing(both: tuple[Target, Access], body: object, path: str) -> None:
    target, access = both
    before = newest_entry(target, access)
    answer = target.change("POST", WRITE, body, access.headers)
    assert answer.status == 422, answer
    assert answer.json()["error"] == "invalid"
    assert [one["path"] for one in answer.json()["errors"]] == [path]
    assert has(target, CYCLES) == 6000
    assert newest_entry(target, access) == before


def test_more_is_wrong_than_is_told_and_the_answer_stays_short(both: tuple[Target, Access]) -> None:
    target, access = both
    body = {"changes": [change("x" * 39 + str(i), 1, 2) for i in range(60)], "confirm": False}
    answer = target.change("POST", WRITE, body, access.headers)
    assert answer.status == 422
    assert len(answer.json()["errors"]) == 16


def test_who_may_only_read_plans_and_does_not_write(both: tuple[Target, Access]) -> None:
    target, access = both
    reader = {"Authorization": f"Bearer {access.token('reader')}"}
    body = {"changes": [change("battery_maximum_cycles", 6000, 5000)], "confirm": True}
    planned = target.change("POST", PLAN, {"registers": {"battery_maximum_cycles": 5000}}, reader)
    assert (planned.status, planned.json()["verdict"]) == (200, "may_write")
    assert target.change("POST", WRITE, body, reader).status == 403
    assert target.change("POST", WRITE, body).status == 401
    without = {name: value for name, value in access.headers.items() if name != "X-CSRF-Token"}
    assert target.change("POST", WRITE, body, without).status == 403
    assert has(target, CYCLES) == 6000


def test_a_flood_of_writes_delays_no_limits_and_each_is_answered(both: tuple[Target, Access]) -> None:
    """`unharmed` looks at the times of 0x351."""
    target, access = both
    body = {"changes": [change("battery_maximum_cycles", 6000, 6000)], "confirm": True}
    answers = at_once(range(40), lambda _: target.ask("POST", WRITE, body, access.headers), workers=6)
    assert {answer.status for answer in answers} <= {200, 503}
    assert any(answer.status == 200 for answer in answers)
    assert has(target, CYCLES) == 6000


def test_as_long_as_the_bms_has_not_answered_nothing_is_known_and_nothing_written() -> None:
    with gateway_stack(scenario="rest", faults=("silence",), http=OWN_WEB) as stack:
        access = set_up(stack.gateway)
        bodies = (
            (PLAN, {"registers": {}}),
            (WRITE, {"changes": [change("over_heat_cutoff", 60, 55)], "confirm": True}),
        )
        for path, body in bodies:
            refused = access.ask("POST", path, body)
            assert (refused.status_code, refused.json()["error"]) == (503, "not_known")
            assert int(refused.headers["Retry-After"]) >= 1
        refused = access.ask("GET", PROFILE)
        assert (refused.status_code, refused.json()["error"]) == (503, "not_known")
