"""The gateway's MQTT topics: is the broker reachable, the gateway online, and its state fresh?

A broker hands out the last retained message whether or not its sender is still alive. So only a message that arrives
*while we listen* counts as fresh: the broker clears the retain flag of those (MQTT 5.0, 3.3.1.3).
"""

import json
import logging
import ssl
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from tinybms_gateway.check.finding import Finding, failed, good
from tinybms_gateway.check.services import (
    DEVICE_FIELD,
    DEVICE_NAME,
    OFFLINE,
    ONLINE,
    VERSION_FIELD,
    device_of,
    ota_topic,
    presence_topic,
    state_topic,
)
from tinybms_gateway.check.source import Told
from tinybms_gateway.check.target import Broker
from tinybms_gateway.foreign_text import shortened

log = logging.getLogger(__name__)

CONNECT_WITHIN_S = 5.0
SEARCH_S = 1.0
"""Retained presences arrive right after the subscription."""
MOST_BYTES = 64 * 1024
"""The broker is told not to send larger messages."""
MOST_DEVICES = 20
STEP_S = 0.1
BROKER_NAME = "MQTT broker"
PRESENCE_NAME = "MQTT presence"
STATE_NAME = "MQTT state"


class BrokerError(Exception):
    """The broker could not be used; what was seen, and what to do about it."""

    def __init__(self, seen: str, advice: str) -> None:
        super().__init__(seen)
        self.seen = shortened(seen)
        self.advice = advice


class _Session:
    """One connection, and what came over it. All runs in the thread that calls `step`."""

    def __init__(self, broker: Broker, ca: Path | None) -> None:
        self.connected = False
        self.refused = ""
        self.presence: dict[str, str] = {}
        """By name of the gateway."""
        self.state: bytes | None = None
        """Newest that arrived while we listened."""
        self.retained_state = False
        self.told = Told()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect_timeout = CONNECT_WITHIN_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            client.tls_set_context(ssl.create_default_context(cafile=str(ca) if ca is not None else None))
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = MOST_BYTES
        client.connect(broker.host, broker.port, keepalive=int(CONNECT_WITHIN_S), properties=properties)

    def subscribe(self, *topics: str) -> None:
        """Ask for topics."""
        self._client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in topics])

    def step(self) -> None:
        """Take what comes within `STEP_S`.

        Raises:
            BrokerError: the connection was refused or has ended.
        """
        code = self._client.loop(STEP_S)
        if self.refused:
            raise BrokerError(
                self.refused, "check user, password and rights: --mqtt mqtt://USER@HOST, docs/commissioning.md"
            )
        if code != mqtt.MQTT_ERR_SUCCESS:
            seen = "the connection has ended" if self.connected else "answers, but not as an MQTT 5 broker"
            raise BrokerError(seen, "check the broker's log" if self.connected else "are the port and TLS right?")

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()

    def _on_connect(self, _client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        if code.is_failure:
            self.refused = f"refuses the connection: {code}"
        else:
            self.connected = True

    def _on_subscribe(self, _client: Any, _data: Any, _id: int, codes: list[ReasonCode], _properties: Any) -> None:
        if any(code.is_failure for code in codes):
            self.refused = f"refuses the subscription: {codes[0]}"

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        device = device_of(message.topic)
        if message.topic == presence_topic(device):
            if DEVICE_NAME.fullmatch(device) and (device in self.presence or len(self.presence) < MOST_DEVICES):
                self.presence[device] = shortened(message.payload.decode("utf-8", "replace"), 40)
        elif message.topic == state_topic(device):
            self.retained_state |= message.retain
            if not message.retain:
                self.state = bytes(message.payload)
        elif message.topic == ota_topic(device):
            values = _object(bytes(message.payload)) or {}
            self.told = Told(Told.of(values, VERSION_FIELD, DEVICE_FIELD).version, device)


def _object(payload: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def check_mqtt(
    broker: Broker, device: str | None, fresh_s: float, ca: Path | None, stop: threading.Event
) -> tuple[list[Finding], Told]:
    """Listen to a gateway's topics.

    Args:
        broker: where
        device: name of the gateway; None: the only one there
        fresh_s: how long to wait for a message of its state
        ca: certificates to trust instead of the system's
        stop: ends it early

    Returns:
        Findings, and what the gateway reported about itself.
    """
    try:
        session = _connect(broker, ca, stop)
        try:
            device = device or _find_device(session, stop)
            started = time.monotonic()
            _listen(session, device, fresh_s, stop)
            waited_s = time.monotonic() - started
        finally:
            session.close()
    except BrokerError as error:
        return [failed(BROKER_NAME, f"{broker}: {error.seen}", error.advice)], Told()
    return [
        good(BROKER_NAME, f"{broker} reached" + (" over TLS" if broker.tls else "")),
        _presence(device, session.presence.get(device)),
        _state(session, waited_s),
    ], Told(session.told.version, device)


def _connect(broker: Broker, ca: Path | None, stop: threading.Event) -> _Session:
    deadline = time.monotonic() + CONNECT_WITHIN_S
    try:
        session = _Session(broker, ca)
    except ssl.SSLCertVerificationError as error:
        advice = "give the certificate of the broker or of its CA with --ca"
        raise BrokerError(f"its certificate is not trusted: {error.verify_message}", advice) from error
    except ssl.SSLError as error:
        raise BrokerError(
            "no TLS connection", "does the broker speak TLS on this port? Try mqtt://, or --ca"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BrokerError(
            f"not reached: {reason}", "is the broker on this network, and are the port and TLS right?"
        ) from error
    while not session.connected:
        if stop.is_set() or time.monotonic() > deadline:
            session.close()
            raise BrokerError(
                f"no answer in {CONNECT_WITHIN_S:.0f} s", "is it an MQTT broker, and are the port and TLS right?"
            )
        session.step()
    return session


def _find_device(session: _Session, stop: threading.Event) -> str:
    session.subscribe(presence_topic("+"))
    end = time.monotonic() + SEARCH_S
    while time.monotonic() < end and not stop.is_set():
        session.step()
    if len(session.presence) == 1:
        return next(iter(session.presence))
    if not session.presence:
        raise BrokerError(f"no gateway at {presence_topic('+')}", "set the gateway's broker, user and password")
    names = ", ".join(sorted(session.presence)[:5])
    more = "at least " if len(session.presence) == MOST_DEVICES else ""
    raise BrokerError(f"{more}{len(session.presence)} gateways: {names}", "choose one with --device")


def _listen(session: _Session, device: str, fresh_s: float, stop: threading.Event) -> None:
    session.subscribe(presence_topic(device), state_topic(device), ota_topic(device))
    started = time.monotonic()
    while not stop.is_set() and (now := time.monotonic()) < started + fresh_s:
        session.step()
        known = session.told.version is not None or now > started + SEARCH_S
        if known and session.state is not None and device in session.presence:
            return


def _presence(device: str, presence: str | None) -> Finding:
    if presence == ONLINE:
        return good(PRESENCE_NAME, f"{device}: online")
    if presence is None:
        return failed(
            PRESENCE_NAME,
            f"nothing at {presence_topic(device)}",
            "is --device right? Check the gateway's MQTT settings",
        )
    if presence == OFFLINE:
        return failed(
            PRESENCE_NAME, f"{device}: offline", "the gateway has lost the broker: check its network, power and log"
        )
    return failed(PRESENCE_NAME, f"{device}: '{presence}'", f"must be {ONLINE} or {OFFLINE}")


def _state(session: _Session, waited_s: float) -> Finding:
    if session.state is None:
        what = "only an old retained one" if session.retained_state else "none"
        return failed(
            STATE_NAME, f"{what} in {waited_s:.0f} s", "the gateway publishes nothing: does the BMS answer it?"
        )
    if _object(session.state) is None:
        return failed(
            STATE_NAME, f"not a JSON object, {len(session.state)} bytes", "is something else publishing there?"
        )
    return good(STATE_NAME, f"fresh, {len(session.state)} bytes")
