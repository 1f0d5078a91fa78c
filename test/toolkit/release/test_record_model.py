"""The record's file: read with care, written whole, shared by several programs."""

import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from support.fixtures.release_project import Project
from tinybms_gateway.release import files, record_model
from tinybms_gateway.release.record_model import add_entry, add_sign_off, load_record

WRITERS, ENTRIES = 4, 10


@pytest.fixture
def path(project: Project) -> Path:
    project.good("record")
    return project.record_path()


def test_an_entry_of_any_kind_comes_back(path: Path) -> None:
    entry: dict[str, Any] = {"site": "Bergère", "good": False, "rows": [{"name": "soc", "value": 57.3}], "none": None}
    add_entry(path, "check", entry)
    (read,) = load_record(path).entries
    assert (read.kind, read.data) == ("check", entry)
    assert read.time.utcoffset() is not None


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        ("", {}),
        ("Two words", {}),
        ("check", {"value": float("nan")}),
        ("check", {"value": object()}),
        ("check", {"value": b"bytes"}),
        ("check", [1]),
    ],
)
def test_entries_that_json_cannot_hold_leave_the_record_as_it_is(path: Path, kind: str, entry: Any) -> None:
    before = path.read_bytes()
    with pytest.raises(ValueError):
        add_entry(path, kind, entry)
    assert path.read_bytes() == before


def test_entries_of_any_shape_can_be_shown(project: Project, path: Path) -> None:
    add_entry(path, "check", {"site": "farm", "good": True, "rows": [1]})
    add_entry(path, "result", {"name": 5, "summary": {"figures": {}, "failed": 7}})
    add_entry(path, "result", {"summary": "text"})
    add_entry(path, "deployment", {"site": "\x1b[31mred\nline"})
    add_entry(path, "other", {})
    shown = project.good("record", "show").splitlines()[-5:]
    assert shown[0].endswith("UTC, site farm, good True")
    assert shown[1].endswith("5, 0 figures, all hold")
    assert shown[3].endswith("[31mred line, None")
    assert "\x1b" not in "".join(shown)


def test_an_entry_that_would_make_the_record_too_large(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ValueError, match="larger than 16 MB"):
        add_entry(path, "check", {"log": "x" * (17 << 20)})
    assert path.read_bytes() == before


def _add_many(path: Path, writer: int) -> None:
    for number in range(ENTRIES):
        add_entry(path, "check", {"writer": writer, "number": number})


def test_writers_at_once_lose_nothing(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_add_many, args=(path, writer)) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    read = [(entry.data["writer"], entry.data["number"]) for entry in load_record(path).entries]
    assert sorted(read) == [(writer, number) for writer in range(WRITERS) for number in range(ENTRIES)]
    assert [number for writer, number in read if writer == 0] == list(range(ENTRIES))


def test_a_power_cut_before_the_renaming_leaves_the_old_record(path: Path) -> None:
    before = path.read_bytes()
    child = os.fork()
    if child == 0:  # dies in the middle of the writing, as a power cut would end it
        with files.replaced(path) as file:
            file.write(b'{"half": ')
            file.flush()
            os._exit(0)
    os.waitpid(child, 0)
    assert path.read_bytes() == before
    assert [left.name for left in path.parent.iterdir() if "unfinished" in left.name]
    add_entry(path, "check", {})
    assert len(load_record(path).entries) == 1
    assert not [left.name for left in path.parent.iterdir() if "unfinished" in left.name]


def test_a_disk_that_is_full_leaves_the_old_record(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(OSError, match="full"), files.replaced(path) as file:
        file.write(b"half")
        raise OSError("disk full")
    assert path.read_bytes() == before
    assert not [left.name for left in path.parent.iterdir() if "unfinished" in left.name]


def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is not a regular file"), files.replaced(tmp_path / "pipe"):
        pass
    assert not (tmp_path / "pipe").is_file()


def test_a_record_that_another_program_holds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_model, "LOCK_WITHIN_S", 0.05)
    with record_model.locked(path), pytest.raises(ValueError, match="another program has held the record"):
        add_entry(path, "check", {})


@pytest.mark.parametrize("cut", [0, 1, 100, -2, -200])
def test_a_truncated_record(project: Project, path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:cut])
    line = project.refused("record", "show")
    assert "not a usable release record" in line
    assert "0.2.0.json" in project.refused("record", "site", "farm")


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[]", b"null", b"[" * 1_000_000, b'{"schema_version": 1}', b"{}" * 9_000_000]
)
def test_files_that_are_no_record(project: Project, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    project.refused("record", "show")


def test_a_record_of_a_newer_program(project: Project, path: Path) -> None:
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "schema_version": 2, "something": "new"}))
    assert "schema version is 2, but this program knows 1" in project.refused("record", "show")


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("git", "hash"), "0" * 40),
        (("git", "dirty"), True),
        (("version",), "0.2.1"),
        (("build", "idf_version"), "v5.4"),
        (("artefacts", "tinybms-web-gateway.bin", "sha256"), "0" * 64),
        (("artefacts", "tinybms-web-gateway.bin", "size"), -1),
        (("artefacts", "../../x"), {"sha256": "0" * 64, "size": 1}),
        (("sdkconfig", "text"), "CONFIG_X=y\n"),
    ],
)
def test_a_record_that_was_edited_by_hand(project: Project, path: Path, where: tuple[str, ...], value: object) -> None:
    record = json.loads(path.read_text())
    part = record["subject"]
    for name in where[:-1]:
        part = part[name]
    part[where[-1]] = value
    path.write_text(json.dumps(record))
    assert "not a usable release record" in project.refused("record", "show")
    with pytest.raises(ValueError):
        add_sign_off(path, "qa", "somebody")


def test_a_record_under_the_name_of_another_version(project: Project, path: Path) -> None:
    path.rename(path.with_name("0.3.0.json"))
    assert "the record of version 0.2.0" in project.refused("record", "show", "0.3.0")


def test_a_record_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="release record"):
        add_entry(tmp_path / "none.json", "check", {})
    assert list(tmp_path.iterdir()) == []
