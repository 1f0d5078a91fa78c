"""Who may change the gateway: set up through its console, logged in, changed, written down, and taken back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from support.fixtures.access import PASSWORD
from support.fixtures.rig import Rig, Seen
from support.instruments.watch import limits
from tinybms_gateway.api.client import GatewayClient
from tinybms_gateway.api.error import NotAllowedError, NotLoggedInError

pytestmark = [pytest.mark.needs("web", "console"), pytest.mark.time_scale(5)]

SETTINGS, SETTING = "/api/v1/settings", "charge.max_a"
AMPERES = 2
"""Lower than whatever any battery of a bench allows."""


def audit(client: GatewayClient) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = client.object("/api/v1/audit")["entries"]
    return entries


def saved(client: GatewayClient) -> int:
    value: int = client.object(SETTINGS)["settings"][SETTING]["saved"]
    return value


@contextmanager
def left_as_it_was(rig: Rig) -> Iterator[int]:
    """The setting, on a gateway that is used again after the test."""
    before = saved(rig.administrator())
    try:
        yield before
    finally:
        rig.administrator().patch(SETTINGS, {SETTING: before})


def test_a_new_gateway_is_closed_until_its_console_has_told_the_code(rig: Rig) -> None:
    client = rig.stranger()
    rig.take_password_back()
    code = rig.setup_code()
    with pytest.raises(NotAllowedError):
        client.object("/api/v1/state")
    with pytest.raises(NotLoggedInError):
        client.set_up("2" * 10 if code != "2" * 10 else "3" * 10, PASSWORD)
    client.set_up(code.lower(), PASSWORD)
    assert client.object("/api/v1/state").keys() >= {"status", "soc_ppm"}
    assert "void" in rig.console("setup-code")
    told = f"{client.text('/api/v1/log')}{audit(client)}"
    assert code not in told
    assert PASSWORD not in told


def test_the_console_ends_every_session_and_token(rig: Rig) -> None:
    client = rig.administrator()
    listed = {token["name"] for token in client.object("/api/v1/tokens")["tokens"]}
    if "bench" in listed:
        client.delete("/api/v1/tokens/bench")
    holder = rig.stranger(str(client.post("/api/v1/tokens", {"name": "bench", "right": "read"})["token"]))
    assert holder.object("/api/v1/session")["right"] == "read"
    rig.take_password_back()
    assert holder.object("/api/v1/session")["right"] == "none"
    with pytest.raises(NotAllowedError):
        client.object("/api/v1/audit")
    *_, entry = (entry for entry in audit(rig.administrator()) if "taken back" in entry["what"])
    assert (entry["name"], entry["outcome"], entry["address"]) == ("console", "done", None)


@pytest.mark.needs("can", "bms")
def test_a_limit_is_changed_is_seen_on_the_bus_and_stays_written_down_over_a_restart(rig: Rig) -> None:
    def is_low(frame: Seen) -> bool:
        return frame.id == 0x351 and limits(frame.message)[1] <= AMPERES * 10

    rig.wait_for(lambda frame: frame.id == 0x351 and not is_low(frame), 60.0)
    with left_as_it_was(rig) as before:
        client = rig.administrator()
        assert client.patch(SETTINGS, {SETTING: AMPERES})["changed"] == [SETTING]
        rig.wait_for(is_low, 3.0)
        number = audit(client)[-1]["number"]
        rig.restart()
        client = rig.administrator()
        assert saved(client) == AMPERES
        (entry,) = (entry for entry in audit(client) if entry["number"] == number)
        assert (entry["name"], entry["outcome"]) == ("administrator", "done")
        assert f"{SETTING} {before} -> {AMPERES}" in entry["what"]
        assert entry["address"]
