"""The register table of the firmware, read out of the native build: its source is `tinybms_register_table.c` alone."""

import ctypes as c
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tinybms_gateway.gateway.gateway_impl import build_dir, ensure_built

LIBRARY = "libtinybms_pure.so"
JSON_PATH = Path("docs/reference/tinybms_registers.json")
MARKDOWN_PATH = Path("docs/reference/tinybms_registers.md")
TYPES = ("u16", "i16", "u32", "float32", "u8 low byte", "u8 high byte", "i8 low byte", "i8 high byte", "bits")
ACCESS = ("read", "read/write")


class _Entry(c.Structure):
    """tinybms_register_t."""

    _fields_ = (
        ("address", c.c_uint16),
        ("type", c.c_int),
        ("access", c.c_int),
        ("mask", c.c_uint16),
        ("name", c.c_char_p),
        ("unit", c.c_char_p),
        ("scale_num", c.c_int32),
        ("scale_den", c.c_int32),
        ("min", c.c_int32),
        ("max", c.c_int32),
        ("description", c.c_char_p),
    )


@dataclass(frozen=True)
class Register:
    """One value of the TinyBMS."""

    address: int
    """First register; a value of two registers has its low word there."""
    type: str
    mask: int
    """Bits of the register that hold the value."""
    access: str
    name: str
    unit: str
    """Of the raw value times the scale."""
    scale: float
    minimum: int | None
    """Raw values that may be written; None: no range is known."""
    maximum: int | None
    description: str


def load_registers() -> list[Register]:
    """Read the table, in order of addresses.

    Raises:
        ValueError: the native build failed.
    """
    ensure_built()
    library = c.CDLL(str(build_dir() / LIBRARY))
    library.tinybms_register_count.restype = c.c_size_t
    library.tinybms_register_at.restype = c.POINTER(_Entry)
    library.tinybms_register_mask.restype = c.c_uint16
    found = []
    for index in range(library.tinybms_register_count()):
        pointer = library.tinybms_register_at(c.c_size_t(index))
        found.append(_register(pointer.contents, library.tinybms_register_mask(pointer)))
    return found


def generate() -> dict[Path, str]:
    """Make the files of the documentation; path relative to the root of the tree -> content."""
    registers = load_registers()
    document = {"source": "components/tinybms/tinybms_register_table.c", "registers": [asdict(r) for r in registers]}
    return {JSON_PATH: json.dumps(document, indent=1) + "\n", MARKDOWN_PATH: _markdown(registers)}


def _register(entry: _Entry, mask: int) -> Register:
    has_range = entry.min <= entry.max
    return Register(
        address=entry.address,
        type=TYPES[entry.type],
        mask=mask,
        access=ACCESS[entry.access],
        name=entry.name.decode(),
        unit=entry.unit.decode(),
        scale=entry.scale_num / entry.scale_den,
        minimum=entry.min if has_range else None,
        maximum=entry.max if has_range else None,
        description=entry.description.decode(),
    )


def _scaled(register: Register, raw: int) -> str:
    return f"{raw * register.scale:g}"


def _markdown(registers: list[Register]) -> str:
    lines = [
        "# Registers of the TinyBMS",
        "",
        "Generated from `components/tinybms/tinybms_register_table.c` by `tinybms-gw bms registers --write`; do not edit.",
        "A value of 32 bits has its low word in the first register. Ranges are in the unit of the value.",
        "",
        "| register | name | type | scale | unit | range | access | meaning |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for r in registers:
        words = 2 if r.type in ("u32", "float32") else 1
        where = f"{r.address}-{r.address + 1}" if words == 2 else str(r.address)
        kind = f"bits 0x{r.mask:04X}" if r.type == "bits" else r.type
        allowed = "-"
        if r.minimum is not None and r.maximum is not None:
            allowed = f"{_scaled(r, r.minimum)}..{_scaled(r, r.maximum)}"
        lines.append(
            f"| {where} | `{r.name}` | {kind} | {r.scale:g} | {r.unit or '-'} | {allowed} | {r.access} | {r.description} |"
        )
    return "\n".join(lines) + "\n"
