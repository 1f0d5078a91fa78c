"""What the check expects of the gateway's web server and of its MQTT topics: the only place that defines it.

`docs/openapi.yaml` describes the web server. The firmware has no MQTT yet: whoever builds it meets this contract, or
changes this module and `docs/commissioning.md`.
"""

import re

UI_PATH = "/"
"""GET: 200, an HTML page."""

SETTINGS_PATH = "/api/v1/settings"
"""GET, a JSON object with the two fields below."""

UNCONFIRMED_FIELD = "unconfirmed"
"""Saved settings were lost, and nobody has confirmed the others."""

RESTRICTED_FIELD = "restricted"
"""Charge and discharge are held down because of that, until the next start."""

VERSION_FIELD = "version"
"""Firmware of the gateway, X.Y.Z: in the JSON of its status (`STATUS_PATH` of the client) and of `ota_topic`."""

DEVICE_FIELD = "device"
"""Name of the gateway in its MQTT topics, in the JSON of its status."""

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
