"""Every user of flash in the firmware goes through the flash gate.

What is run is checked by the Linux build itself: flash that is changed without a turn ends the program
(host/platform/flash_turn.c). This test reads what is not run.
"""

import re
from pathlib import Path

import pytest

CHANGES_FLASH = re.compile(
    r"\b(nvs_(set|erase)_\w+|nvs_commit|nvs_flash_\w+|esp_partition_(write|erase)\w*|esp_flash_\w+|spi_flash_\w+"
    r"|esp_ota_(begin|write\w*|end|abort|set_boot_partition|mark_\w+|erase_\w+)|esp_https_ota\w*"
    r"|esp_vfs_spiffs_\w+|esp_spiffs_(format|gc))\s*\("
)
TAKES_TURNS = "flash_gate_take("


def users(root: Path) -> dict[str, str]:
    """Files of the firmware that change flash -> their text; the gate itself is no user."""
    files = [*root.glob("components/**/*.c"), *root.glob("main/*.c")]
    texts = {str(file.relative_to(root)): file.read_text() for file in files if file.parent.name != "flash_gate"}
    return {name: text for name, text in texts.items() if CHANGES_FLASH.search(text)}


def test_every_file_that_changes_flash_takes_turns(root: Path) -> None:
    found = users(root)
    assert {"components/settings/settings_storage.c", "components/battery/energy_store.c"} <= set(found)
    assert [name for name, text in found.items() if TAKES_TURNS not in text] == []


@pytest.mark.parametrize(
    "call", ["nvs_set_i32(nvs, key, 1)", "esp_partition_erase_range(p, 0, 4096)", "esp_ota_write(handle, data, 1)"]
)
def test_a_file_that_changes_flash_on_its_own_is_noticed(tmp_path: Path, call: str) -> None:
    component = tmp_path / "components/new"
    component.mkdir(parents=True)
    (component / "new.c").write_text(f"void save(void)\n{{\n    (void){call};\n}}\n")
    assert list(users(tmp_path)) == ["components/new/new.c"]


def test_a_file_that_only_reads_needs_no_turn(tmp_path: Path) -> None:
    component = tmp_path / "components/new"
    component.mkdir(parents=True)
    (component / "new.c").write_text("x = nvs_get_i32(nvs, key, &y) + esp_partition_read(p, 0, &y, 4);\n")
    assert users(tmp_path) == {}
