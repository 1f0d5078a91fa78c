"""Kconfig, sdkconfig.defaults, the settings, the partition table and the page about them say the same."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from esp_idf_defs.partitions import PartitionTable

from tinybms_gateway.cli import main
from tinybms_gateway.gateway_process import PROGRAM

REQUIRED = {
    "TinyBMS Gateway": [
        "TINYBMS_CAN_VICTRON_TX_GPIO",
        "TINYBMS_CAN_VICTRON_RX_GPIO",
        "TINYBMS_CAN_VICTRON_BITRATE",
        "TINYBMS_CAN_KEEPALIVE_WARN_MS",
    ],
    "TinyBMS CAN metadata": [
        "TINYBMS_CAN_MANUFACTURER",
        "TINYBMS_CAN_BATTERY_NAME",
        "TINYBMS_CAN_BATTERY_FAMILY",
    ],
    "TinyBMS charge control": ["TINYBMS_CHARGE_CELL_MV", "TINYBMS_CHARGE_MAX_A", "TINYBMS_DISCH_MAX_A"],
    "TinyBMS alarms": ["TINYBMS_ALARM_CELL_MV", "TINYBMS_DIFF_WARN_MV", "TINYBMS_DIFF_ALARM_MV"],
    "TinyBMS Wi-Fi": [
        "TINYBMS_WIFI_STA_SSID",
        "TINYBMS_WIFI_STA_PASSWORD",
        "TINYBMS_WIFI_AP_SSID",
        "TINYBMS_WIFI_AP_PASSWORD",
    ],
}


@dataclass(frozen=True)
class Option:
    """One symbol, as the text of a Kconfig file has it."""

    menu: str
    prompt: str
    range: str
    default: str


@pytest.fixture(scope="module")
def options(root: Path) -> dict[str, Option]:
    found = {}
    for path in root.glob("components/*/Kconfig"):
        menu = ""
        for block in re.split(r"\n(?=\s*(?:config|menu|endmenu)\b)", path.read_text()):
            if match := re.match(r'\s*menu "(.*)"', block):
                menu = match[1]
            elif match := re.match(r"\s*config (\w+)", block):
                prompt = re.search(r'^\s+(?:int|string|bool|hex) "(.*)"$', block, re.MULTILINE)
                limits = re.search(r"^\s+range (\d+) (\d+)$", block, re.MULTILINE)
                default = re.search(r'^\s+default "?(.*?)"?$', block, re.MULTILINE)
                assert prompt and default, f"{match[1]} has no prompt or no default"
                assert re.search(r"^\s+help\n\s+\S", block, re.MULTILINE), f"{match[1]} has no help text"
                found[match[1]] = Option(menu, prompt[1], f"{limits[1]}..{limits[2]}" if limits else "-", default[1])
    return found


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs/configuration.md").read_text()


def test_the_menus_of_the_operations_guide_are_there(options: dict[str, Option]) -> None:
    for menu, symbols in REQUIRED.items():
        for symbol in symbols:
            assert options[symbol].menu == menu, symbol


def test_every_menu_is_recognised_as_ours(options: dict[str, Option]) -> None:
    assert all(option.menu.startswith("TinyBMS ") for option in options.values())
    assert all(symbol.startswith("TINYBMS_") for symbol in options)


def test_every_task_has_a_stack_and_a_priority(root: Path, options: dict[str, Option]) -> None:
    tasks = 0
    for source in root.glob("components/*/*.c"):
        for task in re.findall(r"service_task_config_t task = \{(.*?)\};", source.read_text(), re.DOTALL):
            used = re.findall(r"CONFIG_(\w+_(?:STACK|PRIORITY))", task)
            assert len(used) == 2, f"{source.name}: {task}"
            assert set(used) <= set(options), source.name
            tasks += 1
    assert tasks >= 6


def test_only_the_function_that_knows_the_cores_makes_tasks(root: Path) -> None:
    makers = {source.name for source in root.glob("components/*/*.c") if "xTaskCreate" in source.read_text()}
    assert makers == {"service_task.c"}


def test_the_page_has_each_option_in_its_menu_with_its_range_and_default(options: dict[str, Option], page: str) -> None:
    rows: dict[str, tuple[str, list[str]]] = {}
    menu = ""
    for line in page.splitlines():
        if line.startswith("#"):
            menu = line.lstrip("# ")
        elif match := re.match(r"\| `CONFIG_(TINYBMS_\w+)` \|", line):
            rows[match[1]] = menu, [cell.strip(" `") for cell in line.strip("|").split(" | ")]
    assert set(rows) == set(options)
    for symbol, option in options.items():
        in_menu, cells = rows[symbol]
        assert in_menu == option.menu, symbol
        assert cells[1:4] == [option.prompt, option.range, option.default or "empty"], symbol


def test_the_page_is_current(root: Path) -> None:
    ended = CliRunner().invoke(main, ["config", "docs", "--check", "--root", str(root)])
    assert ended.exit_code == 0, ended.output


def test_a_page_without_a_place_for_a_table_is_one_clear_error(root: Path, tmp_path: Path) -> None:
    for name in ("components", "host", "sdkconfig.defaults", "partitions.csv"):
        (tmp_path / name).symlink_to(root / name)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/configuration.md").write_text("# nothing here\n")
    ended = CliRunner().invoke(main, ["config", "docs", "--root", str(tmp_path)])
    assert ended.exit_code == 2
    assert "there must be one pair of markers" in ended.output


def test_every_option_is_used_and_every_used_one_exists(root: Path, options: dict[str, Option]) -> None:
    used: set[str] = set()
    for path in [*root.glob("components/*/*.c"), *root.glob("components/*/*.h"), *root.glob("main/*.c")]:
        used |= set(re.findall(r"\bCONFIG_(TINYBMS_\w+)", path.read_text()))
    assert used == set(options)


def test_a_setting_has_the_range_and_the_default_of_its_option(
    native_build: Path, options: dict[str, Option], page: str
) -> None:
    ended = subprocess.run([native_build / PROGRAM, "--settings"], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in ended.stdout.splitlines()[1:]]
    assert len(rows) >= 50
    for key, _value, unit, limits, factory, symbol, *_more in rows:
        assert f"| `{key}` |" in page
        if not symbol:
            continue
        option = options[symbol.removeprefix("CONFIG_")]
        assert factory == option.default, key
        if unit:
            low = "0" if ", or 0 = " in limits else limits.split("..")[0]
            assert option.range == f"{low}..{limits.split('..')[1].split()[0].rstrip(',')}", key
            assert f"({unit})" in option.prompt, key
        assert f"| `{symbol}` |" in page


def test_the_prompt_of_an_option_is_the_text_of_its_setting_and_its_unit(
    native_build: Path, options: dict[str, Option]
) -> None:
    ended = subprocess.run([native_build / PROGRAM, "--settings"], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in ended.stdout.splitlines()[1:]]
    assert len(rows) >= 50
    for key, _value, unit, limits, _factory, symbol, meaning, *_more in rows:
        if not symbol:
            continue
        prompt = options[symbol.removeprefix("CONFIG_")].prompt
        if unit:
            zero = re.search(r"\bor (0 = .*)", limits)
            assert prompt == f"{meaning} ({unit})" + (f", {zero[1]}" if zero else ""), key
        else:
            assert prompt.startswith(meaning), key


def test_no_password_has_a_default(options: dict[str, Option]) -> None:
    passwords = [option for symbol, option in options.items() if re.search("PASSWORD|SECRET|TOKEN", symbol)]
    assert len(passwords) >= 2
    assert all(option.default == "" for option in passwords)


def test_the_defaults_are_in_the_form_of_save_defconfig(root: Path) -> None:
    lines = (root / "sdkconfig.defaults").read_text().splitlines()
    assert lines[0].startswith("# This file was generated using idf.py save-defconfig")
    assert lines[1] == "# Espressif IoT Development Framework (ESP-IDF) 5.5.5 Project Minimal Configuration"
    assert lines[2] == "#"
    assert all(re.fullmatch(r"CONFIG_\w+=(y|n|\d+|0x[0-9a-f]+|\"[^\"]*\")", line) for line in lines[3:])


@pytest.mark.parametrize(
    "line",
    [
        "CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE=y",
        "CONFIG_TWAI_ISR_CACHE_SAFE=y",
        "CONFIG_UART_ISR_IN_IRAM=y",
        "CONFIG_ESP_TASK_WDT_PANIC=y",
        "CONFIG_ESP_COREDUMP_ENABLE_TO_FLASH=y",
        "CONFIG_COMPILER_OPTIMIZATION_SIZE=y",
        "CONFIG_PARTITION_TABLE_CUSTOM=y",
        "CONFIG_ESP_WIFI_NVS_ENABLED=n",
        "CONFIG_ESP_PHY_CALIBRATION_AND_DATA_STORAGE=n",
    ],
)
def test_what_the_control_path_and_updates_depend_on_is_set(root: Path, line: str) -> None:
    assert line in (root / "sdkconfig.defaults").read_text().splitlines()


def test_the_partition_table_is_valid_and_fits_into_4_mb(root: Path) -> None:
    table = PartitionTable.from_csv((root / "partitions.csv").read_text())
    table.verify()
    table.verify_size_fits(4 * 1024 * 1024)
    sizes = {partition.name: partition.size // 1024 for partition in table}
    assert sizes == {
        "nvs": 48,
        "otadata": 8,
        "phy_init": 4,
        "ota_0": 1536,
        "ota_1": 1536,
        "web_0": 192,
        "web_1": 192,
        "history": 256,
        "coredump": 64,
        "energy": 8,
        "limits": 8,
        "nvs_keys": 4,
    }
    first_slot = next(partition.offset for partition in table if partition.name == "ota_0")
    assert all(table.find_by_name(name).offset < first_slot for name in ("phy_init", "otadata", "nvs_keys", "nvs"))
    assert "CONFIG_PARTITION_TABLE_OFFSET=0xe000" in (root / "sdkconfig.defaults").read_text().splitlines()
    assert table[0].offset == 0xE000 + 0x1000, "the table takes a sector"


@pytest.mark.parametrize(
    ("name", "harmless", "secret"),
    [
        ("sdkconfig.defaults", 'CONFIG_TINYBMS_WIFI_STA_PASSWORD=""', 'CONFIG_TINYBMS_WIFI_STA_PASSWORD="{}22"'),
        ("deploy.yaml", "password: ''", "password: '{}22'"),
        ("key.pem", "-----BEGIN PUBLIC KEY-----", "-----BEGIN EC " + "PRIVATE KEY-----"),
    ],
)
def test_lint_refuses_a_secret(root: Path, tmp_path: Path, name: str, harmless: str, secret: str) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}

    def refused(text: str) -> str:
        (tmp_path / name).write_text(text + "\n")
        ended = subprocess.run(
            [root / "tools/dev/secrets.sh"], cwd=tmp_path, capture_output=True, text=True, env=environment, check=False
        )
        return ended.stdout + ended.stderr if ended.returncode != 0 else ""

    assert refused(harmless) == ""
    assert name in refused(secret.format("hunter"))
