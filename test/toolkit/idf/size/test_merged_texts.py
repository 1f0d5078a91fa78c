"""tinybms-gw idf size: texts that the linker merged across components are those of the components that brought them."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from map_file import MapFile
from target import CHIPS, Chip, run
from tinybms_gateway.idf.budget import Share
from tinybms_gateway.idf.size.link_map import Merged, read_map

SCRIPT = """
MEMORY {
  iram0_0_seg (xr) : ORIGIN = 0x40080000, LENGTH = 0x20000
  iram0_2_seg (xr) : ORIGIN = 0x400d0020, LENGTH = 0x32ffe0
  dram0_0_seg (rw) : ORIGIN = 0x3ffb0000, LENGTH = 0x2c200
  drom0_0_seg (r) : ORIGIN = 0x3f400020, LENGTH = 0x3fffe0
}
IDF_TARGET_ESP32 = 0;
ENTRY(app_main)
SECTIONS {
  .iram0.text : { *(.iram1 .iram1.*) } > iram0_0_seg
  .dram0.data : { *(.data .data.* .sdata .sdata.*) } > dram0_0_seg
  .dram0.bss (NOLOAD) : { *(.bss .bss.* .sbss .sbss.* COMMON) } > dram0_0_seg
  .flash.rodata : { *(.rodata .rodata.* .srodata .srodata.*) } > drom0_0_seg
  .flash.text : { *(.literal .literal.* .text .text.*) } > iram0_2_seg
  /DISCARD/ : { *(.rodata_of_nobody.str1.1) }
}
"""
# Lengths with their 0 are multiples of 4: however the compiler aligns texts, nothing is between them.
SHARED = "what all three of them say at some time"
TEXTS = {
    "log": ["the first line of the log of ESP-IDF...", SHARED],
    "tinybms": ["the frame is too short.", "the checksum does not fit what was sent", SHARED],
    "main": [SHARED],
}
CODE = {
    "log": """extern void say(const char *text);
        volatile char said;
        __attribute__((noipa)) void say(const char *text) { said = *text; }
        __asm__(".pushsection .rodata_of_nobody.str1.1,\\"aMS\\",@progbits,1\\n.string \\"left out\\"\\n.popsection");
        void log_start(void) { TEXTS }""",
    "tinybms": "extern void say(const char *text); void tinybms_start(void) { TEXTS }",
    "main": """extern void say(const char *text), log_start(void), tinybms_start(void);
        void app_main(void) { TEXTS log_start(); tinybms_start(); }""",
}


def link(chip: Chip, folder: Path) -> Path:
    """A program of three archives, as ESP-IDF would link it; its map file."""
    archives = []
    for name, texts in TEXTS.items():
        home = folder / "esp-idf" / name
        home.mkdir(parents=True)
        source = home / f"{name}.c"
        source.write_text(CODE[name].replace("TEXTS", " ".join(f'say("{text}");' for text in texts)) + "\n")
        object_file = home / f"{name}.c.obj"
        run(f"{chip.prefix}gcc", *chip.options, "-Os", "-ffunction-sections", "-fdata-sections",
            "-c", source, "-o", object_file)  # fmt: skip
        archives.append(home / f"lib{name}.a")
        run(f"{chip.prefix}ar", "rc", archives[-1], object_file)
    (folder / "esp32.ld").write_text(SCRIPT)
    path = folder / "program.map"
    run(f"{chip.prefix}gcc", *chip.options, "-nostdlib", "-T", folder / "esp32.ld", f"-Wl,-Map,{path}", "-Wl,--cref",
        "-Wl,--no-relax", "-Wl,--whole-archive", *archives, "-o", folder / "program.elf")  # fmt: skip
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


def written(content: MapFile, folder: Path) -> Path:
    path = folder / "app.map"
    path.write_text(content.text())
    return path


def size(texts: Iterable[str]) -> int:
    return sum(len(text) + 1 for text in texts)


def section_sizes(chip: Chip, binary: Path, name: str) -> int:
    """Sum over the sections whose names begin so."""
    lines = run(f"{chip.prefix}size", "-A", binary).splitlines()
    return sum(int(words[1]) for line in lines if (words := line.split()) and words[0].startswith(name))


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_texts_in_a_map_of_the_real_linker_are_of_those_that_brought_them(chip: Chip, tmp_path: Path) -> None:
    read = read_map(link(chip, tmp_path), ["tinybms", "main"])
    brought = {name: size(texts) for name, texts in TEXTS.items()}
    kept = size({text for texts in TEXTS.values() for text in texts})
    assert read.merged == Merged(kept, sum(brought.values()))
    for name in ("tinybms", "main"):
        code = sum(
            section_sizes(chip, tmp_path / f"esp-idf/{name}/{name}.c.obj", kind) for kind in (".text", ".literal")
        )
        assert abs(read.takers[name].flash - code - kept * brought[name] / sum(brought.values())) <= 1, name
    assert sum(share.flash for share in read.takers.values()) == read.content
    assert read.content == section_sizes(chip, tmp_path / "program.elf", ".flash")
