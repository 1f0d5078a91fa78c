"""Scenarios for people: one line or one section of Markdown for each."""

import textwrap
from collections.abc import Iterator

from tinybms_gateway.scenario.expectations import expectation_rules
from tinybms_gateway.scenario.find import read_scenario, scenario_paths
from tinybms_gateway.scenario.model import GxStep, Ramp, Scenario, Step

BUS = "socketcan:can0"
WIDTH = 150
"""Of paragraphs, characters."""


def all_scenarios() -> list[Scenario]:
    """Those of the source tree.

    Raises:
        ValueError: one of them is invalid; says where.
    """
    return [read_scenario(path) for path in scenario_paths().values()]


def titles() -> str:
    """Name and title of each.

    Raises:
        ValueError: as for `all_scenarios`.
    """
    return "\n".join(f"{scenario.name:16} {scenario.title}" for scenario in all_scenarios())


def section(scenario: Scenario) -> list[str]:
    """Lines of Markdown: its purpose, what happens, what must be seen, and how to capture and verify it."""
    repeats = f", repeated after {scenario.repeat_after_s:g} s" if scenario.repeat_after_s else ""
    lines = [
        f"### `{scenario.name}`: {scenario.title}",
        "",
        *textwrap.wrap(
            f"{scenario.purpose} A capture takes {scenario.duration_s:g} s{repeats}. Source: {scenario.source}.",
            WIDTH,
        ),
        "",
        *_table("at", "simulator", "by hand", rows=_step_rows(scenario)),
        "",
    ]
    if scenario.values:
        numbers = ", ".join(f"{name} {value:g}" for name, value in scenario.values.items())
        text = f"Numbers of the simulated battery: {numbers}. Change them for another battery (`values` in the file)."
        lines += [*textwrap.wrap(text, WIDTH), ""]
    lines += _table("id", "what must be seen", "exactly", "source", rows=_expectation_rows(scenario))
    lines += ["", *_waived(scenario)]
    return [*lines, *_commands(scenario)]


def _table(*header: str, rows: Iterator[tuple[str, ...]]) -> list[str]:
    return [_row(*header), _row(*["---"] * len(header)), *(_row(*row) for row in rows)]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") or "-" for cell in cells) + " |"


def _step_rows(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    parts: list[Step | GxStep] = sorted([*scenario.steps, *scenario.gx], key=lambda part: part.at)
    for part in parts:
        does = _gx_does(part) if isinstance(part, GxStep) else "; ".join(_step_does(part))
        yield f"{part.at:g} s", does, part.by_hand


def _gx_does(step: GxStep) -> str:
    return f"the GX sends {'its' if step.keepalive else 'no'} keepalive"


def _step_does(step: Step) -> Iterator[str]:
    yield from (f"{name} {value:g}" for name, value in step.set.items())
    yield from (_ramp_does(name, ramp) for name, ramp in step.ramp.items())
    yield from (f"line: {name} {value:g}" for name, value in step.line.items())
    for what, event in (("event", step.event), ("recovered by", step.recover), ("fault", step.fault)):
        if event is not None:
            yield f"{what} 0x{event:02X}"


def _ramp_does(name: str, ramp: Ramp) -> str:
    return f"{name} from {ramp.start:g} to {ramp.to:g} in {ramp.for_s:g} s"


def _expectation_rows(scenario: Scenario) -> Iterator[tuple[str, ...]]:
    for rule in expectation_rules(scenario):
        yield f"`{rule.id}`", rule.sentence, rule.limit(), rule.source


def _waived(scenario: Scenario) -> list[str]:
    if not scenario.waives:
        return []
    why = "; ".join(f"`{pattern}` ({reason})" for pattern, reason in scenario.waives.items())
    return [f"Protocol rules that do not count here: {why}.", ""]


def _commands(scenario: Scenario) -> list[str]:
    log = f"{scenario.name}.log"
    seconds = f"{scenario.duration_s:g}"
    return [
        "```bash",
        f"tinybms-gw demo --scenario {scenario.name} --seconds {seconds} --capture {log}   # without hardware; or",
        f"tinybms-gw can capture --can {BUS} --seconds {seconds} -o {log}   # on the bench",
        f"tinybms-gw can verify {log} --scenario {scenario.name}",
        "```",
    ]
