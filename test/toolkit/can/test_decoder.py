"""Blocks decode to the values that cantools finds in each frame."""

import can
import cantools.database
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fixtures.capture_frames import columns_of
from support.fixtures.captures import traffic
from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.database import load_database
from tinybms_gateway.can.decoder import Decoder
from tinybms_gateway.can.frame import decode_frame

MESSAGES = {message.frame_id: message for message in load_database().messages}
DECODER = Decoder()
LENGTHS = {0x355: {4, 6, 8}, 0x356: {6, 8}, 0x35F: {6, 8}, 0x373: {4, 6, 8}, 0x379: {2, 8}}
"""Victron's page; all others are 8 bytes."""

Frame = tuple[int, int, bytes]
"""Identifier, flags, data."""


def block_of(frames: list[Frame]) -> FrameBlock:
    return columns_of([(1000 * i, identifier, data, flags) for i, (identifier, flags, data) in enumerate(frames)])


ids = st.one_of(st.sampled_from(sorted(MESSAGES)), st.integers(0, 0x7FF))
data = st.one_of(st.binary(max_size=8), st.binary(min_size=8, max_size=8))
flags = st.one_of(st.just(0), st.integers(0, 31))
frames_of_any_kind = st.lists(st.tuples(ids, flags, data), max_size=60)


@settings(max_examples=120, deadline=None)
@given(frames_of_any_kind)
def test_every_signal_has_the_value_that_cantools_finds(frames: list[Frame]) -> None:
    decoded = DECODER.decode(block_of(frames))
    seen: list[int] = [row for rows in decoded.problems.values() for row in rows.tolist()]
    for identifier, found in decoded.frames.items():
        assert found.message is MESSAGES[identifier]
        seen += found.rows.tolist()
        for place, row in enumerate(found.rows.tolist()):
            each, _, payload = frames[row]
            assert each == identifier
            assert found.time_us[place] == row * 1000
            expected = MESSAGES[each].decode(payload, decode_choices=False, allow_truncated=True, allow_excess=True)
            raw = MESSAGES[each].decode(
                payload, decode_choices=False, scaling=False, allow_truncated=True, allow_excess=True
            )
            for signal in MESSAGES[each].signals:
                value = found.physical(signal.name)[place]
                assert found.has(signal.name)[place] == (signal.name in expected)
                if signal.name in expected:
                    assert value == float(expected[signal.name])
                    assert int(found.raw(signal.name)[place]) % 2**64 == int(raw[signal.name]) % 2**64
                else:
                    assert np.isnan(value)
                    assert found.raw(signal.name)[place] == 0
    assert sorted(seen) == list(range(len(frames)))


@settings(max_examples=120, deadline=None)
@given(frames_of_any_kind)
def test_frames_of_this_protocol_are_told_from_the_others(frames: list[Frame]) -> None:
    decoded = DECODER.decode(block_of(frames))
    kinds = {row: kind for kind, rows in decoded.problems.items() for row in rows.tolist()}
    for row, (identifier, flag, payload) in enumerate(frames):
        if flag & (Flag.ERROR | Flag.REMOTE | Flag.FD):
            expected = "no classic data frame"
        elif flag & Flag.EXTENDED:
            expected = "29-bit identifier"
        elif identifier not in MESSAGES:
            expected = "unknown identifier"
        else:
            expected = None if len(payload) in LENGTHS.get(identifier, {8}) else "wrong length"
        assert kinds.get(row) == expected


@settings(max_examples=60, deadline=None)
@given(frames_of_any_kind)
def test_blocks_and_single_frames_have_the_same_problems(frames: list[Frame]) -> None:
    decoded = DECODER.decode(block_of(frames))
    bad = {row for rows in decoded.problems.values() for row in rows.tolist()}
    for row, (identifier, flag, payload) in enumerate(frames):
        message = can.Message(
            arbitration_id=identifier,
            data=payload,
            is_extended_id=bool(flag & Flag.EXTENDED),
            is_remote_frame=bool(flag & Flag.REMOTE),
            is_error_frame=bool(flag & Flag.ERROR),
            is_fd=bool(flag & Flag.FD),
        )
        assert bool(decode_frame(message).problem) == (row in bad)


def test_an_identifier_of_more_bits_is_not_taken_for_its_lower_ones() -> None:
    decoded = DECODER.decode(block_of([(0x10351, 0, bytes(8)), (0x951, 0, bytes(8)), (0x800, 0, bytes(8))]))
    assert decoded.frames == {}
    assert decoded.problems["unknown identifier"].tolist() == [0, 1, 2]


def test_an_empty_block_decodes_to_nothing() -> None:
    decoded = DECODER.decode(block_of([]))
    assert decoded.frames == {}
    assert decoded.problems == {}


def test_frames_of_one_identifier_stay_in_their_order() -> None:
    [block] = list(traffic(5000))
    for found in DECODER.decode(block).frames.values():
        assert (np.diff(found.rows) > 0).all()
        assert (found.time_us == block.time_us[found.rows]).all()


def test_texts_come_without_the_zeros_behind_them() -> None:
    decoded = DECODER.decode(block_of([(0x370, 0, b"TinyBMS\0"), (0x370, 0, b"12345678"), (0x370, 0, bytes(8))]))
    assert decoded.frames[0x370].texts().tolist() == [b"TinyBMS", b"12345678", b""]


def test_made_traffic_has_no_problems_and_all_frames_of_the_protocol() -> None:
    [block] = list(traffic(1000))
    decoded = DECODER.decode(block)
    assert decoded.problems == {}
    assert set(decoded.frames) == set(MESSAGES)


def test_a_signal_that_is_not_there_is_a_key_error() -> None:
    decoded = DECODER.decode(block_of([(0x351, 0, bytes(8))]))
    with pytest.raises(KeyError):
        decoded.frames[0x351].raw("SOC")
    assert isinstance(decoded.frames[0x351].message, cantools.database.can.Message)
