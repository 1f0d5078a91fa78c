"""Whether the settings of a document are allowed by themselves, as the schema says that the gateway serves."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import referencing
from jsonschema import Draft202012Validator

from tinybms_gateway.api.error import NotAGatewayError, Problem
from tinybms_gateway.api.view import part
from tinybms_gateway.config.document import Document
from tinybms_gateway.foreign_text import shortened

SHOWN = 40


class Schema:
    """What may be set."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """`schema`: JSON Schema of an object of settings.

        Raises:
            NotAGatewayError: it cannot be used.
        """
        try:
            Draft202012Validator.check_schema(schema)
        except (jsonschema.SchemaError, RecursionError) as error:
            raise NotAGatewayError("its schema of the settings is none", "use the toolkit of its release") from error
        self._properties = part(schema, "properties")

    def unit(self, key: str) -> str:
        """Unit of a number; empty: none."""
        return shortened(str(self._of(key).get("x-unit") or ""))

    def is_secret(self, key: str) -> bool:
        """Its value is never shown."""
        return bool(self._of(key).get("writeOnly"))

    def check(self, document: Document) -> None:
        """Check each setting of a document.

        Raises:
            DocumentError: some are not allowed; all of them are named.
        """
        if problems := list(self._problems(document.values)):
            raise document.errors(problems)

    def _problems(self, values: Mapping[str, Any]) -> Iterator[Problem]:
        for key, value in values.items():
            if key not in self._properties:
                near = difflib.get_close_matches(key, self._properties, 1)
                yield Problem(f"/settings/{key}", "is not known" + (f"; is {near[0]} meant?" if near else ""))
            elif not self._allows(key, value):
                shown = "" if self.is_secret(key) else f", not {shortened(repr(value), SHOWN)}"
                yield Problem(f"/settings/{key}", f"must be {self._range(key)}{shown}")

    def _allows(self, key: str, value: object) -> bool:
        # The registry is empty: a schema must not make this program fetch another one from somewhere.
        judge = Draft202012Validator(self._of(key), registry=referencing.Registry())
        try:
            return bool(judge.is_valid(value))
        except Exception as error:  # whatever a strange schema does to the library
            raise NotAGatewayError(f"its schema of {key} cannot be used", "use the toolkit of its release") from error

    def _of(self, key: str) -> dict[str, Any]:
        found = self._properties.get(key)
        return found if isinstance(found, dict) else {}

    def _range(self, key: str) -> str:
        """What is allowed, in words."""
        of = self._of(key)
        others = of.get("anyOf")
        branches = [one for one in others if isinstance(one, dict)] if isinstance(others, list) else []
        parts = [of, *branches]
        number = of.get("type") == "integer"
        low, high = (_first(parts, name) for name in (("minimum", "maximum") if number else ("minLength", "maxLength")))
        unit = self.unit(key) if number else "characters"
        step = _first(parts, "multipleOf")
        steps = f" in steps of {step}" if step is not None else ""
        form = " of its form" if _first(parts, "pattern") is not None else ""
        instead = next((shortened(str(one["title"])) for one in branches if "title" in one), "")
        none = "0" if number else "empty"
        zero = (f", or {none}" + f" = {instead}" * bool(instead)) if any("const" in one for one in branches) else ""
        return f"{'a whole number,' if number else 'text of'} {low}..{high} {unit}".rstrip() + steps + form + zero


def _first(parts: list[dict[str, Any]], name: str) -> object:
    return next((part[name] for part in parts if name in part), None)
