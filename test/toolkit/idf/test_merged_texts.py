"""tinybms-gw idf size: texts that the linker merged across components are those of the components that brought them."""

import re
from pathlib import Path

import pytest

from tinybms_gateway.idf import link_map
from tinybms_gateway.idf.budget import Share
from tinybms_gateway.idf.link_map import Merged, read_map
from toolkit.idf.map_file import MapFile


def written(content: MapFile, folder: Path) -> Path:
    path = folder / "app.map"
    path.write_text(content.text())
    return path


def test_texts_are_of_those_that_brought_them_and_not_of_the_archive_that_came_first(tmp_path: Path) -> None:
    content = MapFile().add("tinybms", flash_text=1000).add("log", flash_rodata=40)
    content.add_texts(20000, [("esp_app_format", 238), ("tinybms", 12000), ("log", 11762)]).add("main", flash_rodata=7)
    read = read_map(written(content, tmp_path), ["tinybms", "main"])
    assert read.merged == Merged(20000, 24000)
    assert {name: share.flash for name, share in read.takers.items()} == {
        "tinybms": 1000 + 10000, "main": 7, "ESP-IDF": 40 + 10000,
    }  # fmt: skip
    assert read.content == 1000 + 40 + 20000 + 7


def test_texts_are_shared_out_within_their_section_alone(tmp_path: Path) -> None:
    content = MapFile().add_texts(300, [("log", 200), ("tinybms", 400)])
    content.add_texts(100, [("heap", 50), ("tinybms", 50)], section=".dram0.data")
    read = read_map(written(content, tmp_path), ["tinybms"])
    assert read.takers["tinybms"] == Share(flash=200 + 50, static_ram=50)
    assert read.takers["ESP-IDF"] == Share(flash=100 + 50, static_ram=50)


def test_constants_are_merged_and_shared_out_apart_from_texts(tmp_path: Path) -> None:
    content = MapFile().add_texts(300, [("log", 100), ("main", 500)])
    content.add_texts(64, [("soc", 48), ("tinybms", 48)], kind="cst8").add("heap", flash_rodata=1)
    read = read_map(written(content, tmp_path), ["main", "tinybms"])
    assert {name: share.flash for name, share in read.takers.items()} == {
        "main": 250, "tinybms": 32, "ESP-IDF": 50 + 32 + 1,
    }  # fmt: skip


def test_texts_that_were_not_merged_stay_as_they_are(tmp_path: Path) -> None:
    content = MapFile().add_texts(64, [("tinybms", 64)]).add("log", flash_rodata=10)
    read = read_map(written(content, tmp_path), ["tinybms"])
    assert read.takers["tinybms"].flash == 64
    assert read.merged == Merged(64, 64)


@pytest.mark.parametrize("rest", [1, 2, 3, 7])
def test_no_byte_is_lost_when_the_sizes_do_not_divide(tmp_path: Path, rest: int) -> None:
    texts = [("log", 3), ("tinybms", 7), ("main", 11), ("heap", 13)]
    read = read_map(written(MapFile().add_texts(16 + rest, texts), tmp_path), ["tinybms", "main"])
    assert sum(share.flash for share in read.takers.values()) == 16 + rest
    assert abs(read.takers["main"].flash - (16 + rest) * 11 / 34) <= 1


def test_a_map_of_another_form_is_read_with_the_texts_where_the_linker_has_booked_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = MapFile().add("tinybms", flash_text=1000).add_texts(300, [("log", 200), ("tinybms", 400)])
    monkeypatch.setattr(link_map, "PART", re.compile("a line that no map has"))
    read = read_map(written(content, tmp_path), ["tinybms"])
    assert read.merged is None
    assert {name: share.flash for name, share in read.takers.items()} == {"tinybms": 1000, "ESP-IDF": 300}
