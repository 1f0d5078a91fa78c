"""Fuzzing, 60 s for each target, with the address and undefined-behaviour sanitizers."""

import pytest

from support.instruments.figures import Figures
from support.instruments.fuzzing import FUZZ, fuzz, targets
from tinybms_gateway.gateway_process import build_dir

SECONDS = 60


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", targets())
def test_nothing_crashes(figures: Figures, name: str) -> None:
    program = build_dir() / f"fuzz/fuzz/fuzz_{name}.elf"
    fuzzed = fuzz(program, SECONDS, FUZZ / "corpus" / name, FUZZ / "regressions" / name)
    figures.add(f"fuzz_{name}_rate", f"fuzzing, {name.replace('_', ' ')}", fuzzed.executions_per_second, "executions/s")
    figures.add(f"fuzz_{name}_edges", f"fuzzing, {name.replace('_', ' ')}, coverage", fuzzed.edges, "edges")
