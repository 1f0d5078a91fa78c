"""What the check expects of the gateway's web server and of its MQTT topics: the only place that defines it.

The firmware has neither yet. Whoever builds them meets this contract, or changes this module and
`docs/commissioning.md`.
"""

import re

UI_PATH = "/"
"""GET: 200, an HTML page."""

STATUS_PATH = "/api/v1/status"
"""GET, without a login: 200, a JSON object with the fields below."""

VERSION_FIELD = "version"
"""Firmware of the gateway, X.Y.Z: in the JSON of `STATUS_PATH` and of `ota_topic`."""

DEVICE_FIELD = "device"
"""Name of the gateway in its MQTT topics, in the JSON of `STATUS_PATH`."""

ROOT = "mqtt_bms"
ONLINE = "online"
"""Retained payload of `presence_topic` while the gateway is connected; its last will is `OFFLINE`."""
OFFLINE = "offline"

DEVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
VERSION = re.compile(r"\d{1,5}\.\d{1,5}\.\d{1,5}(?:-[0-9A-Za-z.-]{1,32})?")


def presence_topic(device: str) -> str:
    """Topic of presence; `+` as the device: of all gateways."""
    return f"{ROOT}/{device}/status"


def state_topic(device: str) -> str:
    """Topic of the battery's state: a JSON object, published every few seconds."""
    return f"{ROOT}/{device}/state"


def ota_topic(device: str) -> str:
    """Topic of the state of updates: a retained JSON object that also names the running version."""
    return f"{ROOT}/{device}/ota"


def device_of(topic: str) -> str:
    """Name of the gateway in a topic."""
    return topic.split("/")[1]
