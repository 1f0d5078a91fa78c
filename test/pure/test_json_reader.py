"""The JSON reader against Python's: it accepts the same texts, and finds the same in them."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pure.json_tokens import NotJsonError, python_value, tokens, value_of
from pure.pure_library import Pure

TEXTS = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
PARTS = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", '"', '"a"', "\\", "\\u", "\\u0000", "\\ud83d", "\\ude00", "\\u00e9", "\\n", "\\x",
     "0", "1", "-", "+", ".", "e", "E5", "12", "00", "1.5", "true", "false", "null", "NaN", "Infinity", " ", "\n", "\t",
     "\r", "\x0b", "\x00", "\x1f", "\x7f", "\u00e9", "\ufeff", "\U0001f600", "'", "/"]
)  # fmt: skip


def agrees(pure: Pure, text: bytes) -> None:
    """Both read the same, or both refuse."""
    expected: Any
    try:
        expected = python_value(text)
    except (ValueError, RecursionError):
        expected = NotJsonError
    try:
        found = value_of(tokens(pure, text))
    except NotJsonError:
        found = NotJsonError
    assert found == expected, text


@settings(deadline=None)
@given(value=VALUES, ascii_only=st.booleans(), indent=st.sampled_from([None, 0, 2]))
def test_what_python_writes_is_read_as_it_was(pure: Pure, value: Any, ascii_only: bool, indent: int | None) -> None:
    agrees(pure, json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode())


@settings(deadline=None, max_examples=400)
@given(parts=st.lists(PARTS, max_size=14))
@example(parts=['"', "\\ud83d", "\\ude00", '"'])
@example(parts=['"', "\\ud83d", '"'])
@example(parts=['"', "\\ude00", "\\ud83d", '"'])
@example(parts=["[", "1", ",", "]"])
@example(parts=["\ufeff", "1"])
@example(parts=[])
def test_pieces_of_json_in_any_order_are_judged_alike(pure: Pure, parts: list[str]) -> None:
    agrees(pure, "".join(parts).encode())


@settings(deadline=None)
@given(value=VALUES, data=st.data())
def test_a_text_that_is_spoilt_is_judged_alike(pure: Pure, value: Any, data: st.DataObject) -> None:
    text = bytearray(json.dumps(value, ensure_ascii=False).encode())
    at = data.draw(st.integers(0, len(text) - 1))
    how = data.draw(st.sampled_from(["cut", "change", "insert", "remove"]))
    byte = data.draw(st.integers(0, 255))
    if how == "cut":
        del text[at:]
    elif how == "change":
        text[at] = byte
    elif how == "insert":
        text.insert(at, byte)
    else:
        del text[at]
    agrees(pure, bytes(text))


@settings(deadline=None)
@given(inside=st.binary(max_size=8))
def test_a_string_is_utf8_and_nothing_else(pure: Pure, inside: bytes) -> None:
    agrees(pure, b'"' + inside + b'"')


@pytest.mark.parametrize("digits", range(10))
@settings(deadline=None)
@given(
    number=st.from_regex(
        r"-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,12})?([eE][+-]?(0{0,3}[0-9]|1[0-9]|2[0-2]|[0-9]{3,12}))?", fullmatch=True
    )
)
def test_a_scaled_number_is_exact_or_none(pure: Pure, digits: int, number: str) -> None:
    [token, end] = tokens(pure, number.encode(), digits)
    assert (token.kind, token.text, end.kind) == ("number", number, "end")
    assert token.scaled == scaled_by_hand(number, digits)


def scaled_by_hand(number: str, digits: int) -> int | None:
    """The same in whole numbers without bound."""
    mantissa, _, exponent = number.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    significant = int(whole + fraction)
    power = int(exponent or 0) - len(fraction) + digits
    if significant == 0:
        return 0
    if power > 30:
        return None
    if power < 0:
        if -power > 40 or significant % 10**-power:
            return None
        value = abs(significant) // 10**-power * (-1 if significant < 0 else 1)
    else:
        value = significant * 10**power
    return value if -(2**63) <= value < 2**63 else None


@pytest.mark.parametrize("depth", [7, 8, 9, 10_000])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_eight_levels_and_no_more(pure: Pure, depth: int, brackets: str) -> None:
    text = "[" * depth + "]" * depth if brackets == "[]" else '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)
    found = tokens(pure, text.encode())
    assert (found[-1].kind == "end") == (depth <= 8)
    if depth > 8:
        assert found[-1].at == 8 * (1 if brackets == "[]" else 5)
