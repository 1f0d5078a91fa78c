"""A small project with a real git repository and a build directory as ESP-IDF leaves it."""

import hashlib
import json
import os
import struct
import subprocess
from functools import reduce
from pathlib import Path

from click.testing import CliRunner, Result

from tinybms_gateway.cli import main

WIFI_WORD = "correct horse battery"
SDKCONFIG = """# Espressif IoT Development Framework (ESP-IDF) 5.5.1 Project Configuration
CONFIG_IDF_TARGET="esp32"
CONFIG_TINYBMS_WIFI_STA_SSID="house"
CONFIG_TINYBMS_WIFI_STA_PASSWORD=""
# CONFIG_ESP_WIFI_MBO_SUPPORT is not set
"""
CHANGELOG = """# Changelog

## [Unreleased]

## [0.2.0] - 2024-08-10

### Added
- A value that is
  written over two lines.

```
## [9.9.9] in a block of code is no heading
```

## [0.1.0] - 2024-07-01

### Added
- The first version.
"""
POLICY = "windows: []\n"
IDF = "/opt/esp-idf"
COMPILER = "/opt/espressif/tools/xtensa-esp-elf/esp-14.2.0_20241119/xtensa-esp-elf/bin/xtensa-esp32-elf-gcc"


def app_image(elf: bytes, version: str = "0.2.0", project: str = "tinybms-web-gateway", more: bytes = b"") -> bytes:
    """An application image for the ESP32: header, one segment with esp_app_desc_t in front, checksum, SHA-256."""
    text = "32s32s16s16s32s"
    desc = struct.pack(
        f"<II8x{text}32s80x", 0xABCD5432, 0, version.encode(), project.encode(), b"10:11:12", b"Aug 10 2024", b"v5.5.1",
        hashlib.sha256(elf).digest(),
    )  # fmt: skip
    assert len(desc) == 256
    data = desc + more + bytes(-len(desc + more) % 4)
    header = bytes([0xE9, 1, 2, 0x20]) + struct.pack("<I", 0x40081000) + b"\xee" + bytes(3)
    header += struct.pack("<HBHHI", 0, 0, 0, 399, 0) + b"\x01"
    image = header + struct.pack("<II", 0x3F400020, len(data)) + data
    image += bytes(-(len(image) + 1) % 16) + bytes([reduce(lambda a, b: a ^ b, data, 0xEF)])
    return image + hashlib.sha256(image).digest()


class Project:
    """The project at `root`; every commit has the date that it is given."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.build = root / "build"
        self.releases = root / "releases"

    def git(self, *arguments: str, date: str = "2024-08-01T12:00:00+00:00") -> str:
        environment = {**os.environ, "GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date}
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.root, env=environment, check=True, capture_output=True, text=True
        ).stdout

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self, message: str = "feat: something", date: str = "2024-08-01T12:00:00+00:00") -> str:
        """Commit all that there is; returns the hash."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message, date=date)
        return self.git("rev-parse", "HEAD").strip()

    def make_build(self, version: str = "0.2.0", more: bytes = b"") -> None:
        """What `idf.py build` leaves behind."""
        elf = b"\x7fELF" + b"code of the gateway" * 10 + more
        content = {
            "tinybms-web-gateway.elf": elf,
            "tinybms-web-gateway.bin": app_image(elf, version, more=more),
            "tinybms-web-gateway.map": b"Memory Configuration\n",
            "bootloader/bootloader.bin": b"\xe9boot",
            "partition_table/partition-table.bin": b"\xaa\x50table",
            "ota_data_initial.bin": b"\xff" * 64,
            "web_0.bin": b"pages",
            "CMakeFiles/3.30.2/CMakeCCompiler.cmake": b'set(CMAKE_C_COMPILER_VERSION "14.2.0")\n',
        }
        for name, data in content.items():
            path = self.build / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.flash_files("bootloader/bootloader.bin", "partition_table/partition-table.bin", "ota_data_initial.bin",
                         "tinybms-web-gateway.bin", "web_0.bin")  # fmt: skip
        info = {
            "freertos": {"dir": f"{IDF}/components/freertos"},
            "can_victron": {"dir": str(self.root / "components/can_victron")},
            "espressif__mdns": {"dir": str(self.root / "managed_components/espressif__mdns")},
        }
        description = {"idf_path": IDF, "target": "esp32", "c_compiler": COMPILER, "build_component_info": info}
        (self.build / "project_description.json").write_text(json.dumps(description))

    def flash_files(self, *names: str) -> None:
        files = {hex(0x1000 * number): name for number, name in enumerate(names, start=1)}
        (self.build / "flasher_args.json").write_text(json.dumps({"flash_files": files}))

    def run(self, *arguments: str | Path) -> Result:
        """A command of `tinybms-gw release` on this project."""
        command = ["release", *map(str, arguments), "--root", str(self.root)]
        return CliRunner().invoke(main, command, catch_exceptions=False)

    def good(self, *arguments: str | Path) -> str:
        """The output of a command that has to go well."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *arguments: str | Path, status: int = 2) -> str:
        """The one line of a command that has to be refused."""
        result = self.run(*arguments)
        assert result.exit_code == status, result.output
        assert len(result.output.strip().splitlines()) == 1, result.output
        return result.output.strip()

    def record_path(self, version: str = "0.2.0") -> Path:
        return self.releases / f"{version}.json"

    def record(self, version: str = "0.2.0") -> dict[str, object]:
        content: dict[str, object] = json.loads(self.record_path(version).read_text())
        return content

    def sign_all(self) -> None:
        for role in ("firmware", "victron", "qa"):
            self.good("record", "sign", "--role", role, "--by", f"someone for {role}")


def new_project(root: Path) -> Project:
    """A project of version 0.2.0 with one commit and a build of it."""
    project = Project(root)
    files = {
        "version.txt": "0.2.0\n",
        "CHANGELOG.md": CHANGELOG,
        ".gitignore": "build/\nsdkconfig\nsdkconfig.local\n/releases/\n",
        "partitions.csv": "nvs, data, nvs, 0x9000, 48K\n",
        "sdkconfig.defaults": "CONFIG_FREERTOS_HZ=1000\n",
        "ota/policy.yaml": POLICY,
        "main/app_main.c": "void app_main(void) {}\n",
        "components/victron_pgn/encode.c": "int x;\n",
        "tools/tinybms_gateway/can/victron_bms.dbc": 'VERSION "1.4"\n',
        "tools/tinybms_gateway/bms/tinybms_registers.json": '{"registers": []}\n',
        "components/settings/settings_table.c": "int table;\n",
        "web/openapi.yaml": "openapi: 3.1.0\ninfo:\n  title: gateway\n  version: 2.1.0\n",
        "README.md": "# Gateway\n\n## Start\n\nthus\n\n## End\n\nso\n",
    }
    for name, text in files.items():
        project.write(name, text)
    project.git("init", "--quiet", "--initial-branch=main", "--template=")
    project.commit("feat: begin")
    project.git("repack", "-a", "-d", "--quiet")
    project.write("sdkconfig", SDKCONFIG)
    project.make_build()
    return project
