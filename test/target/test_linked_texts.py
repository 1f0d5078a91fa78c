"""tinybms-gw idf size on maps of real linkers: merged texts are those of the components that brought them."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from support.instruments.target import CHIPS, Chip, run
from tinybms_gateway.idf.link_map import Merged, read_map

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
