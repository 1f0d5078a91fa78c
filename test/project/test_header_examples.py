"""Headers and sources explain themselves: each public header has an example that compiles, each C file its purpose."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADERS = sorted(ROOT.glob("components/*/include/*.h"))
SOURCES = sorted(
    path for path in [*ROOT.glob("components/**/*.c"), *ROOT.glob("main/*.c")] if "generated" not in path.parts
)
SPDX = r"/\*\n \* SPDX-FileCopyrightText: .*\n \*\n \* SPDX-License-Identifier: Apache-2.0\n \*/\n"
OPENING = re.compile(SPDX + r"#pragma once\n\n/\*\*\n \* @file\n \* @brief \S(?P<text>.*?)\n \*/\n", re.DOTALL)
EXAMPLE = re.compile(r" \* @code\{\.c\}\n((?: \* .*\n)+) \* @endcode")
LINES_MAX = 6
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror", "-Wno-unused-variable", "-Wno-unused-but-set-variable")
FREE = {
    "access": "access_handle_t access",
    "bms": "const battery_bms_t *bms",
    "bus": "event_bus_handle_t bus",
    "bytes": "const uint8_t *bytes",
    "flash": "energy_flash_t flash",
    "job": "void job(void *argument)",
    "kept": "const settings_saved_t *kept",
    "length": "size_t length",
    "now_ms": "int64_t now_ms",
    "now_us": "int64_t now_us",
    "pieces": "const settings_pieces_t *pieces",
    "places": "const settings_places_t *places",
    "room": "settings_room_t *room",
    "run": "void run(service_task_t *task, void *argument)",
    "settings": "settings_handle_t settings",
    "snapshot": "const tinybms_snapshot_t *snapshot",
    "state": "battery_state_t *state",
}
"""What an example may use without saying where it comes from."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def example_in(text: str) -> list[str]:
    """The lines of the one example in the opening comment of a header."""
    opening = OPENING.match(text)
    assert opening, "does not begin with @file and @brief"
    examples = EXAMPLE.findall(opening["text"])
    assert len(examples) == 1, f"{len(examples)} examples"
    lines = [line.removeprefix(" * ") for line in examples[0].splitlines()]
    assert len(lines) <= LINES_MAX
    return lines


def program(header: str, lines: list[str]) -> str:
    """The example as the body of a function, behind the header and what the example itself includes."""
    includes = [line for line in lines if line.startswith("#include ")]
    body = [line for line in lines if line not in includes]
    used = set(re.findall(r"(?<![.>])\b\w+\b", "\n".join(body)))
    free = [f"extern {declaration};" for name, declaration in FREE.items() if name in used]
    return "\n".join(
        [f'#include "{header}"', "#include <stddef.h>", *includes, *free, "void example(void)", "{", *body, "}", ""]
    )


@pytest.fixture(scope="module")
def options(native_build: Path) -> dict[str, list[str]]:
    """Component -> how its sources are compiled: include folders and definitions."""
    found: dict[str, list[str]] = {}
    for entry in json.loads((native_build / "compile_commands.json").read_text()):
        component = re.match(rf"{re.escape(str(ROOT))}/components/(\w+)/", entry["file"])
        if component:
            found[component[1]] = [word for word in shlex.split(entry["command"]) if word.startswith(("-I", "-D"))]
    return found


def complaints(source: str, options: list[str]) -> str:
    """What the compiler objects to; empty = nothing."""
    return subprocess.run(
        ["gcc", "-fsyntax-only", "-std=gnu11", *WARNINGS, *options, "-x", "c", "-"],
        input=source,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    ).stderr


@pytest.mark.parametrize("path", HEADERS, ids=name_of)
def test_the_example_of_a_public_header_compiles(path: Path, options: dict[str, list[str]]) -> None:
    source = program(path.name, example_in(path.read_text()))
    assert complaints(source, options[path.parts[-3]]) == ""


def test_an_example_that_is_out_of_date_is_noticed(options: dict[str, list[str]]) -> None:
    assert complaints(program("tinybms_crc.h", ["uint8_t crc = tinybms_crc16(bytes, length);"]), options["tinybms"])
    assert complaints(program("tinybms_crc.h", ["tinybms_crc8(bytes, length);"]), options["tinybms"])


@pytest.mark.parametrize("path", HEADERS, ids=name_of)
def test_a_function_with_an_error_code_says_what_each_code_means(path: Path) -> None:
    text = path.read_text()
    declared = re.findall(r"^esp_err_t (\w+)\(", text, re.MULTILINE)
    explained = re.findall(
        r"^ \* @return\n \* - ESP_OK: .+\n(?: \* .*\n| \*\n)* \*/\nesp_err_t (\w+)\(", text, re.MULTILINE
    )
    assert explained == declared


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_source_begins_with_its_purpose(path: Path) -> None:
    opening = re.match(SPDX + r"(/\*\*.*?\*/)\n\n?#include ", path.read_text(), re.DOTALL)
    assert opening, "no comment between the license and the first #include"
    assert len(re.findall(r"^(?:/\*\*| \*) \S", opening[1], re.MULTILINE)) in (1, 2, 3)
