"""Changing a setting: checked before anything is sent, never repeated unseen, verified by reading back."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from tinybms_gateway.bms import table
from tinybms_gateway.bms.client import BmsClient, EventList, LineError, Outcome, span
from tinybms_gateway.bms.frames import reset_request, write_request
from tinybms_gateway.bms.table import Register, register

RISING = ("under_voltage_cutoff", "fully_discharged_voltage", "fully_charged_voltage", "over_voltage_cutoff")
"""Voltages of a cell that must not be in another order; full and empty must not be the same either."""
SHOWN_BY = {"state_of_charge_set": "state_of_charge", "state_of_health_set": "state_of_health"}
"""Settings that read 0xFFFF: where their value shows."""
SHOWN_WITHIN = Decimal("0.02")
"""The battery goes on charging or discharging meanwhile; %."""
VERIFY_WITHIN_S = 0.8
"""The BMS measures every 0.1 s."""
RESET_WITHIN_S = 8.0
PAUSE_S = 0.1
RESETS = {"events": 1, "statistics": 2, "bms": 5}
"""What can be cleared or restarted -> option of the command."""
PROTECTION_COUNTS = (105, 5)
SYSTEM_STARTED = 0x61
RECENT_S = 30


@dataclass(frozen=True)
class Change:
    """A new value for a setting, in the range of the table."""

    register: Register
    raw: int

    @property
    def text(self) -> str:
        """The new value for people."""
        return table.with_unit(table.scaled(self.register, self.raw), self.register.unit)


@dataclass(frozen=True)
class Present:
    """What the BMS holds before a change."""

    words: list[int]
    text: str
    is_the_same: bool
    """The change would change nothing."""


def parse_change(name_or_number: str, value: str) -> Change:
    """Check as much as can be checked without the BMS.

    Raises:
        ValueError: no such register, it cannot be written, or not to this value; with what is allowed.
    """
    entry = _writable(name_or_number)
    least, most = (table.scaled(entry, raw) for raw in _range(entry))
    allowed = f"allowed is {least:f}..{table.with_unit(most, entry.unit)}"
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError(f"{entry.name}: '{value}' is not a number; {allowed}")
    if not least <= number <= most:
        raise ValueError(f"{entry.name}: {value} is out of range; {allowed}")
    raw = round(number / entry.step)
    if raw * entry.step != number:
        raise ValueError(f"{entry.name}: {value} is between two steps of {entry.step:f}; {allowed}")
    return Change(entry, raw)


def prepare(client: BmsClient, change: Change) -> Present:
    """Read what the change would replace, and check that it agrees with the other settings. Writes nothing.

    Raises:
        ValueError: it contradicts another setting; with what is allowed.
        LineError: the BMS does not answer.
    """
    entry = change.register
    shown = register(SHOWN_BY.get(entry.name, entry.name))
    neighbours = [register(name) for name in RISING] if entry.name in RISING else []
    words = client.read_all(map(span, [entry, shown, *neighbours]))
    _check_order(change, {n.name: words[n.address] for n in neighbours})
    raw = table.raw_value(shown, [words[a] for a in _addresses(shown)])
    return Present(
        [words[a] for a in _addresses(entry)], table.text_of(shown, raw), shown is entry and raw == change.raw
    )


def write(client: BmsClient, change: Change) -> str:
    """Write a setting and read it back.

    Returns:
        What the BMS then holds.

    Raises:
        ValueError: it contradicts another setting.
        LineError: the BMS does not answer, will not, or does not keep it; with what it holds.
    """
    name = change.register.name
    present = prepare(client, change)  # again: it may be another one than a user was asked about
    request = write_request(change.register.address, table.merged(change.register, present.words, change.raw))
    outcome = Outcome.UNKNOWN
    try:
        for _ in range(client.tries):
            outcome = client.try_once(request)
            if outcome is not Outcome.REFUSED and _comes_true(lambda: _shows(client, change), VERIFY_WITHIN_S):
                return prepare(client, change).text
            if outcome is not Outcome.UNKNOWN:
                break
        holds = prepare(client, change).text
    except LineError as error:
        raise LineError(f"{name}: sent, but whether it was written is not known; read it again: {error}") from error
    raise LineError(f"{name}: {outcome.value}, and the BMS still holds {holds}: try again, or look at its events")


def reset(client: BmsClient, what: str) -> None:
    """Clear the events or the statistics, or restart the BMS; see `RESETS`. It is sent once, whatever comes.

    Raises:
        LineError: the BMS does not answer, will not, or it does not show.
    """
    before = client.events(all_of_them=True)  # wakes it up, too
    shows = {
        "events": lambda: not set(before.events) & set(client.events(all_of_them=True).events),
        "statistics": lambda: not any(client.read(*PROTECTION_COUNTS)),
        "bms": lambda: _has_started(before, client.events(all_of_them=True)),
    }
    try:
        outcome = client.try_once(reset_request(RESETS[what]))
        within_s = RESET_WITHIN_S if what == "bms" else VERIFY_WITHIN_S
        if outcome is not Outcome.REFUSED and _comes_true(shows[what], within_s):
            return
    except LineError as error:
        raise LineError(f"reset {what}: sent, but whether it was done is not known: {error}") from error
    raise LineError(f"reset {what}: {outcome.value}, and it does not show; it is not sent again: look at the events")


def _writable(name_or_number: str) -> Register:
    entry = _by_number(int(name_or_number)) if re.fullmatch("[0-9]{1,9}", name_or_number) else register(name_or_number)
    if entry.access != "read/write":
        settings = [r.address for r in table.registers() if r.access == "read/write"]
        raise ValueError(f"{entry.name}: can only be read; settings are the registers {settings[0]}..{settings[-1]}")
    return entry


def _by_number(address: int) -> Register:
    entries = table.registers_at(address)
    if not entries:
        raise ValueError(f"register {address}: not known; 'tinybms-gw bms registers' lists them")
    if len(entries) > 1:
        raise ValueError(f"register {address}: holds {', '.join(e.name for e in entries)}; name one of them")
    if entries[0].address != address:
        raise ValueError(f"register {address}: is half of {entries[0].name}; write that one")
    return entries[0]


def _range(entry: Register) -> tuple[int, int]:
    if entry.minimum is None or entry.maximum is None:
        return 0, 0xFFFF  # as the firmware: the protocol gives no range
    return entry.minimum, entry.maximum


def _addresses(entry: Register) -> range:
    return range(entry.address, entry.address + entry.words)


def _check_order(change: Change, held: dict[str, int]) -> None:
    """A voltage must fit between the others that the BMS holds; those that are no voltages count for nothing."""
    entry = change.register
    least, most = ([(limit, "")] for limit in _range(entry))
    for name, raw in held.items():
        place, own = RISING.index(name), RISING.index(entry.name)
        apart = int(min(place, own) <= 1 < max(place, own))
        if place != own and table.is_known(register(name), raw):
            reason = f"{name} is {table.text_of(register(name), raw)}"
            (least if place < own else most).append((raw + apart if place < own else raw - apart, reason))
    (low, why_low), (high, why_high) = max(least), min(most)
    if low <= change.raw <= high:
        return
    top = table.with_unit(table.scaled(entry, high), entry.unit)
    allowed = f"{table.scaled(entry, low):f}..{top}" if low <= high else "no value until that is put right"
    reasons = " and ".join(filter(None, (why_low, why_high)))
    raise ValueError(
        f"{entry.name}: {change.text} contradicts what the BMS holds ({reasons}); allowed is {allowed}; "
        "nothing was written"
    )


def _shows(client: BmsClient, change: Change) -> bool:
    shown = register(SHOWN_BY.get(change.register.name, change.register.name))
    raw = table.raw_value(shown, client.read(*span(shown)))
    if shown is change.register:
        return raw == change.raw
    return abs(table.scaled(shown, raw) - table.scaled(change.register, change.raw)) <= SHOWN_WITHIN


def _has_started(before: EventList, now: EventList) -> bool:
    return any(e.id == SYSTEM_STARTED and e not in before.events and now.age_s(e) <= RECENT_S for e in now.events)


def _comes_true(shows: Callable[[], bool], within_s: float) -> bool:
    """Whether it shows in time; a BMS that does not answer meanwhile (it restarts) is asked on."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            if shows():
                return True
        except LineError:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_S)
