"""The rules, by subject."""

from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.can.verify.rules import alarms, consistency, gx, layout, limits, presence, timing, values
from tinybms_gateway.can.verify.rules.base import Sessions


def rules_by_subject(bitrate: int) -> dict[str, list[Rule]]:
    """All rules, newly made, under the headings of their subjects.

    Args:
        bitrate: of the bus, bit/s
    """
    sessions = Sessions()
    return {
        "Required frames": presence.rules(),
        "Timing": timing.rules(sessions, bitrate),
        "Layout": layout.rules(),
        "Values": values.rules(),
        "Consistency": consistency.rules(sessions),
        "Alarms": alarms.rules(sessions),
        "Limits": limits.rules(sessions),
        "The GX": gx.rules(),
    }
