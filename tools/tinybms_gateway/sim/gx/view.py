"""The GX on a terminal."""

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tinybms_gateway.can.frame import Value
from tinybms_gateway.sim.gx.model import GxModel


def render(gx: GxModel, now_s: float, title: str = "GX") -> RenderableType:
    """Battery, limits, alarms and complaints as one panel."""
    if gx.allowed(now_s):
        state = Text("charging and discharging allowed within the limits", "green")
    elif gx.recognised:
        state = Text("0x351 missing for 3 s: charging and discharging stopped", "bold red")
    else:
        state = Text("no battery recognised yet", "yellow")
    parts: list[RenderableType] = [state, Columns([_battery(gx), _limits(gx)], padding=(0, 4)), _alarms(gx)]
    if gx.complaints:
        parts.append(_complaints(gx))
    return Panel(Group(*parts), title=f"{title}: {gx.name or 'battery'}", subtitle=f"{gx.frames} frames")


def _number(value: Value | None, digits: int, unit: str) -> str:
    return "-" if value is None else f"{float(value):.{digits}f} {unit}"


def _table(title: str, rows: list[tuple[str, str]]) -> Table:
    table = Table(title=title, show_header=False, box=None, title_justify="left", title_style="bold")
    table.add_column(style="cyan")
    table.add_column(justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _battery(gx: GxModel) -> Table:
    s = gx.signals
    coldest, hottest = s.get("CellTemperatureMin"), s.get("CellTemperatureMax")
    rows = [
        ("state of charge", _number(s.get("SOCHighResolution", s.get("SOC")), 2, "%")),
        ("state of health", _number(s.get("SOH"), 0, "%")),
        ("voltage", _number(s.get("Voltage"), 2, "V")),
        ("current", _number(s.get("Current"), 1, "A")),
        ("temperature", _number(s.get("Temperature"), 1, "degC")),
        ("cells", f"{s.get('CellVoltageMin', '-')} .. {s.get('CellVoltageMax', '-')} mV"),
    ]
    if isinstance(coldest, int | float) and isinstance(hottest, int | float):  # else words: "not supported"
        rows.append(("sensors", f"{int(coldest) - 273} .. {int(hottest) - 273} degC"))
    return _table("Battery", rows)


def _limits(gx: GxModel) -> Table:
    s = gx.signals
    return _table(
        "Limits",
        [
            ("charge voltage CVL", _number(s.get("CVL"), 1, "V")),
            ("charge current CCL", _number(s.get("CCL"), 1, "A")),
            ("discharge current DCL", _number(s.get("DCL"), 1, "A")),
            ("discharge voltage DVL", _number(s.get("DVL"), 1, "V")),
            ("installed", _number(s.get("InstalledCapacityAh"), 0, "Ah")),
            ("status", str(s.get("SystemStatus", "-"))),
        ],
    )


def _alarms(gx: GxModel) -> Text:
    active = gx.alarms()
    if active:
        return Text("Alarms: " + ", ".join(active), "bold red")
    return Text("Alarms: none", "green") if 0x35A in gx.seen_s else Text("Alarms: -")


def _complaints(gx: GxModel) -> Table:
    table = Table(title="A real GX would refuse or complain", box=None, title_justify="left", title_style="bold red")
    table.add_column("what")
    table.add_column("times", justify="right")
    for complaint in gx.complaints.values():
        table.add_row(complaint.text, str(complaint.count))
    return table
