"""Register dumps of real devices: JSON files with ``{"registers": {"0": 39800, ...}}``."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Address = Annotated[int, Field(ge=0, le=0xFFFF)]
Value = Annotated[int, Field(ge=0, le=0xFFFF)]


class Dump(BaseModel):
    """A dump file."""

    model_config = ConfigDict(extra="forbid")

    source: str = ""
    note: str = ""
    registers: dict[Address, Value] = Field(min_length=1)


def dump_json(registers: dict[int, int], source: str) -> str:
    """Content of a dump file.

    Args:
        registers: what was read, 16 bits each
        source: where it comes from
    """
    note = "register: value, 16 bits each; registers that are not listed were not read"
    return Dump(source=source, note=note, registers=registers).model_dump_json(indent=1)


def load_dump(path: Path) -> dict[int, int]:
    """Read a dump.

    Returns:
        Register -> value, 16 bits each; registers not listed read 0.

    Raises:
        ValueError: no such file, not JSON, or not a dump; one line that says what and where.
    """
    try:
        return dict(Dump.model_validate_json(path.read_bytes()).registers)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise ValueError(f"{path}: {where + ': ' if where else ''}{first['msg']}") from error
