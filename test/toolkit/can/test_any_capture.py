"""Any capture is converted and drawn, or refused with one line: never a traceback, never half a file."""

import tempfile
from pathlib import Path

from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tinybms_gateway.can.database import load_database
from tinybms_gateway.cli import main

IDS = [message.frame_id for message in load_database().messages]
TIMES = st.one_of(
    st.floats(0, 100), st.floats(1.7e9, 1.9e9), st.floats(0, 1e13), st.sampled_from([0.0, 1e-6, 253402300799.0, 9e12])
)
FRAMES = st.tuples(TIMES, st.one_of(st.sampled_from(IDS), st.integers(0, 0x7FF)), st.binary(max_size=8))


def line_of(frame: tuple[float, int, bytes]) -> str:
    time_s, identifier, data = frame
    return f"({time_s:.6f}) can0 {identifier:03X}#{data.hex().upper()}\n"


@settings(max_examples=6, deadline=None)
@given(
    frames=st.lists(FRAMES, max_size=30), garbage=st.sampled_from(["", "", "", "garbage\n", "(1.0) can0 351#0\n", "\0"])
)
def test_random_captures(frames: list[tuple[float, int, bytes]], garbage: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        where = Path(directory)
        source = where / "x.log"
        source.write_text("".join(map(line_of, frames)) + garbage)
        for command in (
            ["convert", "x.log", "x.blf"],
            ["convert", "x.log", "x.trc"],
            ["convert", "x.log", "x.asc"],
            ["convert", "x.log", "x.mf4"],
            ["convert", "--parquet", "dataset", "x.log"],
            ["plot", "x.log", "-o", "x.png"],
            ["plot", "x.log", "-o", "y.png", "--signal", "SOC", "--seconds"],
        ):
            arguments = [str(where / word) if "." in word or word == "dataset" else word for word in command]
            result = CliRunner().invoke(main, ["can", *arguments])
            assert result.exit_code in (0, 2), (command, result.exception)
            assert result.exception is None or isinstance(result.exception, SystemExit), (command, result.exception)
            if result.exit_code == 2:
                assert len(result.output.splitlines()) == 1, result.output
        assert not [path for path in where.rglob("*") if path.name.startswith(".")]
