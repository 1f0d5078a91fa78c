"""Properties of the frame parser."""

from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from pure.pure_library import Pure, encode_answer
from tinybms_gateway.sim.bms import protocol
from tinybms_gateway.sim.bms.device import TinyBms

ACK, NACK = 0x01, 0x00
PLAIN_LENGTH = (0x03, 0x11, 0x12, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F)
PACKET = (0x07, 0x09)
FIXED = {0x10: 4, 0x14: 4, 0x15: 4, 0x19: 4, 0x1A: 4, 0x16: 2, 0x17: 2, 0x18: 2, 0x20: 12}

payloads = st.one_of(
    st.tuples(st.sampled_from(PLAIN_LENGTH), st.binary(max_size=255)),
    st.tuples(st.sampled_from(PACKET), st.binary(max_size=63)),
    *(st.tuples(st.just(command), st.binary(min_size=size, max_size=size)) for command, size in FIXED.items()),
)


@st.composite
def answers(draw: st.DrawFn) -> tuple[int, int, int, bytes]:
    if draw(st.booleans()):
        command, payload = draw(payloads)
        return command, command, 0, payload
    if draw(st.booleans()):
        return ACK, draw(st.integers(0, 255)), 0, b""
    return NACK, draw(st.integers(0, 255)), draw(st.integers(0, 255)), b""


def as_frame(answer: tuple[int, int, int, bytes]) -> bytes:
    """The frame by the protocol's description, made without the C code."""
    command, request, error, payload = answer
    if command == ACK:
        return protocol.frame(ACK, request)
    if command == NACK:
        return protocol.frame(NACK, request, error)
    if command in FIXED:
        return protocol.frame(command, payload)
    return protocol.frame(command, len(payload), payload)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(answer=answers())
def test_every_answer_is_parsed_and_encodes_to_the_same_bytes(pure: Pure, answer: tuple[int, int, int, bytes]) -> None:
    frame = as_frame(answer)
    assert pure.parser().feed(frame) == [answer]
    assert encode_answer(pure, *answer) == frame


@given(noise=st.binary(max_size=600), answer=answers(), cuts=st.lists(st.integers(0, 1000), max_size=5))
def test_noise_in_any_pieces_never_loses_the_frame_behind_it(
    pure: Pure, noise: bytes, answer: tuple[int, int, int, bytes], cuts: list[int]
) -> None:
    parser = pure.parser()
    found = [a for piece in split(noise + as_frame(answer), cuts) for a in parser.feed(piece)]
    assert answer in found + parser.flush()


@given(first=answers(), second=answers(), bit=st.integers(0, 10_000), keep=st.integers(0, 300))
def test_a_damaged_or_cut_frame_never_takes_the_next_one_with_it(
    pure: Pure, first: tuple[int, int, int, bytes], second: tuple[int, int, int, bytes], bit: int, keep: int
) -> None:
    damaged = bytearray(as_frame(first))
    damaged[bit // 8 % len(damaged)] ^= 1 << bit % 8
    for bad in (bytes(damaged), as_frame(first)[: keep % len(as_frame(first))]):
        line = bad + as_frame(second)
        # Cut before a last byte of 0xAA, the first byte of the next frame makes it whole.
        assume(not line.startswith(as_frame(first)))
        parser = pure.parser()
        found = parser.feed(line)
        assert second in found + parser.flush()


@given(lines=st.lists(st.text(st.characters(min_codepoint=9, max_codepoint=126), max_size=60), max_size=8))
def test_ascii_lines_between_frames_are_skipped(pure: Pure, lines: list[str]) -> None:
    answer = (0x1B, 0x1B, 0, bytes(6))
    parser = pure.parser()
    found = []
    for line in lines:
        found += parser.feed(line.encode("ascii") + b"\r\n" + as_frame(answer))
    assert found == [answer] * len(lines)


@given(data=st.binary(max_size=3000))
def test_no_bytes_whatever_make_the_parser_invent_a_frame(pure: Pure, data: bytes) -> None:
    parser = pure.parser()
    for command, request, error, payload in parser.feed(data) + parser.flush():
        assert as_frame((command, request, error, payload)) in data


def test_answers_of_the_simulator_are_parsed(pure: Pure) -> None:
    bms = TinyBms()
    for request in (
        protocol.frame(0x03, b"\0\0\0\x38"),
        protocol.frame(0x07, b"\x0a\x2c\x01"),
        protocol.frame(0x12),
        protocol.frame(0x1C),
        protocol.frame(0x20),
    ):
        reply = protocol.answer(bms, request, 0.0)
        assert [found[0] for found in pure.parser().feed(reply)] == [request[1]]
