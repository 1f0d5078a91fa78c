"""Our DBC of the Victron CAN-bus BMS protocol."""

import difflib
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import cast

import cantools
from cantools.database.can import Database as BmsDatabase

DBC_PATH = Path(__file__).with_name("victron_bms.dbc")

__all__ = ["DBC_PATH", "BmsDatabase", "hex_of", "load_database", "load_other_database", "signal_name", "text_of"]


@lru_cache(maxsize=1)
def load_database() -> BmsDatabase:
    """Load the DBC of this package, strictly."""
    return cast(BmsDatabase, cantools.database.load_file(DBC_PATH, strict=True))


def load_other_database(path: Path) -> BmsDatabase:
    """Load a user's DBC.

    Raises:
        ValueError: it is missing, is not a DBC, or defines no frame; one line that says so.
    """
    try:
        database = cantools.database.load_file(path, database_format="dbc", strict=True)
    except Exception as error:  # the parser lets any internal error through
        reason = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), "") or type(error).__name__
        raise ValueError(f"{path}: not readable as a DBC: {reason}") from error
    if not isinstance(database, BmsDatabase) or not database.messages:
        raise ValueError(f"{path}: this DBC defines no frame")
    return database


def signal_name(name: str, known: Collection[str]) -> str:
    """The name of a signal as the DBC writes it.

    Args:
        name: as a user writes it, whatever its case
        known: existing names

    Raises:
        ValueError: there is none; suggests similar names.
    """
    by_lower_case = {each.lower(): each for each in known}
    if name.lower() in by_lower_case:
        return by_lower_case[name.lower()]
    near = [by_lower_case[each] for each in difflib.get_close_matches(name.lower(), by_lower_case)]
    hint = f"did you mean {' or '.join(near)}?" if near else "the DBC lists them all"
    raise ValueError(f"--signal {name}: no such signal; {hint}")


def hex_of(raw: int) -> str:
    """The eight bytes of a little-endian number, the first one first: ``00 00 00 00 00 00 00 01``."""
    return raw.to_bytes(8, "little").hex(" ").upper()


def text_of(raw: int) -> str:
    """Text of an eight-character field.

    Args:
        raw: the 64-bit little-endian signal, first character in the lowest byte.

    Returns:
        The characters up to the first zero byte; a byte that is not printable 7-bit ASCII shows as ``?``.
    """
    data = raw.to_bytes(8, "little").split(b"\0", 1)[0]
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "?" for byte in data)
