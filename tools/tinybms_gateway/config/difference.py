"""What differs between a document and a gateway."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinybms_gateway.api.error import NotAGatewayError
from tinybms_gateway.api.view import part, records
from tinybms_gateway.config.document import Document
from tinybms_gateway.config.schema import Schema
from tinybms_gateway.foreign_text import shortened
from tinybms_gateway.terminal import print_table

NOT_SHOWN = "(secret)"
NOT_SET = "(not set)"


@dataclass(frozen=True)
class Difference:
    """One value that is not the same on both sides, or that cannot be compared."""

    key: str
    gateway: str
    file: str
    unit: str
    known: bool = True
    """False: it is a secret, which the gateway never tells."""

    def as_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {"key": self.key, "gateway": self.gateway, "file": self.file, "unit": self.unit, "known": self.known}


def of_settings(document: Document, answer: Mapping[str, Any], schema: Schema) -> list[Difference]:
    """Compare with what is saved in a gateway.

    Args:
        document: settings that `schema` allows
        answer: the gateway's settings
        schema: of the same gateway

    Raises:
        NotAGatewayError: the answer lacks a setting.
    """
    saved = part(answer, "settings")
    found = []
    for key, value in document.values.items():
        texts = _compare(value, part(saved, key))
        if texts is not None:
            found.append(Difference(key, *texts, schema.unit(key), known=texts != (NOT_SHOWN, NOT_SHOWN)))
    return found


def of_profile(plan: Mapping[str, Any]) -> list[Difference]:
    """What a plan for registers would change, in the order of writing.

    Raises:
        NotAGatewayError: it lists no changes.
    """
    return [
        Difference(
            shortened(str(change.get("name"))),
            _text(change.get("from")),
            _text(change.get("to")),
            shortened(str(change.get("unit") or "")),
        )
        for change in records(plan, "changes")
    ]


def print_differences(found: list[Difference]) -> None:
    """Print them as a table."""
    rows = [[one.key, one.gateway, one.file, one.unit] for one in found]
    print_table("key", "gateway", "file", "unit", rows=rows)


def revision_of(answer: Mapping[str, Any]) -> str:
    """The revision of settings that were read.

    Raises:
        NotAGatewayError: there is none.
    """
    revision = answer.get("revision")
    if not isinstance(revision, str) or not revision.isascii() or not revision.isalnum() or len(revision) > 64:
        raise NotAGatewayError("its settings have no revision", "use the toolkit of the gateway's release")
    return revision


def _compare(value: Any, on_gateway: Mapping[str, Any]) -> tuple[str, str] | None:
    """Texts for the gateway's side and the file's; None: they are the same."""
    if "set" in on_gateway:
        if not value and not on_gateway["set"]:
            return None
        return NOT_SHOWN if on_gateway["set"] else NOT_SET, NOT_SHOWN if value else NOT_SET
    if "length" in on_gateway:
        data = str(value).encode()
        if (len(data), zlib.crc32(data)) == (on_gateway["length"], on_gateway.get("crc32")):
            return None
        lengths = (on_gateway["length"], len(data))
        before, now = (f"{shortened(str(length))} characters" if length else NOT_SET for length in lengths)
        return before, f"{now}, others" if before == now else now
    saved = on_gateway.get("saved")
    return None if saved == value else (_text(saved), _text(value))


def _text(value: object) -> str:
    return '""' if value == "" else shortened(str(value))
