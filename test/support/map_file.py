"""Map files of the linker as a build for the ESP32 leaves them, as small as they can be."""

from dataclasses import dataclass, field

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


@dataclass
class MapFile:
    """Sections and what archives put into them, in bytes."""

    sections: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    padding: int = 0
    """Bytes that each section is larger than what is in it."""

    def add(self, archive: str, **sizes: int) -> "MapFile":
        """Sizes by section: iram0_text, dram0_data, noinit, dram0_bss, flash_rodata, flash_text."""
        for name, size in sizes.items():
            self.sections.setdefault("." + name.replace("_", "."), []).append((archive, size))
        return self

    def text(self) -> str:
        lines = [REGIONS]
        for name, parts in self.sections.items():
            address = ADDRESSES[name]
            total = sum(size for _archive, size in parts) + self.padding
            lines.append(f"{name:16}{address:#010x} {total:#10x}")
            for number, (archive, size) in enumerate(parts):
                source = f"esp-idf/{archive}/lib{archive}.a(file{number}.c.obj)"
                lines.append(f" {f'.part.{number}':15}{address:#010x} {size:#10x} {source}")
                address += size
            lines.append("")
        return "\n".join([*lines, "", "Cross Reference Table", "", "Symbol  File", ""])
