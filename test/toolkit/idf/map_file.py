"""Map files of the linker as a build for the ESP32 leaves them, as small as they can be."""

from dataclasses import dataclass, field
from typing import NamedTuple

REGIONS = """
Memory Configuration

Name             Origin             Length             Attributes
iram0_0_seg      0x40080000         0x00020000         xr
iram0_2_seg      0x400d0020         0x0032ffe0         xr
dram0_0_seg      0x3ffb0000         0x0002c200         rw
drom0_0_seg      0x3f400020         0x003fffe0         r
*default*        0x00000000         0xffffffff

Linker script and memory map

                0x00000000                IDF_TARGET_ESP32 = 0x0
"""
ADDRESSES = {
    ".iram0.text": 0x40080000,
    ".dram0.data": 0x3FFB0000,
    ".noinit": 0x3FFB8000,
    ".dram0.bss": 0x3FFC0000,
    ".flash.rodata": 0x3F400020,
    ".flash.text": 0x400D0020,
}


class Part(NamedTuple):
    """What an archive puts into a section, in bytes."""

    archive: str
    size: int
    texts_before: int | None = None
    """For texts: what they were before the linker merged them. One of 0 bytes is part of one that came before."""
    kind: str = "str1.4"
    """How names of sections with them end."""

    def lines(self, address: int, number: int) -> list[str]:
        """As the linker of ESP-IDF v5.5 writes it: of texts that went into others it shows the old size."""
        source = f"esp-idf/{self.archive}/lib{self.archive}.a(file{number}.c.obj)"
        if self.texts_before is None:
            return [f" {f'.part.{number}':15}{address:#010x} {self.size:#10x} {source}"]
        shown = self.size or self.texts_before
        lines = [f" .rodata.function_{number}.{self.kind}", f"{'':16}{address:#010x} {shown:#10x} {source}"]
        return lines + ([f"{'':33}{self.texts_before:#x} (size before relaxing)"] if self.size else [])


@dataclass
class MapFile:
    """Sections and what archives put into them, in bytes."""

    sections: dict[str, list[Part]] = field(default_factory=dict)
    padding: int = 0
    """Bytes that each section is larger than what is in it."""

    def add(self, archive: str, **sizes: int) -> "MapFile":
        """Sizes by section: iram0_text, dram0_data, noinit, dram0_bss, flash_rodata, flash_text."""
        for name, size in sizes.items():
            self.sections.setdefault("." + name.replace("_", "."), []).append(Part(archive, size))
        return self

    def add_texts(
        self, merged: int, texts: list[tuple[str, int]], section: str = ".flash.rodata", kind: str = "str1.4"
    ) -> "MapFile":
        """Texts by archive that the linker merged into one piece: it stands where those of the first were."""
        for number, (archive, before) in enumerate(texts):
            self.sections.setdefault(section, []).append(Part(archive, 0 if number else merged, before, kind))
        return self

    def text(self) -> str:
        lines = [REGIONS]
        for name, parts in self.sections.items():
            address = ADDRESSES[name]
            total = sum(part.size for part in parts) + self.padding
            lines.append(f"{name:16}{address:#010x} {total:#10x}")
            for number, part in enumerate(parts):
                lines += part.lines(address, number)
                address += part.size
            lines.append("")
        return "\n".join([*lines, "", "Cross Reference Table", "", "Symbol  File", ""])
