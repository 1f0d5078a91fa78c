"""Frames as the client makes and takes them, against the maker's examples and those of other clients."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybms_gateway.bms import frames
from tinybms_gateway.bms.frames import Answer, take_answer

CELLS = frames.read_request(5, 5)
CELLS_ANSWER = bytes.fromhex("AA 03 0A 97 40 97 40 97 2C 97 2C 97 2C 3E C7")
CELLS_PAYLOAD = bytes.fromhex("97 40 97 40 97 2C 97 2C 97 2C")
CUTOFFS = frames.write_request(315, [4200, 2500])
REQUESTS = [CELLS, CUTOFFS, frames.reset_request(1), frames.events_request(all_of_them=True)]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (CELLS, "AA 03 00 05 00 05 8C 13"),
        (CUTOFFS, "AA 10 01 3B 00 02 04 10 68 09 C4 19 61"),
        (frames.reset_request(5), "AA 02 05 90 83"),
        (frames.events_request(all_of_them=False), "AA 11 BF 1C"),
    ],
)
def test_requests_are_those_of_the_maker_and_of_other_clients(request_: frames.Request, expected: str) -> None:
    assert request_.frame == bytes.fromhex(expected)


@pytest.mark.parametrize("good", ["AA 16 FE DE", "AA 18 7F 1A", "AA 1B 06 16 01 14 01 16 01 0E 4E"])
def test_the_crc_of_published_frames(good: str) -> None:
    frame = bytes.fromhex(good)
    assert frames.crc(frame[:-2]) == frame[-2:]


@pytest.mark.parametrize("bad", ["AA 14 7E AF", "AA 15 BF 6F"])
def test_the_crc_of_frames_that_were_published_wrong(bad: str) -> None:
    frame = bytes.fromhex(bad)
    assert frames.crc(frame[:-2]) != frame[-2:]


def test_the_ranges_of_settings_are_asked_for_and_taken_low_byte_first() -> None:
    request = frames.settings_request(2, 2)
    body = bytes.fromhex("AA 1D 02 00 02")
    assert request.frame == body + frames.crc(body)
    answer = bytes.fromhex("AA 1D 04 94 11 AC 0D")
    short = bytes.fromhex("AA 1D 02 94 11")
    whole = answer + frames.crc(answer)
    assert take_answer(bytearray(whole), request) == Answer(bytes.fromhex("94 11 AC 0D"))
    assert take_answer(bytearray(short + frames.crc(short)), request, time_is_over=True) is None


def test_the_makers_answers_are_taken() -> None:
    assert take_answer(bytearray(CELLS_ANSWER), CELLS) == Answer(CELLS_PAYLOAD)
    assert take_answer(bytearray.fromhex("AA 10 01 3B 00 02 28 22"), CUTOFFS) == Answer()


def test_a_confirmation_of_other_registers_is_not_taken() -> None:
    buffer = bytearray.fromhex("AA 10 01 3B 00 02 28 22")
    assert take_answer(buffer, frames.write_request(317, [60, 20]), time_is_over=True) is None
    assert buffer == b""


def test_a_refusal_is_taken_with_its_reason_and_only_by_whom_it_is_for() -> None:
    body = bytes.fromhex("AA 00 03 01")
    refusal = body + frames.crc(body)
    assert take_answer(bytearray(refusal), CELLS) == Answer(error=1)
    assert take_answer(bytearray(refusal), CUTOFFS, time_is_over=True) is None


def test_nothing_is_taken_before_it_is_whole() -> None:
    for length in range(len(CELLS_ANSWER)):
        assert take_answer(bytearray(CELLS_ANSWER[:length]), CELLS) is None


def test_after_a_wrong_crc_the_search_goes_on_inside_of_the_frame() -> None:
    damaged = CELLS_ANSWER[:3] + CELLS_ANSWER  # a false start whose 15 bytes reach into the good one
    assert take_answer(bytearray(damaged), CELLS) == Answer(CELLS_PAYLOAD)


def test_a_frame_that_never_ends_gives_way_to_the_one_inside_of_it() -> None:
    events = frames.events_request(all_of_them=True)
    good = frames.frame(0x12, 4, b"\x01\x02\x03\x04")
    buffer = bytearray(b"\xaa\x12\xff" + good)
    assert take_answer(buffer, events) is None
    assert take_answer(buffer, events, time_is_over=True) == Answer(b"\x01\x02\x03\x04")


@given(noise=st.binary(max_size=300), later=st.binary(max_size=30))
def test_noise_never_hides_the_answer_behind_it(noise: bytes, later: bytes) -> None:
    buffer = bytearray(noise + CELLS_ANSWER + later)
    assert take_answer(buffer, CELLS, time_is_over=True) == Answer(CELLS_PAYLOAD)


@given(lines=st.lists(st.text(st.characters(min_codepoint=9, max_codepoint=126), max_size=60), max_size=8))
def test_ascii_lines_are_skipped(lines: list[str]) -> None:
    text = "\r\n".join(lines).encode("ascii")
    assert take_answer(bytearray(text + CELLS_ANSWER + text), CELLS) == Answer(CELLS_PAYLOAD)


@given(data=st.binary(max_size=600), which=st.integers(0, len(REQUESTS) - 1))
def test_no_bytes_whatever_make_it_invent_an_answer(data: bytes, which: int) -> None:
    buffer = bytearray(data)
    answer = take_answer(buffer, REQUESTS[which], time_is_over=True)
    if answer is None:
        assert buffer == b""
    else:
        assert answer.error is not None or answer.payload in data
