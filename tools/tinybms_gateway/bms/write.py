"""``tinybms-gw bms write``: judged before anything is sent, never repeated blindly, verified by reading back."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import click

from tinybms_gateway.bms import table, write_gate
from tinybms_gateway.bms.client import VERIFY_WITHIN_S, BmsClient, LineError, Outcome, comes_true, span
from tinybms_gateway.bms.frames import write_request
from tinybms_gateway.bms.options import OpenBms, ask, known_registers, on_line, require_consent_possible
from tinybms_gateway.bms.table import Register, register
from tinybms_gateway.bms.write_gate import Change
from tinybms_gateway.completion import completer

SHOWN_BY = {"state_of_charge_set": "state_of_charge", "state_of_health_set": "state_of_health"}
"""Settings that read 0xFFFF: where their value shows."""
SHOWN_WITHIN = Decimal("0.02")
"""The battery keeps charging or discharging meanwhile; %."""


@dataclass(frozen=True)
class Step:
    """One of the changes to write."""

    change: Change
    present: str
    """What the BMS holds before it, for people."""

    @property
    def name(self) -> str:
        """Of the setting."""
        return self.change.register.name


@dataclass(frozen=True)
class Plan:
    """What to write."""

    steps: list[Step]
    """In the order of writing."""
    unchanged: list[Step]
    """What the BMS already holds."""
    confirmations: list[str]
    """What a person must confirm first because it loosens a protection, one sentence each."""


def parse_changes(arguments: Sequence[str]) -> list[Change]:
    """Check as much as can be checked without the BMS.

    Args:
        arguments: a name or number and a value, or NAME=VALUE for each of several

    Raises:
        ValueError: they are neither, a setting is named twice, or see `parse_change`.
    """
    if len(arguments) == 2 and not any("=" in argument for argument in arguments):
        return [parse_change(*arguments)]
    if not all("=" in argument for argument in arguments):
        raise ValueError(f"{' '.join(arguments)}: give a name and a value, or NAME=VALUE for each of several settings")
    changes = [parse_change(*argument.split("=", 1)) for argument in arguments]
    write_gate.check_once(changes)
    return changes


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


def plan(client: BmsClient, changes: Sequence[Change]) -> Plan:
    """Read what the changes would replace, judge them, and find their order. Writes nothing.

    Raises:
        write_gate.Refused: none of it may be written, even if confirmed.
        LineError: the BMS does not answer.
    """
    words = _read(client, changes)
    confirmations = write_gate.confirmations(changes, words)
    ordered = write_gate.in_order(changes, words, confirmed=bool(confirmations))
    steps = [Step(change, _shown_text(change, words)) for change in ordered]
    same = [s for s in steps if _shown(s.change) is s.change.register and _shown_raw(s.change, words) == s.change.raw]
    return Plan([step for step in steps if step not in same], same, confirmations)


def write_all(client: BmsClient, changes: Sequence[Change], confirmed: bool, done: Callable[[str, str], None]) -> None:
    """Write settings in the given order, each judged once more and read back.

    Args:
        client: of the BMS
        changes: in the order of `plan`
        confirmed: a person has agreed to a looser protection
        done: called with the name of each written setting and what the BMS then holds

    Raises:
        write_gate.Refused: the first one is refused; nothing was written.
        LineError: the BMS does not answer, refuses, or does not keep one; says what was written and what was not.
    """
    names = [change.register.name for change in changes]
    for index, change in enumerate(changes):
        try:
            text = write(client, change, confirmed)
        except (LineError, write_gate.Refused) as error:
            if len(changes) == 1 or (index == 0 and isinstance(error, write_gate.Refused)):
                raise
            written = ", ".join(names[:index]) or "nothing"
            left = ", ".join(names[index + 1 :]) or "nothing"
            raise LineError(f"{error}; written before that: {written}; not written: {left}") from error
        done(change.register.name, text)


def write(client: BmsClient, change: Change, confirmed: bool) -> str:
    """Write a setting and read it back.

    Returns:
        What the BMS then holds.

    Raises:
        write_gate.Refused: it contradicts another setting, or loosens a protection and nobody has confirmed it.
        LineError: the BMS does not answer, refuses, or does not keep it; says what it holds.
    """
    name = change.register.name
    words = _read(client, [change])  # again: it may have changed since the user was asked
    write_gate.in_order([change], words, confirmed=confirmed)
    held = [words[address] for address in change.addresses]
    request = write_request(change.register.address, table.merged(change.register, held, change.raw))
    outcome = Outcome.UNKNOWN
    try:
        for _ in range(client.tries):
            outcome = client.try_once(request)
            if outcome is not Outcome.REFUSED and comes_true(lambda: _shows(client, change), VERIFY_WITHIN_S):
                return _shown_text(change, _read(client, [change]))
            if outcome is not Outcome.UNKNOWN:
                break
        holds = _shown_text(change, _read(client, [change]))
    except LineError as error:
        raise LineError(f"{name}: sent, but it is not known whether it was written; read it again: {error}") from error
    raise LineError(f"{name}: {outcome.value}, and the BMS still holds {holds}; try again, or check its events")


def _writable(name_or_number: str) -> Register:
    entry = _by_number(int(name_or_number)) if re.fullmatch("[0-9]{1,9}", name_or_number) else register(name_or_number)
    if entry.access != "read/write":
        settings = [r.address for r in table.registers() if r.access == "read/write"]
        raise ValueError(f"{entry.name}: is read-only; settings are the registers {settings[0]}..{settings[-1]}")
    return entry


def _by_number(address: int) -> Register:
    entries = table.registers_at(address)
    if not entries:
        raise ValueError(f"register {address}: not known; 'tinybms-gw bms registers' lists them")
    if len(entries) > 1:
        raise ValueError(f"register {address}: holds {', '.join(e.name for e in entries)}; give one of these names")
    if entries[0].address != address:
        raise ValueError(f"register {address}: is half of {entries[0].name}; write that instead")
    return entries[0]


def _range(entry: Register) -> tuple[int, int]:
    if entry.minimum is None or entry.maximum is None:
        return 0, 0xFFFF  # as the firmware: the protocol gives no range
    return entry.minimum, entry.maximum


def _shown(change: Change) -> Register:
    """Where the value of a change shows."""
    return register(SHOWN_BY.get(change.register.name, change.register.name))


def _read(client: BmsClient, changes: Sequence[Change]) -> dict[int, int]:
    """What the changes replace, where they show, and what they are judged by."""
    return client.read_all(map(span, [*write_gate.judged_by(changes), *map(_shown, changes)]))


def _shown_raw(change: Change, words: dict[int, int]) -> int | float:
    shown = _shown(change)
    return table.raw_value(shown, [words[shown.address + i] for i in range(shown.words)])


def _shown_text(change: Change, words: dict[int, int]) -> str:
    return table.text_of(_shown(change), _shown_raw(change, words))


def _shows(client: BmsClient, change: Change) -> bool:
    shown = _shown(change)
    raw = table.raw_value(shown, client.read(*span(shown)))
    if shown is change.register:
        return raw == change.raw
    return abs(table.scaled(shown, raw) - table.scaled(change.register, change.raw)) <= SHOWN_WITHIN


@click.command("write", context_settings={"ignore_unknown_options": True})
@on_line
@click.argument("settings", nargs=-1, required=True, metavar="NAME VALUE | NAME=VALUE...",
                shell_complete=completer(known_registers))  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask, even if it loosens a protection; for scripts.")
def write_command(bms: OpenBms, settings: tuple[str, ...], yes: bool) -> None:
    """Change settings of the BMS, and read them back.

    NAME is the name or number of a register; VALUE is in the unit and range that 'tinybms-gw bms registers' shows. A
    value that would contradict another setting (fully charged above the over-voltage cutoff, say) is refused. Nothing
    is written before you confirm; you are warned when a protection of the battery is loosened.

    Several settings (a profile) are judged by their final values, and written in an order in which none contradicts
    another at any time. If one fails, the rest are not written, and the error says which ones were written.

    \b
    Examples:
      tinybms-gw bms write --port /dev/ttyUSB0 fully_charged_voltage 4.15
      tinybms-gw bms write --port /dev/ttyUSB0 low_temperature_charger_cutoff -5 --yes
      tinybms-gw bms write --port /dev/ttyUSB0 300=3.45 301=2.95 315=3.65 316=2.8
    """
    changes = parse_changes(settings)
    require_consent_possible(yes)
    with bms() as client:
        planned = plan(client, changes)
        for step in planned.unchanged:
            click.echo(f"{step.name}: is already {step.present}; nothing was written")
        if not planned.steps:
            return
        for step in planned.steps:
            click.echo(f"{step.name}: {step.present} -> {step.change.text}")
        for sentence in planned.confirmations:
            click.echo(f"warning: {sentence}", err=True)
        ask(yes)
        write_all(
            client,
            [step.change for step in planned.steps],
            yes or bool(planned.confirmations),
            lambda name, text: click.echo(f"{name}: written, reads back {text}"),
        )
