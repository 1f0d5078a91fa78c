"""The demo on a terminal: the simulated line, the gateway's newest log lines, and the GX."""

import time
from types import TracebackType

import click
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from tinybms_gateway.demo_story import Story, reasons
from tinybms_gateway.gateway_data import setup_code
from tinybms_gateway.gateway_stack import GatewayStack
from tinybms_gateway.sim.gx.model import GxModel
from tinybms_gateway.sim.gx.view import render

EVENT_LINES = 6
LOG_LINES = 6
"""Last on the screen: a small terminal cuts off the log, never the limits."""


class DemoView:
    """Live view; shows nothing if it is quiet."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._live = None if quiet else Live(console=console, refresh_per_second=4)
        self._url_said = self._live is not None and console.is_terminal  # there it is part of the view
        self._code: str | None = None

    def __enter__(self) -> "DemoView":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, stack: GatewayStack, gx: GxModel, story: Story) -> None:
        """Draw the current state."""
        url = stack.gateway.url_if_ready()
        if url is not None and self._code is None:
            self._code = setup_code(stack.gateway.data)
        if url is not None and not self._url_said:
            click.echo(f"web interface: {url}", err=True)
            click.echo(f"set-up code: {self._code}", err=True)
            self._url_said = True
        if self._live is None:
            return
        with stack.bms.lock:
            values = stack.bms.bms.values()
        line = Text(
            f"SOC {values['soc']:.2f} %   {values['voltage']:.2f} V   {values['current']:+.1f} A   "
            f"status 0x{int(values['status']):02X}   {stack.bms.requests} requests, {stack.bms.answers} answers"
        )
        lines = list(stack.gateway.lines)
        why = Text("   ".join(f"{name}: {reason}" for name, reason in sorted(reasons(lines).items())))
        log = Text("\n".join(lines[-LOG_LINES:]), overflow="ellipsis", no_wrap=True)
        self._live.update(
            Group(
                Text(f"web interface: {url or '-'}   set-up code: {self._code or '-'}"),
                render(gx, time.monotonic(), "simulated GX on the CAN bus"),
                Panel(why, title="reasons for the limits", title_align="left"),
                Panel(_course(story), title="what happened, as the GX saw it", title_align="left"),
                Panel(line, title="simulated TinyBMS on a serial line", title_align="left"),
                Panel(log, title="gateway", title_align="left", height=LOG_LINES + 2),
            )
        )


def _course(story: Story) -> Text:
    rows = [
        f"{e.s:>6} s  {e.what:<36} CVL {e.cvl_v:.1f} V  CCL {e.ccl_a:.1f} A  DCL {e.dcl_a:.1f} A"
        for e in story.events[-EVENT_LINES:]
    ]
    return Text("\n".join(rows), overflow="ellipsis", no_wrap=True)
