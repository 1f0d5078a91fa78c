"""A Parquet dataset: decoded signals, a directory for each site and day (UTC), a file for each capture in it."""

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.convert.table import SCHEMA, SignalTable
from tinybms_gateway.can.decoder import Decoder

DAY_US = 86_400_000_000
MOST_DAYS = 400
"""Most days of one capture; more means that its clock jumps."""
WHAT_A_FRAME_IS = Flag.EXTENDED | Flag.REMOTE | Flag.ERROR | Flag.FD
_HASHED = np.dtype([("time", "<i8"), ("id", "<u4"), ("flags", "u1"), ("length", "u1"), ("data", "<u8")])


@dataclass
class Written:
    """The result for a capture."""

    capture: Path
    frames: int = 0
    rows: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """Kind of problem -> frames without a row."""
    files: list[Path] = field(default_factory=list)
    unchanged: bool = False
    """All of it was already there."""

    def as_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "capture": str(self.capture),
            "frames": self.frames,
            "rows": self.rows,
            "left_out": self.left_out,
            "files": [str(path) for path in self.files],
            "unchanged": self.unchanged,
        }

    def __str__(self) -> str:
        left_out = "".join(f", {count} frames left out: {kind}" for kind, count in sorted(self.left_out.items()))
        where = str(self.files[0]) if len(self.files) == 1 else f"{len(self.files)} files"
        there = ", already there" if self.unchanged else ""
        return f"{self.capture}: {self.frames} frames, {self.rows} rows in {where}{there}{left_out}"


def write_dataset(
    directory: Path, site: str, capture: Path, blocks: Iterable[tuple[FrameBlock, list[str]]], *, force: bool
) -> Written:
    """Add a capture to a dataset.

    The files are named after the content of the capture: the same frames get the same names in any capture format, so
    they are never stored twice.

    Args:
        directory: of the dataset; made if it is missing
        site: value of the partition; a safe name
        capture: for the column of this name
        blocks: frames with a clock, and the names of the channels
        force: rewrite existing files

    Raises:
        ValueError: nothing to write, or the clock jumps.
        OSError: it cannot be written; nothing that looks complete is left.
    """
    new = not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".convert-", dir=directory) as parts:
            writer = _DatasetWriter(Path(parts), capture)
            try:
                for block, channels in blocks:
                    writer.write(block, channels)
            finally:
                writer.close()
            return writer.publish(directory / f"site={site}", force=force)
    except BaseException:
        if new and not any(directory.iterdir()):
            directory.rmdir()
        raise


def write_file(path: Path, capture: Path, blocks: Iterable[tuple[FrameBlock, list[str]]]) -> Written:
    """Write one Parquet file of the same columns.

    Raises:
        ValueError: nothing to write.
    """
    decoder, table, written = Decoder(), SignalTable(capture.name), Written(capture)
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for block, channels in blocks:
            _write(writer, decoder, table, block, np.arange(len(block)), channels, written)
    _check_not_empty(written)
    return written


class _DatasetWriter:
    """Writes the parts of one capture, a file a day."""

    def __init__(self, parts: Path, capture: Path) -> None:
        self._parts = parts
        self._capture = capture
        self._decoder = Decoder()
        self._table = SignalTable(capture.name)
        self._hash = hashlib.sha256()
        self._writers: dict[int, pq.ParquetWriter] = {}
        self._written = Written(capture)

    def write(self, block: FrameBlock, channels: list[str]) -> None:
        """Add frames."""
        self._hash.update(_content(block))
        days = block.time_us // DAY_US
        for day in np.unique(days).tolist():
            rows = np.flatnonzero(days == day)
            _write(self._writer(day), self._decoder, self._table, block, rows, channels, self._written)

    def close(self) -> None:
        """Finish the parts."""
        for writer in self._writers.values():
            writer.close()

    def publish(self, site: Path, *, force: bool) -> Written:
        """Give the parts their names, unless all already exist."""
        _check_not_empty(self._written)
        name = f"part-{self._hash.hexdigest()[:16]}.parquet"
        moves = {}
        for day in sorted(self._writers):
            part = self._parts / str(day)
            if pq.read_metadata(part).num_rows:
                moves[part] = site / f"day={date(1970, 1, 1) + timedelta(days=day)}" / name
        self._written.files = list(moves.values())
        self._written.unchanged = not force and all(path.exists() for path in moves.values())
        if not self._written.unchanged:
            for part, path in moves.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                part.replace(path)
        return self._written

    def _writer(self, day: int) -> pq.ParquetWriter:
        if day not in self._writers:
            if len(self._writers) == MOST_DAYS:
                raise ValueError(f"{self._capture}: frames span more than {MOST_DAYS} days; its clock jumps")
            self._writers[day] = pq.ParquetWriter(self._parts / str(day), SCHEMA, compression="zstd")
        return self._writers[day]


def _write(
    writer: pq.ParquetWriter,
    decoder: Decoder,
    table: SignalTable,
    block: FrameBlock,
    rows: np.ndarray[Any, np.dtype[np.intp]],
    channels: list[str],
    written: Written,
) -> None:
    decoded = decoder.decode(block if len(rows) == len(block) else block.take(rows))
    signals = table.rows_of(decoded, block.first + rows.astype(np.int64), channels)
    if signals.num_rows:
        writer.write_table(signals)
    written.frames += len(rows)
    written.rows += signals.num_rows
    for kind, found in decoded.problems.items():
        written.left_out[kind] = written.left_out.get(kind, 0) + len(found)


def _content(block: FrameBlock) -> bytes:
    """What identifies the frames, independent of the format that they come from and of the size of the blocks."""
    content = np.zeros(len(block), _HASHED)
    content["time"], content["id"], content["data"] = block.time_us, block.id, block.data
    content["flags"], content["length"] = block.flags & WHAT_A_FRAME_IS, block.length
    return content.tobytes()


def _check_not_empty(written: Written) -> None:
    if not written.rows:
        reason = f"none of its {written.frames} frames belongs to this protocol" if written.frames else "no frames"
        raise ValueError(f"{written.capture}: {reason}; nothing was written")
