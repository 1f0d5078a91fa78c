"""Worst-case stack of each public function, by the call graph that GCC writes (-fcallgraph-info=su).

Conservative: a call through a pointer counts as a call of the worst of all its possible targets, which have to be named
in `INDIRECT_CALLS`; a function of the C library or of the compiler counts as `LIBRARY_STACK`; recursion and stacks that
grow at run time are errors.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

OUTSIDE = "(function of the caller)"
INDIRECT_CALLS = {
    "victron_schedule_next": "victron_pgn_encode_*",
    "victron_schedule_encode": "victron_pgn_encode_*",
    "energy_log_open": OUTSIDE,
    "energy_log_save": OUTSIDE,
}
"""Which functions a call through a pointer can reach: by caller, a pattern of names. The encoders are in the table of
victron_message_at(). What the caller brings (the flash of the energy log) is in none of the files and is counted as
`LIBRARY_STACK`."""

LIBRARY_STACK = 128
"""Bytes for a function such as memcpy() or a 64-bit division; more than those of picolibc and libgcc need, which a test
reads off their code."""

_NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"( shape : ellipse)?')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
_SU = re.compile(r"(\d+) bytes \(([\w,]+)\)")
_INDIRECT = "__indirect_call"


class StackGraph:
    """The functions of several files with their own stack and what they call."""

    def __init__(self, files: Iterable[Path]) -> None:
        """Read the graphs.

        Raises:
            ValueError: a stack grows at run time.
        """
        self._own: dict[str, int] = {}
        self._calls: dict[str, set[str]] = {}
        for file in files:
            self._read(file.read_text())

    def _read(self, text: str) -> None:
        for title, label, external in _NODE.findall(text):
            if external:
                continue
            match = _SU.search(label)
            if match is None or match[2] not in ("static", "dynamic,bounded"):
                raise ValueError(f"{title}: its stack has no fixed size")
            self._own[title] = int(match[1])
            self._calls.setdefault(title, set())
        for caller, callee in _EDGE.findall(text):
            self._calls.setdefault(caller, set()).add(callee)

    @property
    def public(self) -> list[str]:
        """Functions that other files can call; static ones have their file in their title."""
        return sorted(name for name in self._own if ":" not in name)

    @property
    def libraries(self) -> set[str]:
        """Functions that are called and are in none of the files."""
        called = set().union(*self._calls.values())
        return called - set(self._own) - {_INDIRECT}

    def worst(self, function: str) -> tuple[int, list[str]]:
        """Most bytes of stack below the caller of a function, and the way that leads there.

        Raises:
            ValueError: recursion, or a call through a pointer whose targets are not named.
        """
        return self._worst(function, ())

    def _worst(self, function: str, above: tuple[str, ...]) -> tuple[int, list[str]]:
        if function in above:
            raise ValueError(f"recursion: {' -> '.join((*above, function))}")
        if function not in self._own:
            return LIBRARY_STACK, [function]
        below = [self._worst(callee, (*above, function)) for callee in self._targets(function)]
        deepest, way = max(below, default=(0, []))
        return self._own[function] + deepest, [function, *way]

    def _targets(self, function: str) -> set[str]:
        targets = self._calls[function] - {_INDIRECT}
        if _INDIRECT in self._calls[function]:
            pattern = INDIRECT_CALLS.get(function.rpartition(":")[2])
            if pattern == OUTSIDE:
                return targets | {OUTSIDE}
            found = {name for name in self._own if pattern and fnmatchcase(name, pattern)}
            if not found:
                raise ValueError(f"{function} calls through a pointer: name its targets in INDIRECT_CALLS")
            targets |= found
        return targets
