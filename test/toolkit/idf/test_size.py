"""tinybms-gw idf size: components of a map file against size_budget.json."""

import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from tinybms_gateway.idf.link_map import read_map
from toolkit.idf.idf_world import World
from toolkit.idf.map_file import MapFile

LIMITS = {"application": 1310720, "boot_loader": 28672, "static_ram": 61440, "iram": 114688}
SHARES = {"tinybms": (26624, 0), "main": (8192, 512), "mqtt_bridge": (28672, 1024), "ESP-IDF": (839680, 40960)}


@pytest.fixture
def project(bare: World, root: Path) -> World:
    """A project with tinybms, mqtt_bridge and main, its own partition table, and a budget with numbers of this test."""
    shutil.copy(root / "partitions.csv", bare.project / "partitions.csv")
    budget = json.loads((root / "size_budget.json").read_text())
    budget["limits"] |= LIMITS
    budget["shares"] |= {name: {"flash": flash, "static_ram": ram} for name, (flash, ram) in SHARES.items()}
    (bare.project / "size_budget.json").write_text(json.dumps(budget))
    for name in ("tinybms", "mqtt_bridge"):
        add_component(bare, name)
    return bare


def add_component(world: World, name: str) -> None:
    (world.project / "components" / name).mkdir(parents=True)
    (world.project / "components" / name / "CMakeLists.txt").touch()


def small() -> MapFile:
    return (
        MapFile()
        .add("tinybms", flash_text=20000, flash_rodata=1000)
        .add("main", flash_text=500, iram0_text=60, dram0_data=40, dram0_bss=300, noinit=12)
        .add("freertos", iram0_text=10000, dram0_data=2000, dram0_bss=4000, flash_text=30000)
        .add("mqtt", flash_text=7000)
    )


def built(world: World, content: MapFile | str, image: int | None = None, boot_loader: int | None = None) -> Path:
    """The build directory as idf.py leaves it."""
    world.build.mkdir(exist_ok=True)
    name = "tinybms-web-gateway"
    (world.build / "project_description.json").write_text(json.dumps({"app_elf": f"{name}.elf", "target": "esp32"}))
    path = world.build / f"{name}.map"
    path.write_text(content if isinstance(content, str) else content.text())
    if image is not None:
        (world.build / f"{name}.bin").write_bytes(b"\xe9" * image)
    if boot_loader is not None:
        (world.build / "bootloader").mkdir()
        (world.build / "bootloader/bootloader.bin").write_bytes(b"\xe9" * boot_loader)
    return path


def measured(result: Result) -> tuple[dict[str, Any], dict[str, Any]]:
    told = json.loads(result.stdout)
    return told, {line["component"]: line for line in told["components"]}


def test_a_build_within_its_budget(project: World) -> None:
    path = built(project, small(), image=75000)
    result = project.run("size", "--json")
    assert result.exit_code == 0, result.output
    told, components = measured(result)
    assert components["tinybms"] == {
        "component": "tinybms", "flash": 21000, "static_ram": 0, "share": {"flash": 26624, "static_ram": 0},
    }  # fmt: skip
    # In the image: code in IRAM and start values, but no .bss and .noinit. RAM: .data, .bss and .noinit, but no IRAM.
    assert components["main"]["flash"] == 500 + 60 + 40
    assert components["main"]["static_ram"] == 40 + 300 + 12
    assert components["ESP-IDF"]["flash"] == 10000 + 2000 + 30000 + 7000
    assert components["ESP-IDF"]["static_ram"] == 6000
    assert components["mqtt_bridge"]["flash"] == 0  # mqtt is ESP-IDF's
    assert told["image"] == {
        "bytes": 75000, "file": str(path.with_suffix(".bin")), "limit": 1310720, "slot": 1572864,
    }  # fmt: skip
    assert told["static_ram"] == {"bytes": 6352, "limit": 61440}
    assert told["iram"] == {"bytes": 60 + 10000, "limit": 114688}
    assert told["boot_loader"] is None
    assert told["problems"] == []


def test_an_archive_with_the_name_of_a_component_of_ours_is_ours(project: World) -> None:
    add_component(project, "mqtt")
    built(project, small())
    _told, components = measured(project.run("size", "--json"))
    assert components["mqtt"]["flash"] == 7000
    assert components["ESP-IDF"]["flash"] == 42000


def test_without_the_image_its_sections_are_added_up(project: World) -> None:
    built(project, small())
    told, components = measured(project.run("size", "--json"))
    assert told["image"]["file"] is None
    assert told["image"]["bytes"] == sum(line["flash"] for line in components.values()) == 70600


def test_what_the_linker_pads_is_esp_idfs(project: World) -> None:
    content = small()
    content.padding = 32
    built(project, content)
    told, components = measured(project.run("size", "--json"))
    assert components["tinybms"]["flash"] == 21000
    assert components["ESP-IDF"]["flash"] == 49000 + 4 * 32  # of the four sections with content
    assert told["image"]["bytes"] == 70600 + 4 * 32


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (("tinybms", {"flash_text": 5625}), "tinybms takes 26625 bytes of flash, its share is 26624"),
        (("tinybms", {"dram0_bss": 1}), "tinybms takes 1 bytes of static_ram, its share is 0"),
        (("main", {"iram0_text": 7593}), "main takes 8193 bytes of flash, its share is 8192"),
        (("lwip", {"flash_rodata": 790681}), "ESP-IDF takes 839681 bytes of flash, its share is 839680"),
        (("lwip", {"dram0_bss": 34961}), "ESP-IDF takes 40961 bytes of static_ram, its share is 40960"),
    ],
)
def test_one_byte_above_a_share_is_an_error(project: World, part: tuple[str, dict[str, int]], problem: str) -> None:
    archive, sizes = part
    built(project, small().add(archive, **sizes))
    result = project.run("size")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [problem]
    assert not isinstance(result.exception, AssertionError)


def test_all_of_a_share_may_be_taken(project: World) -> None:
    built(project, small().add("tinybms", flash_text=5624), image=1310720, boot_loader=28672)
    assert project.run("size").exit_code == 0


@pytest.mark.parametrize(
    ("image", "boot_loader", "iram", "problem"),
    [
        (1310721, 1, 0, "the application image takes 1310721 bytes, 1310720 are allowed"),
        (1, 28673, 0, "the boot loader takes 28673 bytes, 28672 are allowed"),
        (1, 1, 104629, "IRAM takes 114689 bytes, 114688 are allowed"),
    ],
)
def test_one_byte_above_a_limit_of_the_build_is_an_error(
    project: World, image: int, boot_loader: int, iram: int, problem: str
) -> None:
    built(project, small().add("lwip", iram0_text=iram), image, boot_loader)
    result = project.run("size")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [problem]


def test_the_boot_loader_is_measured_when_the_build_has_one(project: World) -> None:
    path = built(project, small(), boot_loader=26208)
    told, _components = measured(project.run("size", "--json"))
    assert told["boot_loader"] == {
        "bytes": 26208, "file": str(path.parent / "bootloader/bootloader.bin"), "limit": 28672,
    }  # fmt: skip
    assert "boot loader" in project.run("size").stdout


def test_a_component_without_a_share_is_an_error(project: World) -> None:
    add_component(project, "newcomer")
    built(project, small().add("newcomer", flash_text=10))
    result = project.run("size")
    assert result.exit_code == 1
    assert "newcomer has no entry in size_budget.json" in result.stderr


def test_the_table_of_the_process(project: World) -> None:
    built(project, small().add_texts(600, [("log", 400), ("tinybms", 200), ("main", 200)]), 75000, 26208)
    said = subprocess.run(
        project.command("size"),
        cwd=project.project,
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    rows = {line.split("  ")[0]: line.split() for line in said.stdout.splitlines()}
    assert rows["tinybms"] == ["tinybms", "21,150", "26,624", "79", "0", "0", "-"]
    assert rows["main"] == ["main", "750", "8,192", "9", "352", "512", "69"]
    assert rows["application image"][2:] == ["75,000", "1,310,720", "6", "6,352", "61,440", "10"]
    assert rows["boot loader"][2:] == ["26,208", "28,672", "91"]
    assert rows["IRAM"] == ["IRAM", "10,060", "114,688", "9"]
    assert "image: 4.8 % of its slot of 1,572,864 bytes" in said.stdout
    assert "merged texts: 600 bytes, 800 before the linker merged those of all components; shared out" in said.stdout
    assert "\x1b" not in said.stdout and said.stderr == ""


def test_the_map_file_of_an_archive(project: World, tmp_path: Path) -> None:
    (tmp_path / "old.map").write_text(small().text())
    assert project.run("size", "--map", tmp_path / "old.map").exit_code == 0


def refused(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
    return result.stderr


def test_no_build(project: World) -> None:
    assert "run 'tinybms-gw idf build' first" in refused(project.run("size"))
    project.configured()
    assert "there is no build" in refused(project.run("size"))
    (project.build / "project_description.json").write_text("{")
    assert "there is no build" in refused(project.run("size"))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "hello\n",
        "Memory Configuration\n",
        small().text()[:400],
        small().text().replace("IDF_TARGET_ESP32", "SOMETHING"),
        "Memory Configuration\n\nName Origin Length Attributes\nx y z\n",
        MapFile().text(),
        "\x00" * 1000,
    ],
)
def test_what_is_no_map_file_is_one_line(project: World, tmp_path: Path, content: str) -> None:
    (tmp_path / "x.map").write_text(content)
    assert str(tmp_path / "x.map") in refused(project.run("size", "--map", tmp_path / "x.map"))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_map_file_that_was_damaged_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = small().add_texts(600, [("log", 400), ("tinybms", 200), ("main", 200)]).text()
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    path = tmp_path_factory.getbasetemp() / "damaged.map"
    path.write_text(text[:begin] + data.draw(st.text(max_size=20)) + text[end:], errors="replace")
    with contextlib.suppress(ValueError):
        takers = read_map(path, ["tinybms", "main"]).takers
        assert all(share.flash >= 0 for share in takers.values())


def test_bytes_that_are_no_text(project: World, tmp_path: Path) -> None:
    (tmp_path / "x.map").write_bytes(bytes(range(256)) * 10)
    refused(project.run("size", "--map", tmp_path / "x.map"))


@pytest.mark.parametrize("name", ["size_budget.json", "partitions.csv"])
@pytest.mark.parametrize("content", [None, "", "{}", "ota_0,app"])
def test_a_budget_or_partition_table_that_is_missing_or_broken(project: World, name: str, content: str | None) -> None:
    built(project, small())
    (project.project / name).unlink()
    if content is not None:
        (project.project / name).write_text(content)
    assert name in refused(project.run("size"))


@pytest.mark.parametrize(
    ("text", "size"), [("1536K", 1572864), ("1M", 1048576), ("0x180000", 1572864), ("65536", 65536)]
)
def test_sizes_of_partitions(project: World, text: str, size: int) -> None:
    built(project, small())
    (project.project / "partitions.csv").write_text(f"# Name, Type\nota_0, app, ota_0, 0x20000, {text}\n")
    assert measured(project.run("size", "--json"))[0]["image"]["slot"] == size
