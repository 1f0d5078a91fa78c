"""``tinybms-gw bms reset``: clears events or statistics, or restarts the BMS; sent once, never repeated blindly."""

import click

from tinybms_gateway.bms.client import VERIFY_WITHIN_S, BmsClient, EventList, LineError, Outcome, comes_true
from tinybms_gateway.bms.frames import reset_request
from tinybms_gateway.bms.options import OpenBms, ask, on_line, require_consent_possible

RESET_WITHIN_S = 8.0
RESETS = {"events": 1, "statistics": 2, "bms": 5}
"""What can be cleared or restarted -> option of the command."""
PROTECTION_COUNTS = (105, 5)
SYSTEM_STARTED = 0x61
RECENT_S = 30


def reset(client: BmsClient, what: str) -> None:
    """Clear the events or the statistics, or restart the BMS; see `RESETS`. It is sent once, whatever happens.

    Raises:
        LineError: the BMS does not answer, refuses, or shows no effect.
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
        if outcome is not Outcome.REFUSED and comes_true(shows[what], within_s):
            return
    except LineError as error:
        raise LineError(f"reset {what}: sent, but it is not known whether it was done: {error}") from error
    raise LineError(f"reset {what}: {outcome.value}, and no effect shows; it is not sent again: check the events")


def _has_started(before: EventList, now: EventList) -> bool:
    return any(e.id == SYSTEM_STARTED and e not in before.events and now.age_s(e) <= RECENT_S for e in now.events)


@click.command("reset")
@on_line
@click.argument("what", type=click.Choice(["events", "statistics", "bms"]))
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
def reset_command(bms: OpenBms, what: str, yes: bool) -> None:
    """Clear the event log or the statistics of the BMS, or restart it.

    The battery may be disconnected while the BMS restarts. The request is sent once, and never repeated blindly.

    \b
    Examples:
      tinybms-gw bms reset --port /dev/ttyUSB0 statistics
    """
    require_consent_possible(yes)
    with bms() as client:
        click.echo("the BMS will be restarted" if what == "bms" else f"the {what} of the BMS will be cleared")
        ask(yes)
        reset(client, what)
    click.echo("restarted" if what == "bms" else "cleared")
