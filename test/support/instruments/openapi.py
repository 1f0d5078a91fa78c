"""docs/openapi.yaml as a judge of answers."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from support import ROOT


@lru_cache(maxsize=1)
def description() -> dict[str, Any]:
    """The file; not to be changed."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text(encoding="utf-8"))
    return loaded


def close(schema: Any) -> None:
    """Change a schema: objects have no members but those described. Clients must bear more; the gateway has none."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for name, below in schema.items():
            for each in below.values() if name == "properties" and isinstance(below, dict) else [below]:
                close(each)
    elif isinstance(schema, list):
        for below in schema:
            close(below)


@lru_cache(maxsize=1)
def _closed() -> Registry[Any]:
    whole = deepcopy(description())
    for schema in whole["components"]["schemas"].values():
        close(schema)
    return Registry().with_resource("urn:api", Resource.from_contents(whole, default_specification=DRAFT202012))


def problems(schema: str, value: Any) -> list[str]:
    """What is wrong with a value; empty: nothing.

    Args:
        schema: name in the components, such as ``State``
        value: parsed JSON
    """
    return _errors(f"/components/schemas/{schema}", value)


@dataclass(frozen=True)
class Change:
    """An operation that is not for reading, with a body that it takes."""

    method: str
    path: str
    body: Any
    """None: nothing."""
    open: bool
    """Anybody may ask for it."""
    by_token: bool
    """Also a token."""


def changes() -> list[Change]:
    """All that are described, with the examples of their bodies."""
    whole = description()
    found = []
    for path, item in whole["paths"].items():
        for method, operation in item.items():
            if method not in ("get", "head"):
                needs = operation.get("security", whole["security"])
                name = operation.get("requestBody", {}).get("$ref", "").rpartition("/")[2]
                body = _example(whole["components"]["requestBodies"][name]) if name else None
                by_token = {"token": []} in needs
                found.append(Change(method.upper(), path.replace("{name}", "nobody"), body, needs == [], by_token))
    return found


def _example(body: dict[str, Any]) -> Any:
    content = body["content"]["application/json"]
    if "example" in content:
        return content["example"]
    schema = description()["components"]["schemas"].get(content["schema"].get("$ref", "").rpartition("/")[2], {})
    return schema.get("examples", [None])[0]


def faults(method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
    """What is wrong with an answer: its status, its headers, its body; empty: it is as described.

    Args:
        method: of the request
        path: as it stands in the description, such as ``/api/v1/tokens/{name}``
        status: of the answer
        headers: of the answer; names without regard to case
        body: of the answer
    """
    described = description()["paths"][path][method.lower()]["responses"].get(str(status))
    if described is None:
        return [f"{status} is not described: {body[:200]!r}"]
    if "$ref" not in described:
        return []
    pointer = described["$ref"].removeprefix("#")
    answer = description()["components"]["responses"][pointer.rpartition("/")[2]]
    found = [f"no header {name}" for name in answer["headers"] if name not in headers and _required(answer, name)]
    for name, header in answer["headers"].items():
        schema = f"{header['$ref'].removeprefix('#')}/schema"
        if name in headers:
            found += [f"{name}: {error}" for error in _errors(schema, headers[name])]
    kind = headers.get("Content-Type", "").partition(";")[0]
    if kind not in answer.get("content", {"": {}}) and method != "HEAD":
        found.append(f"{kind or 'no type'} is not described")
    elif kind.endswith("json"):
        escaped = kind.replace("/", "~1")
        found += _errors(f"{pointer}/content/{escaped}/schema", json.loads(body))
    elif not answer.get("content") and body:
        found.append("a body where there is none")
    return found


def _required(answer: dict[str, Any], name: str) -> bool:
    header = answer["headers"][name]["$ref"].rpartition("/")[2]
    return bool(description()["components"]["headers"][header].get("required", False))


def _errors(pointer: str, value: Any) -> list[str]:
    judge = Draft202012Validator({"$ref": f"urn:api#{pointer}"}, registry=_closed())
    return [f"{error.json_path}: {error.message[:200]}" for error in judge.iter_errors(value)]


def schema_of(path: str) -> str:
    """Name of the schema of a path's good answer in JSON."""
    response = description()["paths"][path]["get"]["responses"]["200"]["$ref"].rpartition("/")[2]
    content = description()["components"]["responses"][response]["content"]
    return str(next(iter(content.values()))["schema"]["$ref"].rpartition("/")[2])
