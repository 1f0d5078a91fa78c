"""Mistakes made on purpose in the pure components: how many, and how many of them the unit tests notice."""

from pathlib import Path

import pytest

from support.instruments import mutation
from support.instruments.figures import Figures
from tinybms_gateway.gateway_process import build_dir


@pytest.mark.parametrize("component", mutation.COMPONENTS)
def test_mistakes_are_noticed(figures: Figures, component: str, tmp_path: Path) -> None:
    outcome = mutation.of_component(build_dir(), component, tmp_path / "programs").run()
    title = f"mutants of {component.replace('_', ' ')}"
    figures.add(f"mutation_{component}", title, len(outcome.caught) + len(outcome.survived), "")
    figures.add(f"mutation_{component}_caught", f"{title} that the unit tests notice", 100 * outcome.score, "%",
                at_least=100 * mutation.COMPONENTS[component].least)  # fmt: skip
