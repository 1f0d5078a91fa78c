"""The description of the REST interface is valid, complete, and says what the sources say."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from support.instruments.openapi import description

ERRORS = {"400", "403", "404", "405", "408", "411", "413", "414", "421", "431", "500", "501", "503", "505"}
OPEN = {"/", "/{file}", "/api/v1/status", "/api/v1/session", "/api/v1/setup"}
"""Paths without which nobody could set a gateway up, or log in."""
SECURED = {"Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options", "X-Frame-Options", "Cache-Control"}
METHODS = {"get", "head", "post", "put", "patch", "delete"}
SESSION, TOKEN = {"session": []}, {"token": []}
CHANGE = {"session": [], "csrf": []}


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return description()


def operations(api: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in api["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


def everywhere(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in it, with its JSON pointer."""
    yield pointer, value
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from everywhere(below, f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}")


def enumeration(header: Path, prefix: str) -> list[str]:
    """Names of a C enumeration in their order, without prefix, in lower case."""
    names = re.findall(rf"^    {prefix}([A-Z_]+)(?: = 0)?,", header.read_text(encoding="utf-8"), re.MULTILINE)
    return [name.lower() for name in names if name != "COUNT"]


def test_it_is_valid(api: dict[str, Any]) -> None:
    assert not [error.message for error in OpenAPIV31SpecValidator(api).iter_errors()]


def test_no_comma_has_split_a_text(api: dict[str, Any]) -> None:
    """In ``{description: this, that}`` YAML makes a key of what follows the comma."""
    assert not [path for path, value in everywhere(api) if value is None and "/example" not in path]


def test_every_operation_names_every_error(api: dict[str, Any]) -> None:
    for name, operation in operations(api):
        assert operation["responses"].keys() >= ERRORS, name


def test_every_path_that_is_read_but_the_websocket_answers_head(api: dict[str, Any]) -> None:
    assert all(set(item) <= METHODS for item in api["paths"].values())
    assert [path for path, item in api["paths"].items() if ("get" in item) != ("head" in item)] == ["/ws"]


def test_every_operation_says_who_may_do_it(api: dict[str, Any]) -> None:
    """Reading: who shows who he is, or anybody at all by a setting. Changing: never without one or the other."""
    allowed: dict[str, set[str]] = {}
    for name, operation in operations(api):
        method, _, path = name.partition(" ")
        needs = operation.get("security", api["security"])
        assert (path in OPEN and method != "delete") == (needs == []), name
        if needs:
            assert "401" in operation["responses"], name
            assert needs in (
                [[SESSION, TOKEN, {}], [SESSION, TOKEN], [SESSION]]
                if method in ("get", "head")
                else [[CHANGE, TOKEN, {}], [CHANGE, TOKEN], [CHANGE]]
            ), name
        allowed.setdefault(json.dumps(needs), set()).add(name)
    assert allowed[json.dumps([CHANGE, TOKEN, {}])] == {"post /api/v1/bms/registers/plan"}, "which changes nothing"


def test_a_change_names_its_body_and_what_is_wrong_with_another_one(api: dict[str, Any]) -> None:
    for name, operation in operations(api):
        changes = name.partition(" ")[0] in ("post", "put", "patch")
        assert changes == ("requestBody" in operation), name
        assert not changes or operation["responses"].keys() >= {"415", "422"}, name


def test_every_answer_has_the_headers_that_browsers_heed(api: dict[str, Any]) -> None:
    for name, answer in api["components"]["responses"].items():
        assert answer["headers"].keys() >= SECURED, name


def test_who_has_to_come_later_is_told_when(api: dict[str, Any]) -> None:
    for _, operation in operations(api):
        for status in {"429", "503"} & operation["responses"].keys():
            if "$ref" in operation["responses"][status]:
                answer = api["components"]["responses"][operation["responses"][status]["$ref"].rpartition("/")[2]]
                assert answer["headers"]["Retry-After"] == {"$ref": "#/components/headers/RetryAfter"}


def test_nothing_is_described_that_is_not_used(api: dict[str, Any]) -> None:
    used = {value for path, value in everywhere(api) if path.endswith("/$ref")}
    used |= {
        f"#/components/securitySchemes/{scheme}"
        for _, operation in operations(api)
        for way in operation.get("security", api["security"])
        for scheme in way
    }
    there = {f"#/components/{kind}/{name}" for kind, of_kind in api["components"].items() for name in of_kind}
    assert there - used == {"#/components/schemas/WebSocketMessage"}


def test_every_object_requires_what_it_has(api: dict[str, Any]) -> None:
    """The gateway always sends all members."""
    for path, value in everywhere(api["components"]["schemas"]):
        if isinstance(value, dict) and value.get("type") == "object" and "properties" in value:
            optional = set(value["properties"]) - set(value.get("required", ()))
            assert not optional, (path, optional)


def test_every_example_is_one(api: dict[str, Any]) -> None:
    whole = Registry().with_resource("urn:api", Resource.from_contents(api, default_specification=DRAFT202012))
    tried = 0
    for pointer, value in everywhere(api):
        schemas_and_examples = []
        if isinstance(value, dict) and "schema" in value and "example" in value:
            schemas_and_examples = [(f"{pointer}/schema", value["example"])]
        elif pointer.startswith("/components/schemas/") and isinstance(value, dict):
            schemas_and_examples = [(pointer, example) for example in value.get("examples", ())]
        for schema, example in schemas_and_examples:
            errors = Draft202012Validator({"$ref": f"urn:api#{schema}"}, registry=whole).iter_errors(example)
            assert not [error.message for error in errors], schema
            tried += 1
    assert tried > 20


def test_the_words_are_those_of_the_sources(root: Path, api: dict[str, Any]) -> None:
    schemas, state = api["components"]["schemas"], root / "components/battery_model/include/battery_state.h"
    assert schemas["LimitReason"]["enum"] == enumeration(state, "BATTERY_REASON_")
    assert schemas["AlarmId"]["enum"] == enumeration(state, "BATTERY_ALARM_")[: len(schemas["AlarmId"]["enum"])]
    assert schemas["BatteryStatus"]["enum"] == enumeration(state, "BATTERY_STATUS_")
    messages = root / "components/event_bus/include/event_bus_messages.h"
    assert schemas["CanState"]["enum"] == enumeration(messages, "EVENT_BUS_CAN_")


def test_the_units_are_those_of_the_registers(root: Path, api: dict[str, Any]) -> None:
    table = json.loads((root / "tools/tinybms_gateway/bms/tinybms_registers.json").read_text(encoding="utf-8"))
    assert api["components"]["schemas"]["RegisterUnit"]["enum"] == sorted(
        {entry["unit"] for entry in table["registers"]}
    )


def test_the_counters_are_those_of_the_session(root: Path, api: dict[str, Any]) -> None:
    header = (root / "components/tinybms/include/tinybms_session.h").read_text(encoding="utf-8")
    fields = re.findall(
        r"uint32_t (\w+);", header.partition("they wrap at 2^32.")[2].partition("tinybms_counters_t")[0]
    )
    assert len(fields) > 10
    assert api["components"]["schemas"]["Uart"]["required"][2:-2] == fields
