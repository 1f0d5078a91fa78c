"""What may be written to a BMS, and in which order: the rules of the firmware (`tinybms_write_gate.c`).

Only what a change affects is judged, so that a pack whose settings already contradict one another can be fixed.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tinybms_gateway.bms import table
from tinybms_gateway.bms.table import Register, Relation, register

Words = Mapping[int, int]
"""Register -> what it holds."""

CELLS = range(16)
COLDEST_DEGC = -20
"""A person must confirm charging below this, whatever was set before."""
NO_LIMIT = 2**31 - 1


class Why(enum.Enum):
    """Why something is not written."""

    CONTRADICTS = "contradicts"
    CELL_COUNT = "cell count"
    NEEDS_CONFIRMATION = "needs confirmation"
    REPEATED = "repeated"
    NO_ORDER = "no order"


class Refused(ValueError):  # noqa: N818 - it is what the gate says, even when it only needs confirmation
    """It is not written; one line that says why."""

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text)
        self.why = why


@dataclass(frozen=True)
class Change:
    """A new value for a setting, in the range of the table."""

    register: Register
    raw: int

    @property
    def text(self) -> str:
        """The new value for people."""
        return _text(self.register, self.raw)

    @property
    def addresses(self) -> range:
        """Registers that hold it."""
        return range(self.register.address, self.register.address + self.register.words)


def judged_by(changes: Iterable[Change]) -> list[Register]:
    """What must be read before these changes can be judged."""
    changed = {change.register.name: change.register for change in changes}
    partners = {
        name: register(name)
        for relation in table.relations()
        if not {relation.lower, relation.upper}.isdisjoint(changed)
        for name in (relation.lower, relation.upper)
    }
    cells = [register(f"cell_voltage_{i}") for i in CELLS] if "series_cells" in changed else []
    return [*(changed | partners).values(), *cells]


def check_once(changes: Sequence[Change]) -> None:
    """Check that each setting is given once.

    Raises:
        Refused: one is given twice.
    """
    names = [change.register.name for change in changes]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise Refused(Why.REPEATED, f"{name}: is given twice; nothing was written")


def confirmations(changes: Sequence[Change], words: Words) -> list[str]:
    """What a person must confirm before these changes may be written; empty: nothing."""
    end = _after(words, changes)
    found = (problem for change in changes for problem in _problems(change, words, end))
    return list(dict.fromkeys(str(p) for p in found if p.why is Why.NEEDS_CONFIRMATION))


def in_order(changes: Sequence[Change], words: Words, *, confirmed: bool) -> list[Change]:
    """Judge changes by the final settings, and put them in an order in which each is allowed on its own.

    Changes that loosen a protection come as late as possible, so that an interruption leaves the battery protected. An
    order is found whenever there is one, as the firmware's header shows.

    Args:
        changes: in the ranges of the table
        words: current content of what `judged_by` names
        confirmed: a person has agreed to a looser protection

    Raises:
        Refused: none of it may be written.
    """
    check_once(changes)
    end = _after(words, changes)
    for change in changes:
        for problem in _refusals(change, words, end, confirmed=confirmed):
            raise problem
    now, left, ordered = dict(words), list(changes), list[Change]()
    while left:
        allowed = [c for c in left if not any(_refusals(c, now, _after(now, [c]), confirmed=confirmed))]
        if not allowed:
            names = " and ".join(c.register.name for c in left)
            raise Refused(
                Why.NO_ORDER,
                f"{names}: whichever comes first contradicts what the BMS holds; move one of them further away first; "
                "nothing was written",
            )
        change = min(allowed, key=lambda c: _loosens(c, now))
        ordered.append(change)
        left.remove(change)
        now = _after(now, [change])
    return ordered


def _refusals(change: Change, now: Words, then: Words, *, confirmed: bool) -> Iterator[Refused]:
    return (p for p in _problems(change, now, then) if not (confirmed and p.why is Why.NEEDS_CONFIRMATION))


def _problems(change: Change, now: Words, then: Words) -> Iterator[Refused]:
    """What is wrong with a change from the current to the resulting settings; the worst first."""
    entry = change.register
    present = _raw(entry, now)
    if present == change.raw:
        return
    if entry.name == "series_cells" and change.raw != (cells := sum(now[a] != 0 for a in CELLS)):
        measured = f"the BMS measures {cells}" if cells else "the BMS measures no cell"
        yield Refused(Why.CELL_COUNT, f"{entry.name}: cannot be {change.text}, {measured}; nothing was written")
    for relation in table.relations():
        if entry.name in (relation.lower, relation.upper) and not _holds(relation, then):
            yield _broken(relation, then)
    if _loosens(change, now):
        yield Refused(Why.NEEDS_CONFIRMATION, _how_it_loosens(change, present))


def _broken(relation: Relation, then: Words) -> Refused:
    lower, upper = (
        f"{name} {_text(register(name), _raw(register(name), then))}" for name in (relation.lower, relation.upper)
    )
    text = f"{lower} would {'not be below' if relation.apart else 'be above'} {upper}"
    if relation.refused:
        return Refused(Why.CONTRADICTS, f"{text}; nothing was written")
    return Refused(Why.NEEDS_CONFIRMATION, text)


def _how_it_loosens(change: Change, present: int) -> str:
    entry = change.register
    if entry.name == "low_temperature_charger_cutoff" and change.raw < COLDEST_DEGC:
        return f"{entry.name} {change.text} allows charging below {COLDEST_DEGC} degC"
    return f"{entry.name} {_text(entry, present)} -> {change.text} loosens a protection"


def _loosens(change: Change, now: Words) -> bool:
    entry = change.register
    before, after = (_meaning(entry.name, raw) for raw in (_raw(entry, now), change.raw))
    if entry.loosens == "up":
        return after > before
    if entry.loosens == "down":
        return after < before or (entry.name == "low_temperature_charger_cutoff" and after < COLDEST_DEGC)
    return entry.loosens == "any" and after != before


def _holds(relation: Relation, words: Words) -> bool:
    upper = _meaning(relation.upper, _raw(register(relation.upper), words))
    return _raw(register(relation.lower), words) + relation.apart <= upper


def _meaning(name: str, raw: int) -> int:
    """A peak cutoff of 0 is not set: it is disabled."""
    return NO_LIMIT if name == "peak_discharge_current_cutoff" and raw == 0 else raw


def _after(words: Words, changes: Iterable[Change]) -> dict[int, int]:
    after = dict(words)
    for change in changes:
        after.update(
            zip(
                change.addresses,
                table.merged(change.register, [after[a] for a in change.addresses], change.raw),
                strict=True,
            )
        )
    return after


def _raw(entry: Register, words: Words) -> int:
    """Settings are whole numbers."""
    return int(table.raw_value(entry, [words[entry.address + i] for i in range(entry.words)]))


def _text(entry: Register, raw: int) -> str:
    return table.with_unit(table.scaled(entry, raw), entry.unit)
