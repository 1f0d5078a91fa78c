"""JSON, schema and form of the settings: one table, so what one allows the others allow, and no secret leaves."""

import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pure.pure_library import Pure
from pure.setting_rows import number_rows
from pure.settings_documents import FORM, SCHEMA, VALUES, Documents

PHRASE = "correct horse battery"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
INT32 = st.integers(-(2**31), 2**31 - 1)
GOOD_HOSTS = ["broker", "192.168.1.2", "[::1]", "a_b-c.d"]
HOSTS = [*GOOD_HOSTS, "[fe80::1", "[]", "me@host", "me:pw@host", "", "h/x", "h?x"]
NUMBERS = [0, 1, 80, 1883, 9999, 65499, 65535, 65536, 65540, 70000, 99999, 123456]
PORTS = ["", ":", ":x", ":01", *(f":{number}" for number in NUMBERS)]


@pytest.fixture(scope="session")
def documents(pure: Pure) -> Documents:
    return Documents(pure)


class Rules:
    """The schema, and the rules of the C code that it has to agree with."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self.schema: dict[str, Any] = documents.read(SCHEMA)
        Draft202012Validator.check_schema(self.schema)
        self._validator = Draft202012Validator(self.schema)
        self.properties: dict[str, dict[str, Any]] = self.schema["properties"]

    def accepts(self, document: object) -> bool:
        """What the schema says of a document."""
        return self._validator.is_valid(document)

    def allow(self, key: str, value: int | str) -> bool:
        """What both say of a value."""
        allowed = self._documents.allowed(key, value)
        assert self.accepts({key: value}) == allowed, (key, value)
        return allowed

    def of_type(self, kind: str) -> list[str]:
        """Keys of the integers or the strings."""
        return [key for key, of in self.properties.items() if of["type"] == kind]

    def bound(self, key: str, name: str) -> int:
        """A bound such as "minimum", which may stand beside a 0 or an empty text that is allowed too."""
        of = self.properties[key]
        return next(int(part[name]) for part in [of, *of.get("anyOf", [])] if name in part)


@pytest.fixture(scope="session")
def rules(documents: Documents) -> Rules:
    return Rules(documents)


@pytest.mark.parametrize(
    ("document", "accepted"),
    [
        ({}, True),
        ({"charge.max_a": 80, "mqtt.url": "mqtts://broker:8883", "wifi.sta_pass": PHRASE}, True),
        ({"charge.max": 80}, False),
        ({"charge": {"max_a": 80}}, False),
        ({"charge.max_a": "80"}, False),
        ({"charge.max_a": None}, False),
        ({"charge.max_a": 80.5}, False),
        ({"charge.max_a": False}, False),
        ({"mqtt.url": 5}, False),
        ([], False),
        (None, False),
        (5, False),
    ],
)
def test_a_document_is_an_object_of_known_settings_each_of_which_may_be_missing(
    rules: Rules, document: object, accepted: bool
) -> None:
    assert rules.accepts(document) == accepted


@settings(deadline=None)
@given(data=st.data())
def test_the_schema_accepts_exactly_the_numbers_that_are_allowed(rules: Rules, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(rules.of_type("integer")))
    low, high = rules.bound(key, "minimum"), rules.bound(key, "maximum")
    rules.allow(key, data.draw(st.one_of(INT32, st.integers(low - 2, high + 2), st.sampled_from([0, 1, -1]))))


def test_every_number_at_the_ends_of_its_range(rules: Rules, native_build: Path) -> None:
    for key, row in number_rows(native_build).items():
        for number in (row.low - 1, row.low, row.low + 1, row.high - 1, row.high, row.high + 1, 0):
            assert rules.allow(key, number) == row.allows(number)


ANY = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=70)
"""No NUL: a text of the C code ends there, so who reads JSON has to refuse it."""
NAMES = st.text("aZ09-_., /@\n\x7f\u00e9", max_size=34)
URLS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["mqtt://", "mqtts://", "MQTT://", "http://", "mqtt:/", ""]),
    st.sampled_from(HOSTS),
    st.sampled_from(PORTS),
    st.sampled_from(["", "/", "//", "/topic", "\n", " "]),
)
PEMS = st.builds(
    "{}{}".format,
    st.sampled_from(["-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----", "\n-----BEGIN CERTIFICATE-----", ""]),
    st.one_of(st.text("aZ09+/=-\r\n", max_size=50), ANY, st.just("x" * 4069), st.just("x" * 4070)),
)


@settings(deadline=None)
@given(text=st.one_of(ANY, NAMES, URLS, PEMS, st.text(" ~a", max_size=260)))
@example(text="")
@example(text="\n")
@example(text="abc\n")
@example(text="mqtt://broker\n")
@example(text="mqtt://broker:65535")
@example(text=PEM)
def test_the_schema_accepts_exactly_the_texts_that_are_allowed(rules: Rules, text: str) -> None:
    for key in rules.of_type("string"):
        rules.allow(key, text)


@pytest.mark.parametrize("key", ["id.manufacturer", "id.battery_name", "wifi.sta_pass", "wifi.ap_ssid", "net.device"])
def test_texts_at_the_ends_of_their_lengths(rules: Rules, key: str) -> None:
    for length in (rules.bound(key, "minLength"), rules.bound(key, "maxLength")):
        assert rules.allow(key, "x" * length)
    assert not rules.allow(key, "x" * (rules.bound(key, "maxLength") + 1))


@pytest.mark.parametrize("host", HOSTS)
def test_hosts_and_ports_of_an_address(rules: Rules, host: str) -> None:
    for port in PORTS:
        number = re.fullmatch(":([1-9][0-9]*)", port)
        good_port = port == "" or (number is not None and int(number[1]) < 65536)
        assert rules.allow("mqtt.url", f"mqtts://{host}{port}") == (host in GOOD_HOSTS and good_port), (host, port)


def test_the_factory_values_are_the_defaults_of_the_schema_and_are_allowed(documents: Documents, rules: Rules) -> None:
    values = documents.read(VALUES)["settings"]
    defaults = {key: of["default"] for key, of in rules.properties.items() if "default" in of}
    secrets = {key for key, of in rules.properties.items() if of.get("writeOnly")}
    assert rules.accepts(defaults)
    assert secrets == {"wifi.sta_pass", "wifi.ap_pass"}
    assert set(defaults) | secrets == set(rules.properties) == set(values)
    for key, value in values.items():
        if "factory" in value:
            assert value["factory"] == defaults[key]


def test_what_is_saved_and_what_is_in_effect_are_two_things(pure: Pure) -> None:
    documents = Documents(pure)
    documents.save("charge.max_a", 80)
    documents.save("id.family", 'Ga"ra\\ge')
    documents.save("mqtt.url", "mqtt://broker")
    values = documents.read(VALUES)
    assert (values["unconfirmed"], values["restricted"]) == (False, True)
    assert values["settings"]["charge.max_a"] == {"value": 0, "saved": 80, "factory": 0}
    assert values["settings"]["id.family"] == {"value": "TinyBMS", "saved": 'Ga"ra\\ge', "factory": "TinyBMS"}
    assert values["settings"]["mqtt.url"] == {"value": "", "saved": "mqtt://broker", "factory": ""}


def test_of_a_secret_only_whether_it_is_set_and_of_a_long_text_its_length_and_checksum(pure: Pure) -> None:
    documents = Documents(pure)
    before = documents.read(VALUES)["settings"]
    assert before["wifi.sta_pass"] == {"set": False}
    assert before["mqtt.ca"] == {"length": 0, "crc32": 0}
    documents.save("wifi.sta_pass", PHRASE)
    documents.save("mqtt.ca", PEM)
    after = documents.read(VALUES)["settings"]
    assert after["wifi.sta_pass"] == {"set": True}
    assert after["mqtt.ca"] == {"length": len(PEM), "crc32": zlib.crc32(PEM.encode())}
    assert PHRASE not in documents.text(VALUES) + documents.text(SCHEMA) + documents.text(FORM)


def test_the_form_has_every_setting_once_in_the_group_that_its_key_names(documents: Documents, rules: Rules) -> None:
    groups = documents.read(FORM)["groups"]
    fields = [field for group in groups for field in group["fields"]]
    assert sorted(field["key"] for field in fields) == sorted(rules.properties)
    for group in groups:
        assert group["title"]
        assert group["help"]
        assert {field["key"].split(".")[0] for field in group["fields"]} == {group["id"]}


def test_a_field_of_the_form_says_what_the_schema_says(documents: Documents, rules: Rules) -> None:
    types = {
        "alarm.blocked": "switch",
        "web.read_open": "switch",
        "wifi.ap_pass": "secret",
        "wifi.sta_pass": "secret",
        "mqtt.ca": "long_text",
    }
    for field in (field for group in documents.read(FORM)["groups"] for field in group["fields"]):
        key = field["key"]
        of = rules.properties[key]
        number = of["type"] == "integer"
        assert field["type"] == types.get(key, "number" if number else "text")
        assert field["min"] == rules.bound(key, "minimum" if number else "minLength")
        assert field["max"] == rules.bound(key, "maximum" if number else "maxLength")
        assert field["step"] == (of.get("multipleOf", 1) if number else None)
        assert field["zero_means"] == (of["anyOf"][0]["title"] if number and "anyOf" in of else None)
        assert field["may_be_empty"] == (not number and "anyOf" in of)
        assert (field["label"], field["unit"], field["applies"]) == (of["title"], of.get("x-unit"), of["x-applies"])
