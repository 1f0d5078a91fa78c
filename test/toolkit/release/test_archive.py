"""`release archive`: what is in it, that it can be checked, and what is refused."""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from support.fixtures.release_project import WIFI_WORD, Project
from tinybms_gateway.release import archive_file, sbom
from tinybms_gateway.release.files import replaced

FOLDER = "tinybms-web-gateway-0.2.0"


@pytest.fixture
def recorded(project: Project) -> Project:
    project.good("record")
    return project


def archive_of(project: Project) -> Path:
    return project.releases / f"{FOLDER}.tar.gz"


def unpacked(archive: Path, where: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(where, filter="data")
    return where / FOLDER


def repacked(archive: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Write an archive anew, with its files changed; checksums are not."""
    with tarfile.open(archive) as tar:
        content = {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]
    change(content)
    with tarfile.open(archive, "w:gz") as tar:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def test_what_is_in_it_and_sha256sum_agrees(recorded: Project, tmp_path: Path) -> None:
    capture = tmp_path / "bench run.log"
    capture.write_text("(1.0) can0 351#00\n")
    log = tmp_path / "m.log"
    log.write_text("I (12) boot\n")
    output = recorded.good("archive", "--capture", capture, "--monitor-log", log)
    archive = archive_of(recorded)
    folder = unpacked(archive, tmp_path / "out")
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "SHA256SUMS", "build/bootloader/bootloader.bin", "build/flasher_args.json", "build/ota_data_initial.bin",
        "build/partition_table/partition-table.bin", "build/tinybms-web-gateway.bin", "build/tinybms-web-gateway.elf",
        "build/tinybms-web-gateway.map", "build/web_0.bin", "captures/bench run.log", "monitor.log", "partitions.csv",
        "record.json", "sbom.spdx.json", "sdkconfig",
    ]  # fmt: skip
    for where, sums in ((folder, "SHA256SUMS"), (archive.parent, f"{archive.name}.sha256")):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", sums], cwd=where, check=True)
    assert hashlib.sha256(archive.read_bytes()).hexdigest() in output
    assert recorded.good("archive", "--verify", archive).strip().endswith("good: 15 files, version 0.2.0")


def test_the_same_inputs_make_the_same_bytes(recorded: Project, tmp_path: Path) -> None:
    recorded.good("archive")
    first = archive_of(recorded).read_bytes()
    other = tmp_path / "elsewhere" / "project"
    shutil.copytree(recorded.root, other)
    for path in other.rglob("*.bin"):
        path.chmod(0o600)
    clone = Project(other)
    clone.good("archive", "-o", tmp_path / "again.tar.gz")
    assert (tmp_path / "again.tar.gz").read_bytes() == first


def test_the_bill_of_materials_is_valid_and_names_what_is_in_the_firmware(recorded: Project, tmp_path: Path) -> None:
    recorded.good("archive")
    path = unpacked(archive_of(recorded), tmp_path / "out") / "sbom.spdx.json"
    document = parse_file(str(path))
    assert validate_full_spdx_document(document, "SPDX-2.3") == []
    packages = {package.name: package.version for package in document.packages}
    assert packages == {
        "tinybms-web-gateway": "0.2.0", "esp-idf": "v5.5.1", "freertos": "v5.5.1", "can_victron": "0.2.0",
        "espressif__mdns": None, "xtensa-esp32-elf-gcc": "esp-14.2.0_20241119",
    }  # fmt: skip
    image = hashlib.sha256((recorded.build / "tinybms-web-gateway.bin").read_bytes()).hexdigest()
    assert image in [checksum.value for file in document.files for checksum in file.checksums]


def test_a_build_without_a_description_has_a_bill_of_materials_too(project: Project) -> None:
    (project.build / "project_description.json").unlink()
    project.good("record")
    project.good("archive")
    project.good("archive", "--verify", archive_of(project))


def test_what_is_not_that_of_the_record(recorded: Project) -> None:
    (recorded.build / "web_0.bin").write_bytes(b"other pages")
    assert "web_0.bin: not the one of the record" in recorded.refused("archive")
    recorded.make_build()
    (recorded.build / "bootloader/bootloader.bin").unlink()
    assert "missing: bootloader/bootloader.bin" in recorded.refused("archive")
    recorded.make_build()
    (recorded.build / "new.bin").write_bytes(b"new")
    recorded.flash_files("tinybms-web-gateway.bin", "new.bin", "web_0.bin", "ota_data_initial.bin")
    assert "record" in recorded.refused("archive")
    recorded.make_build()
    sdkconfig = recorded.root / "sdkconfig"
    sdkconfig.write_text(sdkconfig.read_text() + "CONFIG_MORE=y\n")
    assert "sdkconfig: not the one of the record" in recorded.refused("archive")
    assert [path.name for path in recorded.releases.iterdir() if "tar" in path.name] == []


def test_the_partition_table_is_that_of_the_commit_that_was_built(recorded: Project, tmp_path: Path) -> None:
    expected = (recorded.root / "partitions.csv").read_text()
    recorded.write("partitions.csv", "nvs, data, nvs, 0x9000, 96K\n")
    recorded.commit("feat: for the next version")
    recorded.good("archive")
    assert (unpacked(archive_of(recorded), tmp_path / "out") / "partitions.csv").read_text() == expected


def test_no_record_and_a_dirty_tree(project: Project) -> None:
    assert "there is no such record" in project.refused("archive")
    project.write("README.md", "changed")
    project.make_build()
    project.good("record", "--allow-dirty")
    assert "uncommitted changes: README.md" in project.refused("archive")
    project.good("archive", "--allow-dirty")
    project.git("checkout", "README.md")
    assert "of a tree with changes" in project.refused("archive")


def test_no_password_gets_into_an_archive(project: Project, tmp_path: Path) -> None:
    text = (project.root / "sdkconfig").read_text()
    project.write("sdkconfig", text.replace('PASSWORD=""', f'PASSWORD="{WIFI_WORD}"'))
    project.make_build()
    project.good("record")
    log = tmp_path / "monitor.log"
    log.write_text(f"I (900) wifi: joining with {WIFI_WORD}\n")
    assert "monitor.log: holds a password" in project.refused("archive", "--monitor-log", log)
    project.good("archive")
    with tarfile.open(archive_of(project)) as tar:
        for entry in tar:
            assert WIFI_WORD.encode() not in tar.extractfile(entry).read(), entry.name  # type: ignore[union-attr]


def test_a_password_in_a_comment_does_not_get_into_an_archive(project: Project) -> None:
    project.write("sdkconfig.local", f'CONFIG_TINYBMS_WIFI_STA_PASSWORD="{WIFI_WORD}"\n')
    project.good("record")
    project.good("record", "sign", "--role", "qa", "--by", "somebody", "--comment", f"joined with {WIFI_WORD}")
    line = project.refused("archive")
    assert "an entry or a comment holds a password" in line
    assert WIFI_WORD not in line
    assert not archive_of(project).exists()


def test_an_image_with_a_password_in_it_is_refused(project: Project) -> None:
    text = (project.root / "sdkconfig").read_text()
    project.write("sdkconfig", text.replace('PASSWORD=""', f'PASSWORD="{WIFI_WORD}"'))
    project.make_build(more=WIFI_WORD.encode())
    project.good("record")
    assert "holds a password of the sdkconfig" in project.refused("archive")
    project.write("sdkconfig", text)
    project.write("sdkconfig.local", f'CONFIG_TINYBMS_WIFI_STA_PASSWORD="{WIFI_WORD}"\n')
    project.make_build(more=WIFI_WORD.encode())
    project.good("record", "--replace")
    assert "holds a password of the sdkconfig" in project.refused("archive")
    assert not archive_of(project).exists()


@pytest.mark.parametrize("name", ["-rf", ".bashrc", "a\nb", "a\\b", "é.log", "x" * 210])
def test_captures_whose_names_are_asking_for_trouble(recorded: Project, tmp_path: Path, name: str) -> None:
    capture = tmp_path / "captures" / name
    capture.parent.mkdir()
    capture.write_text("x")
    assert "rename it" in recorded.refused("archive", "--capture", capture)


def test_captures_that_are_not_there_or_twice(recorded: Project, tmp_path: Path) -> None:
    assert "missing" in recorded.refused("archive", "--capture", tmp_path / "none.log")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "c.log").write_text("x")
    captures = ["--capture", tmp_path / "a/c.log", "--capture", tmp_path / "b/c.log"]
    assert "two captures of this name" in recorded.refused("archive", *captures)
    assert "must end with .tar.gz" in recorded.refused("archive", "-o", tmp_path / "archive.zip")


def test_a_capture_that_is_still_being_written(
    recorded: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = sbom.make
    capture = tmp_path / "c.log"
    for before, after in (("(1) can0 351#\n", "(1) can0 351#\n(2) can0 355#\n"), ("long enough", "short")):
        capture.write_text(before)

        def change(*arguments: Any, content: str = after) -> str:  # between the hashing and the packing
            capture.write_text(content)
            return make(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(archive_file.sbom, "make", change)
            assert "changed while it was read" in recorded.refused("archive", "--capture", capture), before
    assert [path.name for path in recorded.releases.iterdir() if "tar" in path.name] == []


def test_a_power_cut_while_an_archive_is_written(recorded: Project) -> None:
    recorded.good("archive")
    before = archive_of(recorded).read_bytes()
    child = os.fork()
    if child == 0:
        with replaced(archive_of(recorded)) as file:
            file.write(b"half an archive")
            os._exit(0)
    os.waitpid(child, 0)
    assert archive_of(recorded).read_bytes() == before
    recorded.good("archive")
    assert archive_of(recorded).read_bytes() == before
    assert [path.name for path in recorded.releases.iterdir() if "unfinished" in path.name] == []


def _flip_image(content: dict[str, bytes]) -> None:
    content[f"{FOLDER}/build/tinybms-web-gateway.bin"] += b"x"


def _flip_image_and_sums(content: dict[str, bytes]) -> None:
    _flip_image(content)
    name = "build/tinybms-web-gateway.bin"
    old = json.loads(content[f"{FOLDER}/record.json"])["subject"]["artefacts"]["tinybms-web-gateway.bin"]["sha256"]
    new = hashlib.sha256(content[f"{FOLDER}/{name}"]).hexdigest()
    content[f"{FOLDER}/SHA256SUMS"] = content[f"{FOLDER}/SHA256SUMS"].replace(old.encode(), new.encode())


def _remove(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda content: content.pop(f"{FOLDER}/{name}") and None


def _add(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda content: content.update({name: b"x"})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_flip_image, "build/tinybms-web-gateway.bin: does not have the checksum"),
        (_flip_image_and_sums, "build/tinybms-web-gateway.bin: not the one in the record"),
        (_remove("build/web_0.bin"), "build/web_0.bin: missing"),
        (_remove("SHA256SUMS"), "SHA256SUMS: missing"),
        (_remove("record.json"), "record.json: missing"),
        (_remove("sbom.spdx.json"), "sbom.spdx.json: missing"),
        (_add(f"{FOLDER}/more.txt"), "more.txt: not listed"),
        (_add(f"{FOLDER}/../../etc/cron"), "not a plain file"),
        (_add("/etc/cron"), "not a plain file"),
        (_add("other/file"), "folders, not one"),
    ],
)
def test_an_archive_that_was_changed(
    recorded: Project, change: Callable[[dict[str, bytes]], None], complaint: str
) -> None:
    recorded.good("archive")
    repacked(archive_of(recorded), change)
    result = recorded.run("archive", "--verify", archive_of(recorded))
    assert result.exit_code == 1
    assert complaint in result.stdout
    report = json.loads(recorded.run("archive", "--verify", archive_of(recorded), "--json").stdout)
    assert any(complaint in problem for problem in report["problems"])


def test_an_archive_that_is_another_one_than_that_of_the_hash_beside_it(recorded: Project) -> None:
    recorded.good("archive")
    archive = archive_of(recorded)
    archive.write_bytes(gzip.compress(gzip.decompress(archive.read_bytes()), 1))
    assert ".tar.gz.sha256" in recorded.refused("archive", "--verify", archive, status=1)
    archive.with_name(f"{archive.name}.sha256").unlink()
    recorded.good("archive", "--verify", archive)


def test_files_that_are_no_whole_archive(recorded: Project, tmp_path: Path) -> None:
    recorded.good("archive")
    data = archive_of(recorded).read_bytes()
    link = io.BytesIO()
    with tarfile.open(fileobj=link, mode="w:gz") as tar:
        entry = tarfile.TarInfo(f"{FOLDER}/record.json")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    broken = bytearray(data)
    broken[len(data) // 2] ^= 0xFF
    for content in (
        b"",
        b"no archive",
        data[:100],
        data[:-20],
        bytes(broken),
        gzip.compress(b"x" * 5000),
        link.getvalue(),
    ):
        path = tmp_path / "a.tar.gz"
        path.write_bytes(content)
        line = recorded.refused("archive", "--verify", path, status=1)
        assert "a.tar.gz: " in line, f"{len(content)} bytes"
    assert "No such file" in recorded.refused("archive", "--verify", tmp_path / "none.tar.gz")
    assert "leave out --capture" in recorded.refused("archive", "--verify", path, "--capture", path)


def test_an_archive_that_is_not_there_is_named(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "none.tar.gz"
    assert project.refused("archive", "--verify", path) == f"Error: {path}: No such file or directory"
