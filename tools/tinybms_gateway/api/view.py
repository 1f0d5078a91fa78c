"""Answers of a gateway for people.

The name of a value says its unit (``_mv``, ``_ddegc``), so that one table here is enough for all of them.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from tinybms_gateway.api.error import NotAGatewayError
from tinybms_gateway.foreign_text import shortened
from tinybms_gateway.terminal import print_table

UNKNOWN = "unknown"
NOTHING = "-"
"""The same, in a column."""
LONGEST = 160
UNITS: dict[str, tuple[int, str]] = {
    "100uv": (4, "V"), "mv": (3, "V"), "ma": (3, "A"), "mah": (3, "Ah"), "ddegc": (1, "degC"), "wh": (3, "kWh"),
    "ms": (3, "s"), "s": (0, "s"), "min": (0, "min"), "milli": (3, ""), "bytes": (0, "bytes"),
}  # fmt: skip
"""End of a name -> digits after the point, and the unit that this gives."""
PPM = "ppm"
WORDS = {"bms": "BMS", "soc": "state of charge", "soh": "state of health", "can": "CAN", "uart": "UART", "gx": "GX"}
WORDS |= {"cvl": "CVL", "ccl": "CCL", "dcl": "DCL", "dvl": "DVL", "tx": "TX", "rx": "RX", "crc": "CRC"}


def words(identifier: str) -> str:
    """An identifier in words: ``bms_setting`` is "BMS setting"."""
    return shortened(" ".join(WORDS.get(word, word) for word in identifier.split("_")))


def label(name: str) -> str:
    """The name of a value in words, without its unit."""
    stem, _, unit = name.rpartition("_")
    return words(stem if stem and unit in (*UNITS, PPM) else name)


def text(name: str, value: Any) -> str:
    """A value in words, with the unit that its name says; one of an unexpected type is shown as it is."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _number(value, name.rpartition("_")[2])
    if isinstance(value, Mapping):
        return _object(name, value)
    return _listed(map(_item, value)) if isinstance(value, list) else shortened(str(value), LONGEST)


def facts(values: Mapping[str, Any], *names: str) -> list[list[str]]:
    """Rows of label and text, of some values or of all."""
    return [[label(name), text(name, values.get(name))] for name in names or values]


def records(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects in an answer.

    Raises:
        NotAGatewayError: it is not there.
    """
    found = answer.get(name)
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise NotAGatewayError(
            f"'{name}' is not the list that it should be", "use the toolkit of the gateway's release"
        )
    return found


def part(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object in an answer.

    Raises:
        NotAGatewayError: it is not there.
    """
    found = answer.get(name)
    if not isinstance(found, dict):
        advice = "use the toolkit of the gateway's release"
        raise NotAGatewayError(f"'{name}' is not the object that it should be", advice)
    return found


def print_facts(values: Mapping[str, Any], *names: str) -> None:
    """Print values, one a line."""
    print_table("", "", rows=facts(values, *names))


def print_records(found: Iterable[Mapping[str, Any]], *names: str) -> None:
    """Print objects, one a line, with these of their values."""
    rows = [[NOTHING if one.get(name) is None else text(name, one[name]) for name in names] for one in found]
    print_table(*map(label, names), rows=rows)


def _number(value: int, unit: str) -> str:
    if unit == PPM:
        return f"{Decimal(value).scaleb(-4).normalize():f} %"
    digits, shown = UNITS.get(unit, (0, ""))
    return f"{Decimal(value).scaleb(-digits):f} {shown}".rstrip()


def _object(name: str, value: Mapping[str, Any]) -> str:
    if "value" in value and "reason" in value:
        return f"{text(name, value['value'])}: {shortened(str(value.get('text') or words(str(value['reason']))))}"
    return _listed(f"{shortened(str(key))} {text(str(key), below)}" for key, below in value.items())


def _listed(texts: Iterable[str]) -> str:
    return shortened(", ".join(texts), LONGEST) or "none"


def _item(value: Any) -> str:
    if isinstance(value, Mapping) and "text" in value:
        return shortened(str(value["text"]))
    return words(value) if isinstance(value, str) else shortened(str(value))
