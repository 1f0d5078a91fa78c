"""test/unit/suites.cmake is the one list of Unity suites: everybody who reads it understands the same."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from project.chip_suites import CHIP_SUITES


def known_to_idf_py(root: Path, target: str) -> list[str]:
    program = f"import json, idf_ext; print(json.dumps(idf_ext.suites_of({target!r})))"
    answer = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, check=True, timeout=20)
    names: list[str] = json.loads(answer.stdout)
    return names


def test_idf_py_and_ctest_know_the_same_suites(root: Path, native_build: Path) -> None:
    listed = subprocess.run(
        ["ctest", "--test-dir", native_build, "-N"], capture_output=True, text=True, check=True, timeout=20
    )
    assert known_to_idf_py(root, "linux") == re.findall(r"Test +#\d+: (?!fuzz_)(\w+)", listed.stdout)
    assert known_to_idf_py(root, "esp32") == known_to_idf_py(root, "qemu") == CHIP_SUITES


def test_every_file_of_cases_is_in_one_suite_and_every_other_one_in_at_least_one(root: Path) -> None:
    unit = root / "test/unit"
    listed = re.findall(r"\b\w+/\w+\.c\b", (unit / "suites.cmake").read_text())
    cases = [file for file in listed if "/test_" in file]
    assert len(cases) == len(set(cases))
    assert set(listed) == {str(file.relative_to(unit)) for file in unit.glob("**/*.c")}


def chip_component(root: Path, folder: Path, *definitions: str) -> subprocess.CompletedProcess[str]:
    """Reads the chip's main/CMakeLists.txt as ESP-IDF does before all else, to learn its sources and requirements."""
    script = folder / "read.cmake"
    script.write_text(
        'macro(idf_component_register)\n    message(STATUS "${ARGN}")\n    return()\nendmacro()\n'
        f"include({root}/test/chip/main/CMakeLists.txt)\n"
    )
    return subprocess.run(
        ["cmake", *definitions, "-P", script], capture_output=True, text=True, check=False, timeout=20
    )


@pytest.mark.parametrize("suite", CHIP_SUITES)
def test_the_chip_gets_the_suite_that_is_chosen(root: Path, tmp_path: Path, suite: str) -> None:
    said = chip_component(root, tmp_path, f"-DSUITE={suite}").stdout
    assert "test_main.c" in said
    assert set(re.findall(r"/(\w+)/\w+\.c\b", said)) == {suite}


def test_without_a_choice_the_chip_gets_all_suites_that_can_run_there(root: Path, tmp_path: Path) -> None:
    assert set(re.findall(r"/(\w+)/\w+\.c\b", chip_component(root, tmp_path).stdout)) == set(CHIP_SUITES)


@pytest.mark.parametrize("suite", ["nosuch", "host_nvs"])
def test_a_suite_that_the_chip_does_not_have_stops_the_build(root: Path, tmp_path: Path, suite: str) -> None:
    ended = chip_component(root, tmp_path, f"-DSUITE={suite}")
    assert ended.returncode != 0
    assert f"is called {suite}" in " ".join(ended.stderr.split())


def test_suites_for_the_chip_use_no_esp_idf_api_that_only_linux_has(root: Path) -> None:
    """The headers of host/ outside include/ are behind the API on Linux; ESP-IDF does not have them."""
    linux_only = {file.name for file in (root / "host").glob("*/*.h")}
    assert "host.h" in linux_only
    for suite in CHIP_SUITES:
        for file in (root / "test/unit" / suite).glob("*.[ch]"):
            assert not linux_only & set(re.findall(r'#include "(\S+)"', file.read_text())), file
