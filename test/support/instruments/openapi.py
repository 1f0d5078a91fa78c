"""docs/openapi.yaml as a judge of answers."""

from copy import deepcopy
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
    judge = Draft202012Validator({"$ref": f"urn:api#/components/schemas/{schema}"}, registry=_closed())
    return [f"{error.json_path}: {error.message[:200]}" for error in judge.iter_errors(value)]


def schema_of(path: str) -> str:
    """Name of the schema of a path's good answer in JSON."""
    response = description()["paths"][path]["get"]["responses"]["200"]["$ref"].rpartition("/")[2]
    content = description()["components"]["responses"][response]["content"]
    return str(next(iter(content.values()))["schema"]["$ref"].rpartition("/")[2])
