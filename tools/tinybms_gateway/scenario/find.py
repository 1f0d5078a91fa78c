"""Scenario files: where they are, and how to read one."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tinybms_gateway.gateway_process import ROOT
from tinybms_gateway.plain_yaml import parse_yaml
from tinybms_gateway.scenario.expectations import scenario_rules
from tinybms_gateway.scenario.model import Scenario

DIRECTORY = Path("test/scenarios")
LARGEST_BYTES = 64 * 1024


def scenario_paths(root: Path = ROOT) -> dict[str, Path]:
    """The scenarios of the source tree by their names."""
    return {path.stem: path for path in sorted((root / DIRECTORY).glob("*.yaml"))}


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read a scenario of the source tree by its name, or any other by the path of its file.

    Raises:
        ValueError: it is missing or invalid; one line that names the file, the place in it and what is allowed.
    """
    known = scenario_paths()
    text = str(name_or_path)
    if text in known:
        return read_scenario(known[text])
    if not text.endswith((".yaml", ".yml")) and "/" not in text:
        raise ValueError(f"scenario '{text}': give one of {', '.join(known) or 'none here'}, or the path of a file")
    return read_scenario(Path(text))


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ValueError: as for `load_scenario`.
    """
    document = _load(path)
    if not isinstance(document, dict):
        raise ValueError(f"{path}: must hold keys and values; the keys are {', '.join(_keys())}")
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
        raise ValueError(f"{path}: larger than {LARGEST_BYTES // 1024} kB; this is not a scenario")
    try:
        return parse_yaml(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _first(error: ValidationError) -> str:
    """The first problem: where, and what is allowed."""
    problem = error.errors(include_url=False)[0]
    kinds = ("always", "after", "order", "course", "agree", "pause", "energy")
    where = ".".join(str(part) for part in problem["loc"] if part not in kinds and part not in ("str", "int", "float"))
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "not a known key; check the spelling"
    return f"{where}: {message}" if where else message
