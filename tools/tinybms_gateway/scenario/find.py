"""Scenario files: where they are, and how one is read."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tinybms_gateway.gateway.gateway_impl import ROOT
from tinybms_gateway.scenario.expectations import scenario_rules
from tinybms_gateway.scenario.model import Scenario

DIRECTORY = Path("test/scenarios")
LARGEST_BYTES = 64 * 1024
DEEPEST = 12


def scenario_paths(root: Path = ROOT) -> dict[str, Path]:
    """The scenarios of the source tree by their names."""
    return {path.stem: path for path in sorted((root / DIRECTORY).glob("*.yaml"))}


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read a scenario of the source tree by its name, or any other by the path of its file.

    Raises:
        ValueError: there is none, or it is not one; one line that names the file, the place in it and what is allowed.
    """
    known = scenario_paths()
    text = str(name_or_path)
    if text in known:
        return read_scenario(known[text])
    if not text.endswith((".yaml", ".yml")) and "/" not in text:
        raise ValueError(f"scenario '{text}': there are {', '.join(known) or 'none here'}; or give the path of a file")
    return read_scenario(Path(text))


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ValueError: as for `load_scenario`.
    """
    document = _load(path)
    if not isinstance(document, dict):
        raise ValueError(f"{path}: must hold keys and values; there are {', '.join(_keys())}")
    if "name" in document:
        raise ValueError(f"{path}: name: not a key; the name of a scenario is that of its file")
    try:
        scenario = Scenario.model_validate({**document, "name": path.name.removesuffix(path.suffix)})
        scenario_rules(scenario)
    except ValidationError as error:
        raise ValueError(f"{path}: {_first(error)}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return scenario


def _keys() -> list[str]:
    return [name for name in Scenario.model_fields if name != "name"]


def _load(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    if len(content) > LARGEST_BYTES:
        raise ValueError(f"{path}: larger than {LARGEST_BYTES // 1024} kB; this is no scenario")
    try:
        return yaml.load(content.decode("utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = ", ".join(text for text in (error.context, error.problem) if text)
        raise ValueError(f"{path}: {where}{what}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, no such date
        raise ValueError(f"{path}: not YAML: {error}") from error


class _Loader(yaml.SafeLoader):
    """Plain data only: no anchors, no key twice, not nested deeper than a scenario can be."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(
                problem="anchors and aliases are not allowed; write the values out", problem_mark=event.start_mark
            )
        if self._depth == DEEPEST:
            raise yaml.MarkedYAMLError(
                problem=f"nested deeper than {DEEPEST}; this is no scenario", problem_mark=event.start_mark
            )
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(problem="a key must be plain text", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"key '{key.value}' is there twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _first(error: ValidationError) -> str:
    """The first problem: where, and what is allowed."""
    problem = error.errors(include_url=False)[0]
    kinds = ("always", "after", "order", "course", "agree", "pause", "energy")
    where = ".".join(str(part) for part in problem["loc"] if part not in kinds and part not in ("str", "int", "float"))
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "not known; look for a slip of the pen"
    return f"{where}: {message}" if where else message
