"""The pure components on the instruction sets of small chips: built, measured and run. Stand-ins, not the ESP32."""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from crccheck.crc import CrcModbus

from support import ROOT

PICOLIBC = Path("/usr/lib/picolibc/riscv64-unknown-elf/include")
WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror")
MEASURED = (
    f"-fmacro-prefix-map={ROOT}=.",
    "-Os",
    "-ffunction-sections",
    "-fdata-sections",
    "-fstack-usage",
    "-fcallgraph-info=su",
)
QEMU = ("qemu-system-riscv32", "-M", "virt", "-bios", "none", "-display", "none", "-monitor", "none", "-serial", "none",
        "-chardev", "stdio,id=out", "-semihosting-config", "enable=on,target=native,chardev=out",
        "-icount", "shift=0", "-kernel")  # fmt: skip
MEMORY_OF_QEMU = tuple(
    f"-Wl,--defsym=__{name}={value}"
    for name, value in (("flash", 0x80000000), ("flash_size", 0x200000), ("ram", 0x80200000), ("ram_size", 0x200000))
)


def run(*command: str | Path, timeout: float = 120) -> str:
    """Run a tool; its standard output.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    ended = subprocess.run(
        [str(c) for c in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if ended.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def pure_components(root: Path = ROOT) -> list[str]:
    """Names of the pure components, from the one place that lists them."""
    match = re.search(r"set\(pure_components ([^)]*)\)", (root / "host/cmake/idf_component.cmake").read_text())
    assert match is not None
    return match[1].split()


def sources(component: str, root: Path = ROOT) -> list[Path]:
    """C files of a component, as its CMakeLists.txt lists them."""
    folder = root / "components" / component
    listed = re.findall(r'"([\w/]+\.c)"', (folder / "CMakeLists.txt").read_text())
    return [folder / name for name in listed]


def include_options(root: Path = ROOT) -> list[str]:
    folders = [root / "components" / name / sub for name in pure_components(root) for sub in ("include", "generated")]
    return [f"-I{folder}" for folder in folders if folder.is_dir()]


@dataclass(frozen=True)
class Size:
    """Bytes of a component: code, constants, and data with and without a start value."""

    text: int = 0
    rodata: int = 0
    data: int = 0
    bss: int = 0

    @property
    def flash(self) -> int:
        return self.text + self.rodata + self.data

    @property
    def static_ram(self) -> int:
        return self.data + self.bss

    def __add__(self, other: "Size") -> "Size":
        return Size(*(getattr(self, f) + getattr(other, f) for f in self.__dataclass_fields__))


def size_of(tool: str, *binaries: Path) -> Size:
    """Sum over object files or libraries, by section; what is only for the debugger and the unwinder is left out."""
    total: dict[str, int] = defaultdict(int)
    for line in run(tool, "-A", *binaries).splitlines():
        if match := re.match(r"(\.\S+)\s+(\d+)\s+\d+$", line):
            total[_kind(match[1])] += int(match[2])
    return Size(**{kind: total[kind] for kind in Size.__dataclass_fields__})


def _kind(section: str) -> str:
    """Which of the four a section belongs to; pointers that are constant but for relocation (.data.rel.ro) are constant
    on the chip, which does not relocate; literals of Xtensa are code.
    """
    for prefixes, kind in (
        ((".text", ".literal", ".iram1", ".xt.literal"), "text"),
        ((".rodata", ".srodata", ".data.rel.ro"), "rodata"),
        ((".data", ".sdata"), "data"),
        ((".bss", ".sbss", ".tbss"), "bss"),
    ):
        if section.startswith(prefixes):
            return kind
    return "other"


@dataclass(frozen=True)
class Chip:
    """An instruction set, with its compiler."""

    name: str
    prefix: str
    options: tuple[str, ...]

    def compile(self, source: Path, directory: Path, *options: str) -> Path:
        """Compile one file as the chip's build does; the object file. Stack and call graph are left beside it."""
        out = directory / f"{source.stem}.o"
        directory.mkdir(parents=True, exist_ok=True)
        run(f"{self.prefix}gcc", *self.options, *WARNINGS, *MEASURED, *include_options(), *options,
            "-c", source, "-o", out)  # fmt: skip
        return out

    def compile_pure(self, directory: Path) -> dict[str, list[Path]]:
        """Object files of each pure component."""
        return {
            name: [self.compile(source, directory / self.name / name) for source in sources(name)]
            for name in pure_components()
        }

    def size(self, objects: Iterable[Path]) -> Size:
        return size_of(f"{self.prefix}size", *objects)

    def symbol_sizes(self, binary: Path) -> dict[str, int]:
        lines = run(f"{self.prefix}nm", "-S", binary).splitlines()
        return {word[3]: int(word[1], 16) for line in lines if len(word := line.split()) == 4}


RV32 = Chip("rv32", "riscv64-unknown-elf-", ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"))
XTENSA = Chip("xtensa-lx106", "xtensa-lx106-elf-", ("-isystem", str(PICOLIBC)))  # Debian has no C library for it
CHIPS = (RV32, XTENSA)


class Measured:
    """The pure components built for one chip."""

    def __init__(self, chip: Chip, directory: Path) -> None:
        self.chip = chip
        self.objects = chip.compile_pure(directory)
        state = chip.compile(ROOT / "test/target/state.c", directory / chip.name / "state")
        self.state_bytes = chip.symbol_sizes(state)
        """Size of each struct that one gateway keeps, by its name in state.c."""

    @cached_property
    def sizes(self) -> dict[str, Size]:
        return {name: self.chip.size(objects) for name, objects in self.objects.items()}

    @property
    def total(self) -> Size:
        return sum(self.sizes.values(), Size())

    @property
    def call_graphs(self) -> list[Path]:
        return [o.with_suffix(".ci") for objects in self.objects.values() for o in objects]


# ---- the poll cycle ----


def _answer(command: int, payload: bytes) -> bytes:
    head = bytes([0xAA, command, len(payload)]) + payload
    return head + CrcModbus.calc(head).to_bytes(2, "little")


def _events(registers: dict[int, int]) -> bytes:
    """Answer to 0x11 and 0x12: present time, then time (24 bits) and id of each event."""
    words = [296, 297, *(a for a in range(200, 296) if a in registers)]
    return b"".join(registers[a].to_bytes(2, "little") for a in words)


def answers_header(dump: Path) -> str:
    """C text of the answers that a device with these registers gives; registers that were not read are 0."""
    registers = {int(a): int(v) for a, v in json.loads(dump.read_text())["registers"].items()}
    frames = {
        (0x03, first): _answer(3, b"".join(registers.get(first + i, 0).to_bytes(2, "big") for i in range(count)))
        for first, count in ((0, 56), (100, 18), (300, 44), (500, 10))
    }
    frames |= {(command, 0): _answer(command, _events(registers)) for command in (0x11, 0x12)}
    rows = "".join(
        f"    {{0x{command:02X}, {address}, {len(frame)}, {{{', '.join(map(str, frame))}}}}},\n"
        for (command, address), frame in frames.items()
    )
    return (
        "#include <stdint.h>\n"
        "typedef struct {\n    uint8_t command;\n    uint16_t address;\n    uint16_t length;\n    uint8_t bytes[160];\n"
        f"}} answer_t;\nstatic const answer_t answers[] = {{\n{rows}}};\n"
    )


@dataclass(frozen=True)
class Cycle:
    """What one run of the cycle said."""

    instructions: dict[str, int]
    frames: dict[int, bytes]


def parse_cycle(output: str) -> Cycle:
    words = [line.split() for line in output.splitlines()]
    return Cycle(
        {w[1]: int(w[2]) for w in words if w[0] == "instructions"},
        {int(w[1], 16): bytes.fromhex(w[2]) for w in words if w[0] == "frame"},
    )


def build_cycle(dump: Path, directory: Path, compiler: str, *options: str) -> Path:
    """Build the program of test/target/cycle.c."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "answers.h").write_text(answers_header(dump))
    program = directory / "cycle.elf"
    pure = [source for name in pure_components() for source in sources(name)]
    run(compiler, *WARNINGS, "-Os", "-ffunction-sections", "-fdata-sections", *include_options(), f"-I{directory}",
        ROOT / "test/target/cycle.c", *pure, "-Wl,--gc-sections", *options, "-o", program)  # fmt: skip
    return program


def cycle_on_linux(dump: Path, directory: Path) -> Cycle:
    return parse_cycle(run(build_cycle(dump, directory / "linux", "gcc")))


def cycle_on_rv32(dump: Path, directory: Path) -> Cycle:
    """Run it under QEMU, which counts one instruction as one tick: the figures are exact and repeatable."""
    program = build_cycle(dump, directory / "rv32", f"{RV32.prefix}gcc", *RV32.options, "--oslib=semihost",
                          "--crt0=semihost", *MEMORY_OF_QEMU)  # fmt: skip
    return parse_cycle(run(*QEMU, program))
