"""tinybms-gw idf doctor: what is there, what is missing, and what to do."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tinybms_gateway.idf.installation import is_esp_idf
from toolkit.idf.idf_world import World, script

REAL = [Path(os.environ["IDF_PATH"])] if is_esp_idf(Path(os.environ.get("IDF_PATH") or "/nowhere")) else []


def examine(world: World, *options: object, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    result = world.run("doctor", "--json", *options, **environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    told = json.loads(result.stdout)
    assert told["good"] == (result.exit_code == 0)
    return result.exit_code, {check["name"]: check for check in told["checks"]}


def test_all_is_well(world: World) -> None:
    status, checks = examine(world)
    assert status == 0
    assert {check["state"] for check in checks.values()} == {"ok"}
    assert checks["ESP-IDF"]["found"].startswith(str(world.esp_idf))
    assert checks["version"]["found"] == "v5.5.5"
    assert checks["tool chain"]["found"] == "xtensa-esp-elf-gcc (crosstool-NG esp-14.2.0_20260121) 14.2.0"
    assert not any(check["remedy"] for check in checks.values())


def test_nothing_at_all_is_installed(bare: World) -> None:
    status, checks = examine(bare, PATH="/nowhere")
    assert status == 1
    assert checks["ESP-IDF"] == {
        "name": "ESP-IDF",
        "state": "missing",
        "found": "not found",
        "remedy": "git clone -b v5.5.5 --recursive https://github.com/espressif/esp-idf.git ~/esp/esp-idf",
    }
    assert checks["tool chain"]["state"] == checks["Python of ESP-IDF"]["state"] == "unknown"
    assert checks["tool chain"]["remedy"] == "~/esp/esp-idf/install.sh esp32"
    assert checks["cmake"]["remedy"] == "sudo apt-get install cmake"
    assert checks["ninja"]["remedy"] == "sudo apt-get install ninja-build"


def test_the_process_says_it_in_a_table_and_ends_with_1(bare: World) -> None:
    process = subprocess.run(
        bare.command("doctor"), cwd=bare.project, env=bare.environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 1
    assert "missing" in process.stdout and "  git clone -b v5.5.5" in process.stdout
    assert process.stderr == ""
    assert "\x1b" not in process.stdout


def test_idf_path_is_set_to_something_else(bare: World) -> None:
    status, checks = examine(bare, IDF_PATH="/nowhere")
    assert status == 1
    assert checks["ESP-IDF"]["found"] == "IDF_PATH is /nowhere, which holds no ESP-IDF"


def test_idf_path_option_is_wrong(bare: World) -> None:
    result = bare.run("doctor", "--idf-path", "/nowhere")
    assert result.exit_code == 2
    assert "--idf-path: there is no ESP-IDF in /nowhere" in result.stderr


def test_another_version_is_a_warning(bare: World) -> None:
    bare.install(version="5.3.1")
    status, checks = examine(bare)
    assert status == 0
    assert checks["version"]["state"] == "warning"
    assert checks["version"]["found"] == "v5.3.1; the project is made for 5.5"
    assert checks["version"]["remedy"].endswith("~/esp/v5.5.5/esp-idf")


@pytest.mark.parametrize(
    ("variable", "value", "check", "found"),
    [
        ("FAKE_IDF_MISSING", "xtensa-esp-elf", "tool chain", "no xtensa-esp-elf"),
        ("FAKE_IDF_PACKAGES", "esptool pyclang", "its packages", "esptool, pyclang"),
    ],
)
def test_a_tool_or_a_package_is_missing(world: World, variable: str, value: str, check: str, found: str) -> None:
    status, checks = examine(world, **{variable: value})
    assert status == 1
    assert checks[check]["state"] == "missing"
    assert checks[check]["found"] == found
    assert checks[check]["remedy"] == f"{world.esp_idf}/install.sh esp32"


def test_the_python_environment_is_missing(world: World) -> None:
    world.home.joinpath(".espressif/python_env/idf5.5_py3.11_env/bin/python").unlink()
    status, checks = examine(world)
    assert status == 1
    assert checks["Python of ESP-IDF"]["state"] == "missing"
    assert checks["tool chain"]["state"] == "unknown"


def test_the_python_of_the_environment_is_gone(world: World) -> None:
    python = world.home / ".espressif/python_env/idf5.5_py3.11_env/bin/python"
    python.unlink()
    script(python, "#!/nowhere/python\n")
    status, checks = examine(world)
    assert status == 1
    assert checks["Python of ESP-IDF"]["state"] == "missing"
    assert "does not run" in checks["Python of ESP-IDF"]["found"]


def test_a_clone_without_submodules(world: World) -> None:
    (world.esp_idf / ".gitmodules").write_text('[submodule "a"]\n\tpath = components/a\n\turl = ../a.git\n')
    status, checks = examine(world)
    assert status == 1
    assert checks["submodules"]["remedy"] == f"git -C {world.esp_idf} submodule update --init --recursive"
    (world.esp_idf / "components/a").mkdir(parents=True)
    (world.esp_idf / "components/a/a.c").touch()
    assert examine(world)[0] == 0


def test_an_old_cmake_is_as_good_as_none(world: World, tmp_path: Path) -> None:
    script(tmp_path / "old/cmake", "#!/bin/sh\necho cmake version 3.13.4\n")
    status, checks = examine(world, PATH=f"{tmp_path / 'old'}:{os.environ['PATH']}")
    assert status == 1
    assert checks["cmake"]["found"] == "cmake version 3.13.4, 3.16 is needed"


def test_the_project_is_set_to_another_chip(world: World) -> None:
    (world.project / "sdkconfig").write_text('CONFIG_IDF_TARGET="esp32s3"\n')
    status, checks = examine(world)
    assert status == 0
    assert checks["project"]["state"] == "warning"
    assert "sdkconfig is for esp32s3" in checks["project"]["found"]


@pytest.mark.parametrize("broken", ["", "garbage \x00\xff", "set(IDF_VERSION_MAJOR five)"])
def test_a_tree_that_does_not_say_its_version(world: World, broken: str) -> None:
    (world.esp_idf / "tools/cmake/version.cmake").write_bytes(broken.encode("latin-1"))
    _status, checks = examine(world)
    assert checks["version"]["state"] == "warning"
    assert checks["version"]["found"].startswith("unknown version")


@pytest.mark.parametrize("tree", ["fake", *REAL])
def test_the_commands_it_gives_are_there(world: World, tree: Path | str) -> None:
    """With the ESP-IDF of IDF_PATH as well, where there is one."""
    own = {} if tree == "fake" else {"HOME": os.environ["HOME"], **{n: v for n, v in os.environ.items() if "IDF" in n}}
    place = world.esp_idf if tree == "fake" else Path(tree)
    if tree == "fake":
        script(place / "install.sh", "#!/bin/sh\n")
    _status, checks = examine(world, "--idf-path", place, **own)
    assert checks["ESP-IDF"]["found"].startswith(str(place.resolve()))
    for check in checks.values():
        if "install.sh" in check["remedy"]:
            assert Path(check["remedy"].split()[-2]).is_file()
