"""What the simulated GX shows on a terminal."""

import can
import pytest
from rich.console import Console

from tinybms_gateway.sim.gx.model import GxModel
from tinybms_gateway.sim.gx.view import render


@pytest.mark.parametrize(
    ("data", "shown"), [("8C 0F 96 0F 23 01 31 01", "18 .. 32 degC"), ("8C 0F 96 0F FF FF FF FF", None)]
)
def test_the_sensors_of_the_pack_are_shown_where_there_are_some(data: str, shown: str | None) -> None:
    """By hand: 0x0123 = 291 K, 0x0131 = 305 K; FFFF: none."""
    gx = GxModel(0.0)
    gx.on_message(can.Message(arbitration_id=0x373, data=bytes.fromhex(data), is_extended_id=False), 0.5)
    console = Console(width=120)
    with console.capture() as captured:
        console.print(render(gx, 1.0))
    assert "3980 .. 3990 mV" in captured.get()
    assert ("sensors" in captured.get()) == (shown is not None)
    assert (shown or "") in captured.get()
