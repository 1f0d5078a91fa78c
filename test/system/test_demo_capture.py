"""What the demo records is in one order of time, whoever sent it."""

import can

from tinybms_gateway.gateway_stack import BothDirections


def message(time_s: float, *, received: bool) -> can.Message:
    return can.Message(timestamp=time_s, is_rx=received, arbitration_id=0x351 if received else 0x305)


def recorded(*steps: tuple[float, bool], end: bool = True) -> list[float]:
    written: list[float] = []
    both = BothDirections(lambda m: written.append(m.timestamp))
    for time_s, received in steps:
        (both.received if received else both.sent)(message(time_s, received=received))
    if end:
        both.end()
    return written


def test_a_frame_that_was_read_late_comes_before_the_one_that_was_sent_later() -> None:
    assert recorded((1.0, False), (0.9, True), (1.1, True)) == [0.9, 1.0, 1.1]


def test_what_was_sent_last_is_written_at_the_end() -> None:
    assert recorded((1.0, True), (1.2, False), (1.3, False)) == [1.0, 1.2, 1.3]


def test_a_silent_bus_keeps_nothing_back_for_longer_than_a_second() -> None:
    assert recorded((1.0, False), (2.0, False), (3.0, False), end=False) == [1.0, 2.0]
