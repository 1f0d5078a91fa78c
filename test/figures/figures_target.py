"""What the pure components need of a small chip: exact, the same on every machine."""

from pathlib import Path

from support.instruments import target
from support.instruments.figures import Figures
from support.instruments.stack_graph import StackGraph
from support.instruments.target import CHIPS, RV32, Measured

STAGES = {
    "request": "asking for the live block",
    "answer": "answer -> snapshot",
    "state": "snapshot -> state",
    "schedule": "state -> schedule",
    "frames": "state -> all frames",
}


def test_instructions_of_one_cycle(figures: Figures, real_dump: Path, tmp_path: Path) -> None:
    counted = target.cycle_on_rv32(real_dump, tmp_path).instructions
    for name, title in STAGES.items():
        figures.add(f"rv32_{name}", f"rv32, {title}", counted[name], "instructions")
    figures.add("rv32_cycle", "rv32, one poll cycle", counted["cycle"], "instructions", at_most=49_999)


def test_sizes_and_stacks(figures: Figures, tmp_path: Path) -> None:
    for chip in CHIPS:
        measured = Measured(chip, tmp_path)
        limited = chip is RV32
        for component, size in measured.sizes.items():
            for section in ("text", "rodata", "data", "bss"):
                figures.add(f"{chip.name}_{component}_{section}", f"{chip.name}, {component}, .{section}",
                            getattr(size, section), "bytes", detail=True)  # fmt: skip
        graph = StackGraph(measured.call_graphs)
        stack, way = max(graph.worst(function) for function in graph.public)
        state = sum(measured.state_bytes.values())
        figures.add(f"{chip.name}_flash", f"{chip.name}, flash of the pure components", measured.total.flash, "bytes",
                    at_most=51 * 1024 - 1 if limited else None)  # fmt: skip
        figures.add(f"{chip.name}_state", f"{chip.name}, state of one gateway", state, "bytes")
        figures.add(f"{chip.name}_stack", f"{chip.name}, worst stack ({way[0]})", stack, "bytes")
        figures.add(f"{chip.name}_ram", f"{chip.name}, RAM: static, state and worst stack",
                    measured.total.static_ram + state + stack, "bytes",
                    at_most=8 * 1024 - 1 if limited else None)  # fmt: skip
