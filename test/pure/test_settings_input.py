"""Documents of settings: what the schema accepts the reader accepts, and an export comes back as it was."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pure.pure_library import Pure
from pure.settings_documents import SCHEMA, VALUES, Documents

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\r\n-----END CERTIFICATE-----\n"
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
MISFIT = re.compile(r"must be (at most|less than) [a-z_.]+$|^id\.\*:")
"""What the schema does not say: which values fit together."""


@pytest.fixture(scope="module")
def documents(pure: Pure) -> Documents:
    return Documents(pure)


@pytest.fixture(scope="module")
def schema(documents: Documents) -> dict[str, Any]:
    return dict(documents.read(SCHEMA))


def values(of: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Around the range of a setting, and values of every other kind."""
    bounds = [part for part in (of, *of.get("anyOf", [])) if "maximum" in part]
    low, high = (bounds[0]["minimum"], bounds[0]["maximum"]) if bounds else (0, 1)
    number = st.one_of(
        st.integers(low - 1, high + 1),
        st.sampled_from([0, -1, 2**31, 2**32 + low, 2**63, -(2**63) - 1, 10**30]),
        st.integers(low, high).map(float),
        st.floats(low, high),
    )
    text = st.one_of(ASCII, st.text(max_size=5).filter(lambda t: "\0" not in t), st.sampled_from(["", PEM, "house"]))
    other: st.SearchStrategy[Any] = st.one_of(st.none(), st.booleans(), st.just([]), st.just({}), st.just({"a": [1]}))
    likely, unlikely = (number, text) if of["type"] == "integer" else (text, number)
    return st.one_of(likely, likely, unlikely, other)


@st.composite
def objects(draw: st.DrawFn, properties: dict[str, Any]) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(sorted(properties)), max_size=6, unique=True))
    found = {key: draw(values(properties[key])) for key in keys}
    if draw(st.integers(0, 4)) == 0:
        found[draw(st.text(max_size=8).filter(lambda t: "\0" not in t))] = 1
    return found


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_the_reader_accepts_the_documents_that_the_schema_accepts(
    documents: Documents, schema: dict[str, Any], data: st.DataObject
) -> None:
    document = data.draw(st.one_of(objects(schema["properties"]), st.sampled_from([None, 1, "a", [], [{}]])))
    read = documents.input(json.dumps(document).encode())
    assert read["json"]
    wrong = [problem for problem in read["problems"] if not MISFIT.search(problem["message"])]
    assert (wrong == []) == Draft202012Validator(schema).is_valid(document), document
    if not wrong and isinstance(document, dict):
        assert read["changes"] == document
    if not isinstance(document, dict):
        assert [problem["path"] for problem in wrong] == [""]
        return
    bad = {key for key, value in document.items() if not Draft202012Validator(schema).is_valid({key: value})}
    assert {unescaped(problem["path"][1:]) for problem in wrong} == bad


def unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


@settings(deadline=None)
@given(data=st.data())
def test_an_export_is_imported_as_it_was(pure: Pure, schema: dict[str, Any], data: st.DataObject) -> None:
    source = Documents(pure)
    saved: dict[str, Any] = {}
    for key in data.draw(st.lists(st.sampled_from(sorted(schema["properties"])), max_size=12, unique=True)):
        value = data.draw(values(schema["properties"][key]))
        kind = int if schema["properties"][key]["type"] == "integer" else str
        if key != "mqtt.ca" and type(value) is kind and Draft202012Validator(schema).is_valid({key: value}):
            source.save(key, value)
            saved[key] = value
    ca = data.draw(st.sampled_from(["", PEM, PEM + "x" * 4000]))
    secrets = data.draw(st.booleans())
    exported = source.export(secrets=secrets, long_text=ca)
    document = json.loads(exported)
    assert Draft202012Validator(schema).is_valid(document["settings"])
    assert set(document["settings"]) == set(schema["properties"]) - (set() if secrets else secret_keys(schema))
    read = Documents(pure).input(exported, export=True)
    assert [problem for problem in read["problems"] if not MISFIT.search(problem["message"])] == []
    for key, value in (saved | {"mqtt.ca": ca}).items():
        if secrets or key not in secret_keys(schema):
            assert read["changes"][key] == value


def secret_keys(schema: dict[str, Any]) -> set[str]:
    return {key for key, of in schema["properties"].items() if of.get("writeOnly")}


def test_an_export_without_secrets_has_none(pure: Pure) -> None:
    source = Documents(pure)
    source.save("wifi.sta_pass", "correct horse")
    source.save("wifi.ap_pass", "battery staple")
    without, with_them = source.export(secrets=False), source.export(secrets=True)
    for phrase in (b"correct horse", b"battery staple"):
        assert phrase not in without
        assert phrase in with_them
    assert {"format", "version", "device", "firmware", "settings"} == set(json.loads(without))


@settings(deadline=None)
@given(data=st.data())
def test_an_export_that_is_spoilt_is_refused_or_wants_what_it_says(pure: Pure, data: st.DataObject) -> None:
    source = Documents(pure)
    source.save("charge.max_a", 80)
    text = bytearray(source.export(secrets=True, long_text=PEM))
    at = data.draw(st.integers(0, len(text) - 1))
    if data.draw(st.booleans()):
        text[at] = data.draw(st.integers(0, 255))
    else:
        del text[at : at + data.draw(st.integers(1, 40))]
    read = source.input(bytes(text), export=True)
    try:
        document = json.loads(text.decode())
    except ValueError:
        assert not read["json"]
        return
    if read["json"] and read["problems"] == []:
        assert {key: document["settings"][key] for key in read["changes"]} == read["changes"]


def test_the_revision_is_eight_digits(documents: Documents) -> None:
    assert documents.read(VALUES)["revision"] == "0123abcd"
