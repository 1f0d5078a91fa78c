"""What to check, and where to reach it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from tinybms_gateway.api.address import split
from tinybms_gateway.api.secrets import read_secret
from tinybms_gateway.check.services import DEVICE_NAME, VERSION

CREDENTIAL_VARIABLE = "TINYBMS_MQTT_PASSWORD"


@dataclass(frozen=True)
class Broker:
    """An MQTT broker and who we are there."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Target:
    """One gateway; None: not checked."""

    can: str
    seconds: float
    """Longest time to listen on the bus."""
    keepalive: bool = False
    url: str | None = None
    token: str | None = field(default=None, repr=False)
    """For the web server at `url`."""
    broker: Broker | None = None
    device: str | None = None
    version: str | None = None
    """Firmware that is expected."""
    fresh_s: float = 10.0
    """The state must arrive by MQTT within this time."""
    ca: Path | None = None
    """Certificates to trust instead of the system's."""


def check_target(target: Target) -> None:
    """Refuse what cannot work, before anything is tried.

    Raises:
        ValueError: says what to give instead.
    """
    kind, _, channel = target.can.partition(":")
    if not kind or not channel:
        raise ValueError(f"--can '{target.can}': give KIND:CHANNEL, such as socketcan:can0 or slcan:/dev/ttyACM0")
    if target.device is not None and not DEVICE_NAME.fullmatch(target.device):
        raise ValueError("--device: give at most 64 letters, digits and any of _ . : -")
    if target.version is not None and not VERSION.fullmatch(target.version):
        raise ValueError(f"--expect-version '{target.version}': give X.Y.Z")
    if target.version is not None and target.url is None and target.broker is None:
        raise ValueError("--expect-version: the gateway reports its version only by web and MQTT; add --url or --mqtt")
    if target.ca is not None and not target.ca.is_file():
        raise ValueError(f"--ca {target.ca}: no such file")


def parse_broker(text: str, password_file: Path | None) -> Broker:
    """Read ``mqtt[s]://[USER@]HOST[:PORT]``; the password comes from `CREDENTIAL_VARIABLE` or from a file.

    Raises:
        ValueError: it is not such an address, or holds a password, which is not repeated.
        OSError: the file cannot be read.
    """
    parts = split("--mqtt", text, ("mqtt", "mqtts"))
    if parts.password is not None:
        raise ValueError(f"--mqtt: give the password in {CREDENTIAL_VARIABLE} or --mqtt-password-file, not here")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("--mqtt: give mqtt://[USER@]HOST[:PORT] or mqtts://..., without a path")
    password = (
        read_secret(password_file, "--mqtt-password-file", "password")
        if password_file is not None
        else os.environ.get(CREDENTIAL_VARIABLE)
    )
    if password_file is not None and parts.username is None:
        raise ValueError("--mqtt-password-file: needs a user; give mqtt://USER@HOST")
    tls = parts.scheme == "mqtts"
    port = parts.port or (8883 if tls else 1883)
    user = parts.username
    return Broker(parts.hostname or "", port, tls, user, password if user is not None else None)
