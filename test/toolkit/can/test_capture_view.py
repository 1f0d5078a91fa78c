"""The table on the terminal while the bus is recorded."""

import io
import time

import can
import pytest
from crccheck.crc import Crc15Can
from rich.console import Console

from tinybms_gateway.can.bus_load import most_bits
from tinybms_gateway.can.capture_statistics import MOST_IDS, Statistics
from tinybms_gateway.can.capture_view import CaptureView


def message(identifier: int, data: str, *, extended: bool = False) -> can.Message:
    return can.Message(arbitration_id=identifier, data=bytes.fromhex(data), is_extended_id=extended)


def drawn(statistics: Statistics, height: int = 40) -> str:
    console = Console(file=io.StringIO(), width=140, height=height)
    with console.capture() as captured:
        console.print(CaptureView(statistics, "can0 -> x.log", 500_000, console).render())
    return captured.get()


def test_each_identifier_has_a_row_with_its_newest_values() -> None:
    statistics = Statistics()
    now = time.monotonic()
    for seconds, soc in ((1.0, "59"), (0.0, "5A")):
        statistics.take(message(0x355, f"{soc} 00 64 00 00 00 00 00"), now - seconds)
    statistics.take(message(0x35A, "06 00 00 00 0A 00 00 08"), now)  # AlarmHighVoltage: pair 1 is 01
    statistics.take(message(0x123, "DE AD"), now)
    statistics.take(message(0x351, "DE AD", extended=True), now)
    lines = drawn(statistics).splitlines()
    row = {line.split()[1]: line for line in lines if line.split()[1:2] and line.split()[1].startswith("0x")}
    assert "BatteryCharge" in row["0x355"] and " 2 " in row["0x355"] and "SOC 90 %, SOH 100 %" in row["0x355"]
    assert "AlarmHighVoltage; online" in row["0x35A"]
    assert "unknown" in row["0x123"] and "DE AD  not a frame of this protocol" in row["0x123"]
    assert "unknown" in row["0x00000351"] and "29-bit identifier" in row["0x00000351"]
    assert "5 frames" in lines[-1] and "bus load about" in lines[-1]


def test_a_low_terminal_says_how_many_rows_it_does_not_show() -> None:
    statistics = Statistics()
    for identifier in range(100):
        statistics.take(message(identifier, ""), time.monotonic())
    text = drawn(statistics, height=20)
    assert "87 more identifiers" in text
    assert len(text.splitlines()) < 20


def test_a_bus_with_all_identifiers_does_not_fill_the_memory() -> None:
    statistics = Statistics()
    for identifier in range(MOST_IDS + 10):
        statistics.take(message(identifier, "", extended=True), 0.0)
    assert len(statistics.seen) == MOST_IDS
    assert (statistics.frames, statistics.not_told_apart) == (MOST_IDS + 10, 10)


def stuffed(bits: str) -> str:
    """By the rule, in text: after five equal bits a bit of the other kind, which itself counts for the next five."""
    out = ""
    for bit in bits:
        out += bit
        if len(out) >= 5 and len(set(out[-5:])) == 1:
            out += "1" if bit == "0" else "0"
    return out


@pytest.mark.parametrize(
    ("identifier", "data"),
    [
        (0x351, "45 02 4C 04 4C 04 00 00"),
        (0x000, "00 00 00 00 00 00 00 00"),
        (0x7FF, "FF FF"),
        (0x305, ""),
        (0x555, "AA"),
    ],
)
def test_the_length_of_a_frame_on_the_bus(identifier: int, data: str) -> None:
    """Start bit, id, RTR, IDE, r0, DLC, data and CRC with stuff bits, then 13 bits without.

    Zeros in front do not change a CRC that begins with 0, so that of whole bytes is that of these bits.
    """
    size = len(bytes.fromhex(data))
    bits = f"0{identifier:011b}000{size:04b}" + "".join(f"{byte:08b}" for byte in bytes.fromhex(data))
    crc = Crc15Can.calc(int(bits, 2).to_bytes(len(bits) // 8 + 1, "big"))
    real = len(stuffed(bits + f"{crc:015b}")) + 13
    assert real <= most_bits(size, extended=False, remote=False) <= 1.25 * real
