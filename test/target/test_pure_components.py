"""Instructions, flash, RAM and stack that the pure components need of a small chip, against the limits."""

import re
from pathlib import Path

import pytest

from support.instruments import target
from support.instruments.stack_graph import INDIRECT_CALLS, LIBRARY_STACK, OUTSIDE, StackGraph
from support.instruments.target import CHIPS, RV32, Cycle, Measured

INSTRUCTIONS_MAX = 50_000
FLASH_MAX = 51 * 1024
"""48 kB for all but the gate of writes (`tinybms_write_gate.c`, 1.8 kB), without which a slip could loosen a limit, and
what the network shows and changes while the gateway runs (1 kB)."""
RAM_MAX = 8 * 1024


@pytest.fixture(scope="module")
def rv32_cycle(real_dump: Path, tmp_path_factory: pytest.TempPathFactory) -> Cycle:
    return target.cycle_on_rv32(real_dump, tmp_path_factory.mktemp("cycle"))


@pytest.fixture(scope="module", params=CHIPS, ids=lambda chip: chip.name)
def measured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return Measured(request.param, tmp_path_factory.mktemp("pure"))


def test_one_poll_cycle_stays_below_50000_instructions(rv32_cycle: Cycle) -> None:
    stages = {name: count for name, count in rv32_cycle.instructions.items() if name != "cycle"}
    assert set(stages) == {"request", "answer", "state", "schedule", "frames"}
    assert min(stages.values()) > 100
    assert sum(stages.values()) == rv32_cycle.instructions["cycle"] < INSTRUCTIONS_MAX


def test_the_count_of_instructions_is_repeatable(rv32_cycle: Cycle, real_dump: Path, tmp_path: Path) -> None:
    assert target.cycle_on_rv32(real_dump, tmp_path) == rv32_cycle


def test_rv32_makes_the_frames_that_linux_makes(rv32_cycle: Cycle, real_dump: Path, tmp_path: Path) -> None:
    assert rv32_cycle.frames == target.cycle_on_linux(real_dump, tmp_path).frames
    # By the protocol, from the registers: 14 cells x 4.075 V (float), a tenth of 18 A and of 54 A, 14 x 3.000 V; 84 %,
    # 55.78 V.
    assert rv32_cycle.frames[0x351] == bytes.fromhex("3A02 1200 3600 A401")
    assert rv32_cycle.frames[0x355][:2] == (84).to_bytes(2, "little")
    assert rv32_cycle.frames[0x356][:2] == (5578).to_bytes(2, "little")


def test_flash_stays_below_51_kb(measured: Measured) -> None:
    assert 0 < measured.total.flash < FLASH_MAX


def test_ram_stays_below_8_kb(measured: Measured) -> None:
    """Static data, the state of one gateway (state.c), and the stack of the deepest call."""
    graph = StackGraph(measured.call_graphs)
    stack = max(graph.worst(function)[0] for function in graph.public)
    assert measured.total.static_ram + sum(measured.state_bytes.values()) + stack < RAM_MAX


def test_pure_components_have_no_static_data(measured: Measured) -> None:
    assert {name: size.static_ram for name, size in measured.sizes.items() if size.static_ram} == {}


def test_every_public_function_has_a_stack_without_recursion(measured: Measured) -> None:
    graph = StackGraph(measured.call_graphs)
    assert all(re.match(r"(mem|str)\w+$|__\w+$", name) for name in graph.libraries), graph.libraries
    worst = {function: graph.worst(function) for function in graph.public}
    for caller in (name for name, pattern in INDIRECT_CALLS.items() if pattern != OUTSIDE):
        assert any(name.startswith("victron_pgn_encode_") for name in worst[caller][1]), worst[caller]
        assert worst[caller][0] > max(depth for name, (depth, _) in worst.items() if name.startswith("victron_pgn_enc"))


def test_library_functions_need_less_stack_than_is_counted_for_them(
    real_dump: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Read off the code of the linked program; what a library function calls in turn is counted with it."""
    graph = StackGraph(Measured(RV32, tmp_path_factory.mktemp("pure")).call_graphs)
    program = target.build_cycle(real_dump, tmp_path, f"{RV32.prefix}gcc", *RV32.options, "--oslib=semihost",
                                 "--crt0=semihost", *target.MEMORY_OF_QEMU)  # fmt: skip
    frames = library_frames(target.run(f"{RV32.prefix}objdump", "-d", "--no-show-raw-insn", program))
    used = graph.libraries & set(frames)
    assert {"memcpy", "memset", "__divdi3"} <= used
    for function in used:
        own, calls = frames[function]
        below = max((frames[callee][0] for callee in calls if callee in frames), default=0)
        assert own + below < LIBRARY_STACK, function


def library_frames(disassembly: str) -> dict[str, tuple[int, set[str]]]:
    """Stack that each function takes, and what it calls."""
    found: dict[str, tuple[int, set[str]]] = {}
    for head, body in re.findall(r"^[0-9a-f]+ <([^>]+)>:\n((?:.+\n)+)", disassembly, re.MULTILINE):
        taken = sum(int(bytes_) for bytes_ in re.findall(r"addi\s+sp,sp,-(\d+)", body))
        found[head] = (taken, set(re.findall(r"jalr?\s.*<([^>+]+)>", body)) - {head})
    return found


@pytest.mark.parametrize(
    ("graph", "complaint"),
    [
        ('node: { title: "f" label: "f\\nx.c:1\\n8 bytes (dynamic)" }\n', "no fixed size"),
        (
            'node: { title: "f" label: "f\\nx.c:1\\n8 bytes (static)" }\n'
            'edge: { sourcename: "f" targetname: "f" label: "x.c:2" }\n',
            "recursion: f -> f",
        ),
        (
            'node: { title: "f" label: "f\\nx.c:1\\n8 bytes (static)" }\n'
            'edge: { sourcename: "f" targetname: "__indirect_call" label: "x.c:2" }\n',
            "name its targets",
        ),
    ],
    ids=["stack that grows", "recursion", "unknown pointer"],
)
def test_a_stack_that_cannot_be_told_is_an_error(tmp_path: Path, graph: str, complaint: str) -> None:
    (tmp_path / "x.ci").write_text(graph)
    with pytest.raises(ValueError, match=complaint):
        StackGraph([tmp_path / "x.ci"]).worst("f")


def test_the_deepest_way_counts(tmp_path: Path) -> None:
    (tmp_path / "x.ci").write_text(
        'node: { title: "f" label: "f\\nx.c:1\\n8 bytes (static)" }\n'
        'node: { title: "x.c:g" label: "g\\nx.c:5\\n16 bytes (static)" }\n'
        'node: { title: "x.c:h" label: "h\\nx.c:9\\n200 bytes (static)" }\n'
        'node: { title: "memcpy" label: "__builtin_memcpy\\n<built-in>" shape : ellipse }\n'
        'edge: { sourcename: "f" targetname: "x.c:g" }\nedge: { sourcename: "f" targetname: "x.c:h" }\n'
        'edge: { sourcename: "x.c:g" targetname: "memcpy" }\n'
    )
    graph = StackGraph([tmp_path / "x.ci"])
    assert graph.public == ["f"]
    assert graph.worst("f") == (8 + 200, ["f", "x.c:h"])
    assert graph.worst("x.c:g") == (16 + LIBRARY_STACK, ["x.c:g", "memcpy"])
