"""The dataset of decoded signals, read by DuckDB as an analyst would, against cantools."""

import json
import math
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import can
import duckdb
import pytest
from click.testing import CliRunner, Result

from tinybms_gateway.can.database import load_database
from tinybms_gateway.cli import main

TOOL = Path(sys.executable).with_name("tinybms-gw")
MIDNIGHT = 1_795_737_600
"""2026-11-27 00:00:00 UTC."""
TEXTS = (0x35E, 0x370, 0x371, 0x374, 0x375, 0x376, 0x377, 0x380, 0x381, 0x382)


def convert(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["can", "convert", *map(str, arguments)])


def lines(count: int, start_s: float = MIDNIGHT - 3600, seed: int = 1) -> str:
    """Frames of all kinds with any content, 10 ms apart."""
    random_ = random.Random(seed)
    messages = load_database().messages
    out = []
    for n in range(count):
        message = messages[n % len(messages)]
        data = random_.randbytes(message.length)
        if message.frame_id in TEXTS:
            data = f"EXT {random_.randrange(9)}".encode().ljust(8, b"\0")
        out.append(f"({start_s + n / 100:.6f}) can0 {message.frame_id:03X}#{data.hex().upper()} R\n")
    return "".join(out)


def rows(dataset: Path, columns: str = "*", where: str = "true") -> list[tuple[Any, ...]]:
    files = f"read_parquet('{dataset}/**/*.parquet', hive_partitioning = true)"
    return duckdb.sql(f"SELECT {columns} FROM {files} WHERE {where} ORDER BY frame, signal").fetchall()


def by_cantools(path: Path) -> Iterator[tuple[Any, ...]]:
    """frame, microseconds, id, name, signal, value, text, unit; by the rules of docs/captures.md."""
    database = load_database()
    for n, message in enumerate(can.LogReader(path)):
        definition = database.get_message_by_frame_id(message.arbitration_id)
        plain = definition.decode_simple(bytes(message.data), decode_choices=False)
        named = definition.decode_simple(bytes(message.data), decode_choices=True)
        for signal in sorted(definition.signals, key=lambda s: s.name):
            value: float | None = float(plain[signal.name])
            text = str(named[signal.name]) if signal.choices and plain[signal.name] in signal.choices else None
            if message.arbitration_id in TEXTS:
                value, text = None, bytes(message.data).rstrip(b"\0").decode()
            elif signal.length == 64:
                value, text = None, bytes(message.data).hex(" ").upper()
            elif text == "not supported":
                value = None
            time_us = round(message.timestamp * 1e6)
            yield n, time_us, message.arbitration_id, definition.name, signal.name, value, text, signal.unit


def test_every_row_is_what_cantools_says(tmp_path: Path) -> None:
    source = tmp_path / "x.log"
    source.write_text(lines(1000))
    result = convert("--parquet", tmp_path / "ds", "--site", "north", source)
    assert result.exit_code == 0, result.output
    found = rows(tmp_path / "ds", "frame, epoch_us(time), id, name, signal, value, text, unit")
    wanted = list(by_cantools(source))
    assert [row[:5] + row[6:] for row in found] == [row[:5] + row[6:] for row in wanted]
    assert all(a[5] == b[5] or math.isclose(a[5], b[5], rel_tol=1e-12) for a, b in zip(found, wanted, strict=True))
    assert rows(tmp_path / "ds", "DISTINCT ON (site) site, day::VARCHAR, capture, channel") == [
        ("north", "2026-11-26", "x.log", "can0")
    ]


def test_a_frame_that_is_short_has_no_rows_for_what_is_not_in_it(tmp_path: Path) -> None:
    """Victron's page shows 0x355 with four bytes as well: without the high resolution."""
    source = tmp_path / "x.log"
    source.write_text("(1700000001.0) can0 355#5900\n(1700000001.1) can0 355#59006400\n(1700000001.2) can0 123#00\n")
    result = convert(source, tmp_path / "x.parquet", "--json")
    assert json.loads(result.stdout)[0]["left_out"] == {"wrong length": 1, "unknown identifier": 1}
    found = duckdb.sql(f"SELECT frame, signal, value FROM '{tmp_path}/x.parquet' ORDER BY ALL").fetchall()
    assert found == [(1, "SOC", 89.0), (1, "SOH", 100.0)]


def test_a_capture_across_midnight_lands_in_two_days(tmp_path: Path) -> None:
    source = tmp_path / "x.log"
    source.write_text(lines(1000, MIDNIGHT - 5))
    assert convert("--parquet", tmp_path / "ds", source).exit_code == 0
    names = sorted(str(path.relative_to(tmp_path / "ds").parent) for path in (tmp_path / "ds").rglob("*.parquet"))
    assert names == ["site=unknown/day=2026-11-26", "site=unknown/day=2026-11-27"]
    days = rows(tmp_path / "ds", "DISTINCT ON (frame) frame, day::VARCHAR")
    assert [day for _, day in days] == ["2026-11-26"] * 500 + ["2026-11-27"] * 500
    assert len(rows(tmp_path / "ds")) == len(list(by_cantools(source)))


def test_the_same_capture_is_never_there_twice(tmp_path: Path) -> None:
    """Not when it is converted again, not from another format of it, not with --force; another capture is added."""
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    one.write_text(lines(300))
    two.write_text(lines(300, seed=2))
    convert(one, tmp_path / "one.blf")
    convert(one, tmp_path / "one.log.gz")
    dataset = tmp_path / "ds"
    assert convert("--parquet", dataset, one).exit_code == 0
    count = len(rows(dataset))
    again = convert("--parquet", dataset, one, tmp_path / "one.blf", tmp_path / "one.log.gz")
    assert again.output.count("already there") == 3
    assert convert("--parquet", dataset, one, "--force").exit_code == 0
    assert len(rows(dataset)) == count
    assert convert("--parquet", dataset, two).exit_code == 0
    assert len(rows(dataset)) == 2 * count
    assert len(list(dataset.rglob("*.parquet"))) == 2
    assert [path.name for path in dataset.iterdir()] == ["site=unknown"], "no part is left"


def test_what_a_conversion_left_half_done_is_completed(tmp_path: Path) -> None:
    source, dataset = tmp_path / "x.log", tmp_path / "ds"
    source.write_text(lines(400, MIDNIGHT - 2))
    convert("--parquet", dataset, source)
    count = len(rows(dataset))
    next(dataset.rglob("day=2026-11-27/*.parquet")).unlink()
    result = convert("--parquet", dataset, source)
    assert "already there" not in result.output
    assert len(rows(dataset)) == count


def test_an_interrupted_conversion_leaves_no_part_of_a_table(tmp_path: Path) -> None:
    source, dataset = tmp_path / "x.log", tmp_path / "ds"
    source.write_text(lines(150_000))
    with subprocess.Popen([TOOL, "can", "convert", "--parquet", dataset, source], stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not list(dataset.rglob(".convert-*/*")):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    assert b"Traceback" not in errors
    assert not dataset.exists()


def test_a_clock_that_jumps_is_refused(tmp_path: Path) -> None:
    source, dataset = tmp_path / "x.log", tmp_path / "ds"
    source.write_text("".join(f"({1_700_000_000 + n * 86_400}.0) can0 305#0000000000000000\n" for n in range(500)))
    result = convert("--parquet", dataset, source)
    assert result.exit_code == 2
    assert "frames span more than 400 days; its clock jumps" in result.output
    assert not dataset.exists()


def test_a_text_that_is_none_does_no_harm(tmp_path: Path) -> None:
    source = tmp_path / "x.log"
    source.write_text("(1700000001.0) can0 35E#FF0041423C000000\n(1700000001.1) can0 35E#41FF0A4300000000\n")
    convert(source, tmp_path / "x.parquet")
    assert duckdb.sql(f"SELECT text FROM '{tmp_path}/x.parquet' ORDER BY frame").fetchall() == [("?",), ("A??C",)]


def test_the_examples_of_the_documentation_run(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (root / "docs/captures.md").read_text()
    source = tmp_path / "x.log"
    source.write_text(lines(600))
    monkeypatch.chdir(tmp_path)
    assert convert("--parquet", "dataset", "--site", "north", source).exit_code == 0
    examples = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    assert len(examples) >= 3
    for example in examples:
        assert duckdb.sql(example).fetchall(), example
    columns = duckdb.sql("DESCRIBE SELECT * FROM read_parquet('dataset/**/*.parquet', hive_partitioning = true)")
    for name, kind, *_ in columns.fetchall():
        assert re.search(rf"\| `{name}` \| {re.escape(kind)} \|", page), f"{name} {kind}"
