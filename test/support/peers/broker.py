"""A Mosquitto of our own, and what publishes to it as a gateway does."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from support.fixtures.certificates import Certificate
from support.fixtures.ports import free_ports

LOGIN = ("ops", "not-a-real-one")
USER, PASSWORD = LOGIN
START_WITHIN_S = 10.0


@dataclass(frozen=True)
class Ports:
    """Of the broker, on 127.0.0.1."""

    plain: int
    """Anybody may come."""
    secured: int
    """TLS; `USER` with `PASSWORD` only."""


@contextmanager
def mosquitto(directory: Path, certificate: Certificate) -> Iterator[Ports]:
    """Run the broker as a child, with a configuration and files of its own."""
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    ports = Ports(*free_ports(2))
    passwords = directory / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD], check=True, capture_output=True, timeout=30
    )
    configuration = directory / "mosquitto.conf"
    configuration.write_text(
        f"""per_listener_settings true
persistence false
user root
listener {ports.plain} 127.0.0.1
allow_anonymous true
listener {ports.secured} 127.0.0.1
allow_anonymous false
password_file {passwords}
certfile {certificate.path}
keyfile {certificate.key}
"""
    )
    with subprocess.Popen(
        [program, "-c", configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        try:
            _wait_for(child, ports)
            yield ports
        finally:
            child.terminate()
            child.wait(10)


def _wait_for(child: "subprocess.Popen[bytes]", ports: Ports) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    for port in (ports.plain, ports.secured):
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert child.poll() is None and time.monotonic() < deadline, "mosquitto does not start"
                time.sleep(0.02)


class Publisher:
    """A client that publishes as a gateway does."""

    def __init__(self, port: int) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        """Publish, and wait until the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def publisher(port: int) -> Iterator[Publisher]:
    """A connected one."""
    one = Publisher(port)
    try:
        yield one
    finally:
        one.close()
