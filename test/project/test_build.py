"""What the Linux build refuses: the same mistakes would come out on ESP-IDF only by chance, or late."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def tree(tmp_path: Path, root: Path) -> Path:
    for name in ("components", "main", "host"):
        shutil.copytree(root / name, tmp_path / name)
    for name in ("partitions.csv", "sdkconfig.defaults", "version.txt"):
        shutil.copy(root / name, tmp_path / name)
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def build(tree: Path, *targets: str) -> str:
    """Configure and build; returns the output of what failed, empty when nothing did."""
    configure = ["cmake", "-S", tree / "host", "-B", tree / "build", "-G", "Ninja", "-DBUILD_TESTING=OFF"]
    for command in (
        [*configure, f"-DTINYBMS_PYTHON={sys.executable}"],
        ["cmake", "--build", tree / "build", "--target", *targets],
    ):
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if ended.returncode != 0:
            return ended.stdout + ended.stderr
    return ""


def test_the_tree_as_it_is_builds(tree: Path) -> None:
    assert build(tree, "battery", "tinybms") == ""


def test_an_undeclared_dependency_is_refused(tree: Path) -> None:
    replace(tree / "components/event_bus/CMakeLists.txt", "PRIV_REQUIRES esp_timer", "")
    assert "esp_timer.h: No such file" in build(tree, "event_bus")


def test_a_requirement_that_does_not_exist_is_refused(tree: Path) -> None:
    replace(tree / "components/battery/CMakeLists.txt", "REQUIRES event_bus", "REQUIRES event_buss")
    assert "component battery requires event_buss" in build(tree, "battery")


def test_a_component_does_not_see_what_is_behind_the_api_on_linux(tree: Path) -> None:
    replace(tree / "components/event_bus/service_task.c", '#include "esp_timer.h"', '#include "host.h"')
    assert "host.h: No such file" in build(tree, "event_bus")


def test_a_pure_component_does_not_see_esp_idf(tree: Path) -> None:
    replace(tree / "components/tinybms/tinybms_crc.c", '#include "tinybms_crc.h"', '#include "esp_log.h"')
    assert "esp_log.h: No such file" in build(tree, "tinybms")


@pytest.mark.parametrize(
    ("file", "code", "complaint"),
    [
        ("settings/settings_table.c", "int x = CONFIG_TINYBMS_UART_RX_BUFFER;", "is of uart_bms, which settings"),
        (
            "battery_model/battery_bms.c",
            "#ifdef CONFIG_TINYBMS_ENERGY_SAVE_S\n#endif",
            "is of settings, which battery_model",
        ),
        ("battery/include/battery.h", "enum { X = CONFIG_TINYBMS_UART_RX_BUFFER };", "is of uart_bms, which battery"),
        ("battery/battery.c", "#if CONFIG_TWAI_ISR_CACHE_SAFE\n#endif", "is of esp_driver_twai, which battery"),
        ("battery/battery.c", "int x = CONFIG_TINYBMS_NO_SUCH;", "is in no Kconfig"),
    ],
    ids=["of a user", "in #ifdef", "in a header", "of ESP-IDF", "of nobody"],
)
def test_a_symbol_that_the_requirements_do_not_bring_is_refused(
    tree: Path, file: str, code: str, complaint: str
) -> None:
    source = tree / "components" / file
    with source.open("a") as end:
        end.write(code + "\n")
    place = f"{source}:{source.read_text().splitlines().index(code.splitlines()[0]) + 1}: error: CONFIG_"
    said = build(tree, "config_symbols")
    assert any(line.startswith(place) and complaint in line for line in said.splitlines()), said


def test_a_component_is_not_compiled_before_its_symbols_were_looked_at(tree: Path) -> None:
    with (tree / "components/tinybms/tinybms_crc.c").open("a") as source:
        source.write("int x = CONFIG_TINYBMS_UART_RX_BUFFER;\n")
    said = build(tree, "tinybms")
    assert "is of uart_bms, which tinybms does not require" in said
    assert "undeclared" not in said


def test_symbols_of_requirements_of_common_parts_and_in_words_are_taken(tree: Path) -> None:
    with (tree / "components/battery/battery.c").open("a") as source:
        source.write(
            "/* CONFIG_TINYBMS_UART_RX_BUFFER */\n"
            '_Static_assert(CONFIG_TINYBMS_EVENT_BUS_SUBSCRIPTIONS > 0, "CONFIG_TINYBMS_NO_SUCH");\n'
            '_Static_assert(CONFIG_FREERTOS_HZ > 0, "common");\n'
        )
    assert build(tree, "config_symbols") == ""


EMBEDDING = """
#include <stdint.h>
#include <stdio.h>
extern const uint8_t page_start[] asm("_binary_page_html_gz_start"), page_end[] asm("_binary_page_html_gz_end");
extern const char note_start[] asm("_binary_note_txt_start"), note_end[] asm("_binary_note_txt_end");
extern const uint32_t page_html_gz_length, note_txt_length;
int main(void)
{
    return page_end - page_start == 300 && page_html_gz_length == 300 && page_start[299] == 0xFF &&
           note_end - note_start == 3 && note_txt_length == 2 && puts(note_start) >= 0 ? 0 : 1;
}
"""


def test_a_component_embeds_files_under_the_names_that_esp_idf_gives_them(tree: Path) -> None:
    component = tree / "components/embedding"
    component.mkdir()
    (component / "page.html.gz").write_bytes(b"\xff" * 300)
    (component / "note.txt").write_text("hi")
    (component / "embedding.c").write_text("int embedding;\n")
    (component / "main.c").write_text(EMBEDDING)
    (component / "CMakeLists.txt").write_text(
        'idf_component_register(SRCS "embedding.c" EMBED_FILES "page.html.gz" EMBED_TXTFILES "note.txt")\n'
    )
    assert build(tree, "embedding") == ""
    program, library = component / "program", tree / "build/components/embedding/libembedding.a"
    subprocess.run(["cc", "-Werror", "-o", program, component / "main.c", library], check=True, timeout=60)
    assert subprocess.run([program], capture_output=True, check=True, timeout=10).stdout == b"hi\n"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [("CONFIG_TINYBMS_NO_SUCH=y", "TINYBMS_NO_SUCH"), ("CONFIG_TINYBMS_UART_POLL_MS=50", "TINYBMS_UART_POLL_MS")],
    ids=["unknown symbol", "out of range"],
)
def test_a_default_that_makes_no_sense_is_refused(tree: Path, line: str, complaint: str) -> None:
    with (tree / "sdkconfig.defaults").open("a") as defaults:
        defaults.write(line + "\n")
    assert complaint in build(tree, "tinybms")


def test_a_warning_is_an_error(tree: Path) -> None:
    with (tree / "components/tinybms/tinybms_crc.c").open("a") as source:
        source.write("static int unused(void)\n{\n    return 1;\n}\n")
    assert "-Werror" in build(tree, "tinybms")


def test_a_tool_that_builds_first_still_prints_nothing_but_its_result(tmp_path: Path, root: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tinybms_gateway", "bms", "registers", "--check"],
        capture_output=True,
        text=True,
        check=True,
        timeout=170,
        cwd=root,
        env=os.environ | {"TINYBMS_BUILD_DIR": str(tmp_path / "build")},
    )
    assert ended.stdout == "everything is up to date\n"
    assert "building" in ended.stderr
