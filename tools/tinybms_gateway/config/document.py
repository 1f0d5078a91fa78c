"""Files that hold the configuration of a site: an export of the settings, or a profile of the BMS."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinybms_gateway.api.error import Problem
from tinybms_gateway.foreign_text import shortened

SETTINGS = "tinybms-gateway-settings"
PROFILE = "tinybms-bms-profile"
VALUES = {SETTINGS: "settings", PROFILE: "registers"}
"""Format -> the member that holds the values."""
VERSION = 1
LONGEST = 64 * 1024
NUMBER_MOST = 2**32
"""No register holds more."""


class DocumentError(ValueError):
    """What is wrong with a file, one line for each."""


@dataclass(frozen=True)
class Document:
    """The content of a file."""

    path: Path
    text: str
    format: str
    """SETTINGS or PROFILE."""
    values: dict[str, Any]
    """By the keys of settings or the names of registers."""

    @property
    def is_profile(self) -> bool:
        """Registers of the BMS, not settings of the gateway."""
        return self.format == PROFILE

    def with_values(self, values: dict[str, Any]) -> dict[str, Any]:
        """The same document as JSON, with these values instead."""
        return {"format": self.format, "version": VERSION, VALUES[self.format]: values}

    def where(self, key: str) -> str:
        """File, line and key, as people look for it."""
        found = re.search(rf"{re.escape(json.dumps(key))}\s*:", self.text)
        line = f":{self.text.count(chr(10), 0, found.start()) + 1}" if found else ""
        return f"{self.path}{line}: {shortened(key)}"

    def errors(self, problems: Iterable[Problem]) -> DocumentError:
        """What is wrong with it, with the line of each value."""
        return DocumentError("\n".join(f"{self._place(problem.path)}: {problem.message}" for problem in problems))

    def _place(self, pointer: str) -> str:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        return self.where(parts[-1]) if parts else str(self.path)


def read(path: Path) -> Document:
    """Read a file.

    Raises:
        DocumentError: it is no such document.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise DocumentError(f"{path}: more than {LONGEST // 1024} kB; is it an export of a gateway?")
    try:
        text = content.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_each_once, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise DocumentError(f"{path}:{error.lineno}: not JSON: {error.msg}, column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{path}: not JSON: {shortened(str(error))}") from error
    if not isinstance(value, dict) or value.get("format") not in tuple(VALUES):
        raise DocumentError(
            f"{path}: 'format' must be \"{SETTINGS}\" or \"{PROFILE}\"; 'tinybms-gw config pull' makes one"
        )
    if value.get("version") != VERSION or isinstance(value["version"], bool):
        raise DocumentError(f"{path}: 'version' must be {VERSION}; use the toolkit of the gateway's release")
    member = VALUES[value["format"]]
    if not isinstance(value.get(member), dict):
        raise DocumentError(f"{path}: '{member}' must be an object")
    found = Document(path, text, value["format"], value[member])
    if found.is_profile:
        wrong = [key for key, number in found.values.items() if not _is_number(number)]
        if wrong:
            raise found.errors(Problem(f"/registers/{_escaped(key)}", "must be a number") for key in wrong)
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < NUMBER_MOST


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"'{next(key for key in keys if keys.count(key) > 1)}' is there twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")
