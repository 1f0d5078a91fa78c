"""JSON as the reader of the gateway reads it (libtinybms_pure.so)."""

import ctypes as c
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pure.pure_library import Pure


class NotJsonError(ValueError):
    """The reader refuses the text."""


@dataclass(frozen=True)
class Token:
    """One step of json_next()."""

    kind: str
    key: str | None
    text: str | None
    scaled: int | None
    at: int


def tokens(pure: Pure, text: bytes, digits: int = 0) -> list[Token]:
    """All of them, up to the end or an error."""
    body = c.create_string_buffer(text, len(text) + 1)
    to = c.create_string_buffer(200 * (len(text) + 4) + 1000)
    pure.lib.tinybms_pure_json_tokens.restype = c.c_size_t
    length = pure.lib.tinybms_pure_json_tokens(body, c.c_size_t(len(text)), c.c_uint(digits), to, c.c_size_t(len(to)))
    assert length > 0
    return [Token(*fields) for fields in json.loads(to.raw[:length].decode())]


def value_of(found: list[Token]) -> Any:
    """The value that the tokens describe: objects as lists of pairs, because keys may come twice; numbers exactly."""
    if found[-1].kind == "error":
        raise NotJsonError
    return _Values(found).take()


class _Values:
    def __init__(self, found: list[Token]) -> None:
        self._left = iter(found)

    def take(self) -> Any:
        return self._value(next(self._left))

    def _value(self, token: Token) -> Any:
        if token.kind in ("object", "array"):
            members = []
            while (member := next(self._left)).kind != "close":
                value = self._value(member)
                members.append((member.key, value) if token.kind == "object" else value)
            return ("object", members) if token.kind == "object" else members
        if token.kind == "number":
            assert token.text is not None
            return Decimal(token.text)
        return {"true": True, "false": False, "null": None}.get(token.kind, token.text)


def python_value(text: bytes) -> Any:
    """What Python's parser makes of it, with the gateway's own rules; ValueError where it refuses."""
    value = json.loads(
        text.decode("utf-8"),
        parse_int=Decimal,
        parse_float=Decimal,
        parse_constant=_refuse,
        object_pairs_hook=lambda pairs: ("object", pairs),
    )
    _check(value, 0)
    return value


def _refuse(constant: str) -> None:
    raise NotJsonError(constant)


def _check(value: Any, depth: int) -> None:
    """No NUL, no half of a surrogate pair, at most 8 levels."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise NotJsonError
    elif isinstance(value, tuple):
        if depth == 8:
            raise NotJsonError
        for key, member in value[1]:
            _check(key, depth + 1)
            _check(member, depth + 1)
    elif isinstance(value, list):
        if depth == 8:
            raise NotJsonError
        for member in value:
            _check(member, depth + 1)
