"""Figures: their file, their table in docs/figures.md, and what is said of those that moved."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from support.instruments import record_figures
from support.instruments.figures import FIGURES, RECORDS, SOAK, Figure, Figures, Record, load, moved_since, table
from support.instruments.fuzzing import CrashError, fuzz, targets


@pytest.fixture
def figures() -> Figures:
    found = Figures()
    found.add("slow", "how slow", 81.26, "ms", at_most=80)
    found.add("often", "how often", 200, "", at_least=200)
    found.add("size", "how large", 12345, "bytes")
    found.add("period", "how far apart", 999.99, "ms")
    found.add("size_text", "how large, .text", 45, "bytes", detail=True)
    return found


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_the_page_of_figures_shows_the_recorded_ones(root: Path, record: Record) -> None:
    page = (root / "docs/figures.md").read_text()
    recorded = load(record.reference) if record.reference.exists() else Figures()
    assert record_figures.with_table(page, recorded, record) == page


def test_a_recorded_soak_is_a_whole_one() -> None:
    if SOAK.reference.exists():
        recorded = {figure.name: figure.value for figure in load(SOAK.reference).figures}
        assert recorded["soak_minutes"] >= 30


def test_the_recorded_figures_have_the_limits_of_the_project() -> None:
    """Those of a chip's instruction set are exact and hold; times are of the machine that recorded them."""
    recorded = {figure.name: figure for figure in load(FIGURES.reference).figures}
    for name, at_most in (
        ("fault_to_frame_p50", 80),
        ("fault_to_frame_p99", 150),
        ("limits_period_p99", 1020),
        ("limits_period_max", 1100),
        ("rv32_cycle", 49_999),
        ("rv32_flash", 52_223),
        ("rv32_ram", 8_191),
    ):
        assert recorded[name].at_most == at_most, name
    assert recorded["limits_period_p01"].at_least == 980
    assert recorded["fault_to_frame_samples"].value >= 200
    assert all(recorded[name].holds for name in ("rv32_cycle", "rv32_flash", "rv32_ram"))


def test_every_fuzz_target_is_recorded_and_has_a_corpus(root: Path) -> None:
    recorded = {figure.name for figure in load(FIGURES.reference).figures}
    assert targets() == [
        "can_receive",
        "frame_parser",
        "import",
        "json",
        "register_decoder",
        "web_cookie",
        "web_path",
        "web_request",
        "web_socket",
    ]
    for name in targets():
        assert {f"fuzz_{name}_rate", f"fuzz_{name}_edges"} <= recorded, name
        assert len(list((root / "test/fuzz/corpus" / name).iterdir())) >= 10, name


def test_the_file_says_value_unit_limit_and_whether_it_holds(figures: Figures, tmp_path: Path) -> None:
    figures.save(tmp_path / "figures.json")
    data = json.loads((tmp_path / "figures.json").read_text())
    assert data["layout"] == 1
    assert data["figures"] == [
        {"name": "slow", "title": "how slow", "value": 81.26, "unit": "ms", "at_most": 80, "holds": False},
        {"name": "often", "title": "how often", "value": 200, "unit": "", "at_least": 200, "holds": True},
        {"name": "size", "title": "how large", "value": 12345, "unit": "bytes"},
        {"name": "period", "title": "how far apart", "value": 999.99, "unit": "ms"},
        {"name": "size_text", "title": "how large, .text", "value": 45, "unit": "bytes", "detail": True},
    ]
    assert load(tmp_path / "figures.json") == figures
    assert [figure.name for figure in figures.broken()] == ["slow"]


def test_the_table_has_a_row_for_each_figure_but_details(figures: Figures) -> None:
    assert table(figures.figures).splitlines()[2:] == [
        "| how slow | 81.3 ms | ≤ 80 ms | **no** |",
        "| how often | 200 | ≥ 200 | yes |",
        "| how large | 12,345 bytes |  |  |",
        "| how far apart | 1,000 ms |  |  |",
    ]


def figure(name: str, value: float) -> Figure:
    return Figure(name=name, title=name, value=value, unit="ms")


def test_what_moved_by_more_than_ten_percent_is_said() -> None:
    before = Figures(figures=[figure("same", 100), figure("more", 100), figure("gone", 1), figure("zero", 0)])
    after = Figures(figures=[figure("same", 109), figure("more", 112), figure("new", 5), figure("zero", 0)])
    assert moved_since(before, after) == ["more: 100 -> 112 ms", "new: new, 5 ms", "gone: no more measured"]


def test_each_set_is_recorded_at_its_own_place(figures: Figures, tmp_path: Path) -> None:
    page = tmp_path / "figures.md"
    page.write_text("\n".join(f"{record.begin}\n{record.end}" for record in RECORDS.values()))
    figures.save(tmp_path / "soak.json")
    soak = Record("soak", tmp_path / "reference_soak.json", "bench-record")
    record_figures.save_record(tmp_path / "soak.json", soak, page)
    assert load(soak.reference) == figures
    assert page.read_text().endswith(f"{FIGURES.end}\n{SOAK.begin}\n{table(figures.figures)}{SOAK.end}")
    assert record_figures.main([str(tmp_path / "others.json")]) == 2


def record_in(directory: Path) -> Record:
    return Record("figures", directory / "reference.json", "figures-record")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "figures.md"
    path.write_text(f"before\n{FIGURES.begin}\nold\n{FIGURES.end}\nafter\n")
    return path


def test_recording_updates_reference_and_page(figures: Figures, page: Path, tmp_path: Path) -> None:
    figures.save(tmp_path / "figures.json")
    record_figures.save_record(tmp_path / "figures.json", record_in(tmp_path), page)
    assert load(tmp_path / "reference.json") == figures
    assert page.read_text() == f"before\n{FIGURES.begin}\n{table(figures.figures)}{FIGURES.end}\nafter\n"


def test_a_part_of_the_figures_is_not_recorded(figures: Figures, page: Path, tmp_path: Path) -> None:
    figures.save(tmp_path / "reference.json")
    Figures(figures=figures.figures[:1]).save(tmp_path / "figures.json")
    with pytest.raises(ValueError, match="not measured: often, period, size, size_text"):
        record_figures.save_record(tmp_path / "figures.json", record_in(tmp_path), page)
    assert load(tmp_path / "reference.json") == figures


@pytest.mark.parametrize("content", [None, "", "{", '{"layout": 1, "figures": [{}]}', "[]"])
def test_figures_that_are_not_there_or_are_none_are_refused(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "figures.json"
    if content is not None:
        path.write_text(content)
    assert record_figures.main([str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(r".*figures\.json: .*; run 'make figures' first\n", said.err)


def test_an_input_that_crashes_is_kept_and_told(tmp_path: Path) -> None:
    program = tmp_path / "target"
    program.write_text(
        "#!/bin/sh\n"
        'for argument; do case $argument in -artifact_prefix=*) printf x >"${argument#*=}crash-1";; esac; done\n'
        "echo 'must hold: bytes are conserved' >&2\nexit 77\n"
    )
    program.chmod(0o755)
    (tmp_path / "corpus").mkdir()
    regressions = tmp_path / "regressions"
    regressions.mkdir()
    with pytest.raises(CrashError, match=r"bytes are conserved\nkept for 'make test'.*crash-1"):
        fuzz(program, 1, tmp_path / "corpus", regressions)
    assert (regressions / "crash-1").read_text() == "x"


def test_a_corpus_that_is_not_there_is_refused(native_build: Path, tmp_path: Path) -> None:
    program = native_build / "fuzz/fuzz_frame_parser.elf"
    ended = subprocess.run([program, tmp_path / "gone"], capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 2
    assert ended.stderr == f"{tmp_path / 'gone'}: No such file or directory\n"
