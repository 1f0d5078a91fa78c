"""Broker, presence and state: fresh, old, somebody else's, and no broker at all."""

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.fixtures.certificates import Certificate
from support.peers.broker import PASSWORD, USER, Ports, mosquitto, publisher
from support.peers.web_peer import web_server
from tinybms_gateway.check import mqtt_check
from tinybms_gateway.check.finding import Finding, Result
from tinybms_gateway.check.mqtt_check import check_mqtt
from tinybms_gateway.check.source import Told
from tinybms_gateway.check.target import Broker
from toolkit.check.again import again_and_again

STATE = b'{"soc": 80.0}'
EVERY_S = 0.1


@pytest.fixture(autouse=True)
def patient_but_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long where a busy machine may be late, short where the whole time is always waited for."""
    monkeypatch.setattr(mqtt_check, "CONNECT_WITHIN_S", 20.0)
    monkeypatch.setattr(mqtt_check, "SEARCH_S", 0.3)


@pytest.fixture
def long_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_check, "SEARCH_S", 2.0)


@pytest.fixture
def short_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_check, "CONNECT_WITHIN_S", 1.0)


@pytest.fixture
def device() -> str:
    """A name of a gateway that no other test has."""
    return f"gw-{uuid.uuid4().hex[:12]}"


@contextmanager
def gateway(
    port: int, device: str, *, presence: bytes | None = b"online", state: bytes | None = STATE, retain: bool = False,
    ota: bytes = b'{"version": "1.2.3"}',
) -> Iterator[None]:  # fmt: skip
    """Publishes as a gateway does, the state again and again; takes its retained messages away at the end."""
    root = f"mqtt_bms/{device}"
    with publisher(port) as client:

        def live() -> None:
            if state is not None:
                client.publish(f"{root}/state", state, retain=retain)

        if presence is not None:
            client.publish(f"{root}/status", presence, retain=True)
        client.publish(f"{root}/ota", ota, retain=True)
        try:
            with again_and_again(EVERY_S, live):
                yield
        finally:
            for topic in ("status", "state", "ota"):
                client.publish(f"{root}/{topic}", b"", retain=True)


def checked(port: int, device: str | None, fresh_s: float = 20.0) -> tuple[dict[str, Finding], Told]:
    findings, told = check_mqtt(Broker("127.0.0.1", port, False), device, fresh_s, None, threading.Event())
    return {finding.check: finding for finding in findings}, told


def results(findings: dict[str, Finding]) -> list[Result]:
    return [finding.result for finding in findings.values()]


GOOD, FAILED = Result.GOOD, Result.FAILED


@pytest.mark.parametrize("retain", [False, True])
def test_a_gateway(broker: Ports, device: str, retain: bool) -> None:
    with gateway(broker.plain, device, retain=retain):
        findings, told = checked(broker.plain, device)
    assert results(findings) == [GOOD, GOOD, GOOD]
    assert told == Told("1.2.3", device)


@pytest.mark.usefixtures("long_search")
def test_the_only_gateway_needs_no_name(broker: Ports, device: str) -> None:
    with gateway(broker.plain, device):
        findings, told = checked(broker.plain, None)
    assert results(findings) == [GOOD, GOOD, GOOD]
    assert told.device == device


@pytest.mark.usefixtures("long_search")
def test_of_two_gateways_one_must_be_named(broker: Ports, device: str) -> None:
    with gateway(broker.plain, device), gateway(broker.plain, f"{device}-2"):
        findings, _ = checked(broker.plain, None)
    (finding,) = findings.values()
    assert finding.result is FAILED
    assert "2 gateways" in finding.seen
    assert "--device" in finding.advice


def test_no_gateway_at_all(broker: Ports) -> None:
    findings, told = checked(broker.plain, None)
    assert results(findings) == [FAILED]
    assert "no gateway at mqtt_bms/+/status" in findings["MQTT broker"].seen
    assert told == Told()


def test_a_retained_state_is_not_fresh(broker: Ports, device: str) -> None:
    with gateway(broker.plain, device, state=None), publisher(broker.plain) as earlier:
        earlier.publish(f"mqtt_bms/{device}/state", STATE, retain=True)
        findings, _ = checked(broker.plain, device, 2.0)
    assert results(findings) == [GOOD, GOOD, FAILED]
    assert "only an old retained one" in findings["MQTT state"].seen


@pytest.mark.parametrize(
    ("presence", "seen"),
    [
        (b"offline", "offline"),
        (None, "nothing at"),
        (b"\xff\xfe\x00", "'"),
        (b"ONLINE", "'ONLINE'"),
    ],
)
def test_presence(broker: Ports, device: str, presence: bytes | None, seen: str) -> None:
    with gateway(broker.plain, device, presence=presence):
        findings, _ = checked(broker.plain, device, 2.0 if presence is None else 20.0)
    assert results(findings) == [GOOD, FAILED, GOOD]
    assert seen in findings["MQTT presence"].seen
    assert findings["MQTT presence"].seen.isprintable()


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (b"", "not a JSON object, 0 bytes"),
        (b"[1]", "not a JSON object"),
        (b"{", "not a JSON object"),
        (b'{"soc": "\xff"}', "not a JSON object"),
        (b"[" * 60_000, "not a JSON object"),
        (b" " * 500_000, "none in"),
        (None, "none in"),
    ],
    ids=["empty", "list", "cut", "not UTF-8", "deep", "huge", "nothing"],
)
def test_state(broker: Ports, device: str, state: bytes | None, seen: str) -> None:
    with gateway(broker.plain, device, state=state):
        findings, _ = checked(broker.plain, device, 2.0 if seen == "none in" else 20.0)
    assert results(findings) == [GOOD, GOOD, FAILED]
    assert seen in findings["MQTT state"].seen


@pytest.mark.parametrize("ota", [b"", b"[]\xff", b'{"version": 1}', b'{"version": "latest"}'])
def test_no_version(broker: Ports, device: str, ota: bytes) -> None:
    with gateway(broker.plain, device, ota=ota):
        findings, told = checked(broker.plain, device)
    assert results(findings) == [GOOD, GOOD, GOOD]
    assert told == Told(None, device)


def secured(ports: Ports, password: str | None = PASSWORD, ca: Path | None = None, host: str = "127.0.0.1") -> Finding:
    where = Broker(host, ports.secured, True, USER if password is not None else None, password)
    findings, _ = check_mqtt(where, "gw7", 0.3, ca, threading.Event())
    assert PASSWORD not in str(findings) and PASSWORD not in repr(where)
    return findings[0]


def test_tls_and_a_password(broker: Ports, certificate: Certificate) -> None:
    finding = secured(broker, ca=certificate.path)
    assert finding.result is GOOD
    assert "over TLS" in finding.seen


@pytest.mark.parametrize("password", ["wrong", "", None])
def test_a_password_that_is_none(broker: Ports, certificate: Certificate, password: str | None) -> None:
    finding = secured(broker, password, certificate.path)
    assert finding.result is FAILED
    assert "refuses the connection: Not authorized" in finding.seen


def test_a_certificate_that_is_not_trusted(broker: Ports) -> None:
    finding = secured(broker)
    assert finding.result is FAILED
    assert "not trusted" in finding.seen
    assert "--ca" in finding.advice


def test_a_certificate_of_another_host(broker: Ports, certificate: Certificate) -> None:
    finding = secured(broker, ca=certificate.path, host="localhost")
    assert finding.result is FAILED
    assert "not trusted" in finding.seen


def test_tls_where_none_is_spoken_and_the_other_way_round(broker: Ports) -> None:
    for where in (Broker("127.0.0.1", broker.plain, True), Broker("127.0.0.1", broker.secured, False)):
        findings, _ = check_mqtt(where, "gw7", 0.3, None, threading.Event())
        assert [finding.result for finding in findings] == [FAILED], where
        assert "TLS" in findings[0].advice, where


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    findings, _ = checked(port, "gw7")
    assert results(findings) == [FAILED]
    assert "refused" in findings["MQTT broker"].seen


@pytest.mark.usefixtures("short_connect")
def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        findings, _ = checked(server.getsockname()[1], "gw7")
    assert results(findings) == [FAILED]
    assert "no answer" in findings["MQTT broker"].seen


@pytest.mark.usefixtures("short_connect")
def test_a_web_server_is_no_broker() -> None:
    with web_server() as url:
        findings, _ = checked(int(url.rpartition(":")[2]), "gw7")
    assert results(findings) == [FAILED]


def test_a_broker_that_goes_away_in_the_middle(
    tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, Finding] = {}
    listens, listen = threading.Event(), mqtt_check._listen

    def noticed(*arguments: Any) -> None:
        listens.set()
        listen(*arguments)

    monkeypatch.setattr(mqtt_check, "_listen", noticed)
    with mosquitto(tmp_path, certificate) as ports:
        check = threading.Thread(target=lambda: found.update(checked(ports.plain, "gw7", 60.0)[0]))
        check.start()
        assert listens.wait(30)
    check.join(30)
    assert results(found) == [FAILED]
    assert "ended" in found["MQTT broker"].seen
