"""Which ESP-IDF is taken, with which Python and environment."""

import json
from pathlib import Path

import pytest

from toolkit.idf.idf_world import World


def used_tree(world: World) -> str:
    return str(world.only_call()["environment"]["IDF_PATH"])


def test_the_tree_of_the_getting_started_guide_is_found_without_a_prepared_shell(world: World) -> None:
    result = world.run("build")
    assert result.exit_code == 0, result.output
    call = world.only_call()
    variables = call["environment"]
    assert variables["IDF_PATH"] == str(world.esp_idf)
    assert variables["ESP_IDF_VERSION"] == "5.5"
    assert variables["IDF_TOOLS_PATH"] == str(world.home / ".espressif")
    assert variables["IDF_PYTHON_ENV_PATH"] == str(world.home / ".espressif/python_env/idf5.5_py3.11_env")
    assert variables["OPENOCD_SCRIPTS"] == "/somewhere=else"  # what idf_tools.py exports, whole
    path = variables["PATH"].split(":")
    assert path.index(f"{world.home}/.espressif/tools/xtensa-esp-elf/bin") < path.index("/usr/bin")
    assert f"{world.esp_idf}/components/espcoredump" in path
    assert "$PATH" not in variables["PATH"]
    assert call["cwd"] == str(world.project)
    assert call["python"] == str(world.home / ".espressif/python_env/idf5.5_py3.11_env/bin/python")


def test_nothing_of_our_own_python_gets_into_esp_idfs(world: World) -> None:
    world.run("build", PYTHONPATH="/ours", VIRTUAL_ENV="/ours", PYTHONHOME="")
    assert not {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"} & set(world.only_call()["environment"])


def test_no_file_is_left_that_undoes_the_export_in_a_shell(world: World) -> None:
    world.run("build")
    assert "IDF_DEACTIVATE_FILE_PATH" not in world.only_call()["environment"]
    assert list((world.home / ".espressif").glob("*idf_1")) == []


@pytest.mark.parametrize("by", ["--idf-path", "IDF_PATH"])
def test_what_is_named_goes_before_what_is_found(world: World, by: str) -> None:
    other = world.install(world.home / "elsewhere", "5.5.1")
    if by == "--idf-path":
        world.run("build", "--idf-path", other, IDF_PATH="/nowhere")
    else:
        world.run("build", IDF_PATH=str(other))
    assert used_tree(world) == str(other)


@pytest.mark.parametrize("by", ["--idf-path", "IDF_PATH"])
def test_what_is_named_and_is_none_is_refused_although_there_is_one_elsewhere(world: World, by: str) -> None:
    folder = world.home / "empty"
    folder.mkdir()
    result = (
        world.run("build", "--idf-path", folder) if by == "--idf-path" else world.run("build", IDF_PATH=str(folder))
    )
    assert result.exit_code == 2
    assert f"{by}: there is no ESP-IDF in {folder}" in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert world.calls() == []


def test_of_several_the_newest_of_the_right_version_is_taken(bare: World) -> None:
    bare.install(bare.home / "esp/esp-idf", "6.0.0")
    bare.install(bare.home / "esp/v5.5.1/esp-idf", "5.5.1")
    newest = bare.install(bare.home / ".espressif/v5.5.4/esp-idf", "5.5.4")
    bare.run("build")
    assert used_tree(bare) == str(newest)


def test_another_version_is_used_with_a_warning(bare: World) -> None:
    tree = bare.install(version="5.4.2")
    result = bare.run("build")
    assert result.exit_code == 0
    assert "ESP-IDF v5.4.2 in" in result.stderr and "made for 5.5" in result.stderr
    assert used_tree(bare) == str(tree)


def test_what_the_installation_manager_has_noted_is_found_with_its_python(bare: World) -> None:
    tools = bare.home / "far"
    tree = bare.install(bare.home / "far/away/esp-idf", tools=tools)
    python = bare.install_python(tools=bare.home / "far/python")
    (bare.home / ".espressif/tools").mkdir(parents=True)
    notes = {"idfInstalled": [{"path": str(tree), "idfToolsPath": str(tools / "tools"), "python": str(python)}]}
    (bare.home / ".espressif/tools/eim_idf.json").write_text(json.dumps(notes))
    assert bare.run("build").exit_code == 0
    assert used_tree(bare) == str(tree)
    assert bare.only_call()["python"] == str(python)


@pytest.mark.parametrize("notes", ["", "{", "[]", '{"idfInstalled": [{"path": 1}]}', '{"idfInstalled": [{}]}', "null"])
def test_notes_that_are_broken_are_as_if_there_were_none(world: World, notes: str) -> None:
    (world.home / ".espressif/tools/eim_idf.json").write_text(notes)
    assert world.run("build").exit_code == 0
    assert used_tree(world) == str(world.esp_idf)


def test_a_python_environment_of_another_version_is_not_taken_from_the_shell(world: World) -> None:
    other = world.install_python("5.4.0").parent.parent
    world.run("build", IDF_PYTHON_ENV_PATH=str(other))
    assert world.only_call()["environment"]["IDF_PYTHON_ENV_PATH"].endswith("idf5.5_py3.11_env")


def test_a_python_environment_of_the_right_version_is_taken_from_the_shell(world: World) -> None:
    mine = world.install_python(tools=world.home / "mine").parent.parent
    world.run("build", IDF_PYTHON_ENV_PATH=str(mine))
    assert world.only_call()["environment"]["IDF_PYTHON_ENV_PATH"] == str(mine)


def test_of_several_python_environments_the_newest_is_taken(world: World) -> None:
    world.install_python(python="3.9")
    world.run("build")
    assert world.only_call()["environment"]["IDF_PYTHON_ENV_PATH"].endswith("idf5.5_py3.11_env")


def refused(world: World, *command: str, **environment: str) -> str:
    result = world.run(*command, **environment)
    assert result.exit_code == 2, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1
    assert world.calls() == []
    return result.stderr


@pytest.mark.parametrize("command", ["build", "flash", "monitor", "clean"])
def test_without_esp_idf_the_one_line_says_how_to_get_it(bare: World, command: str) -> None:
    said = refused(bare, command)
    assert "git clone -b v5.5.5 --recursive https://github.com/espressif/esp-idf.git" in said


def test_without_its_python_the_one_line_says_what_to_run(world: World) -> None:
    world.home.joinpath(".espressif/python_env/idf5.5_py3.11_env/bin/python").unlink()
    said = refused(world, "build")
    assert "Python environment is missing" in said and f"run: {world.esp_idf}/install.sh esp32" in said


def test_without_a_tool_the_one_line_names_it(world: World) -> None:
    said = refused(world, "build", FAKE_IDF_MISSING="xtensa-esp-elf openocd-esp32")
    assert "no xtensa-esp-elf, no openocd-esp32" in said and f"{world.esp_idf}/install.sh esp32" in said


def test_tools_that_are_elsewhere_are_installed_there(bare: World) -> None:
    tools = bare.home / "tools here"
    bare.install(tools=tools)
    said = refused(bare, "build", FAKE_IDF_MISSING="xtensa-esp-elf", IDF_TOOLS_PATH=str(tools))
    assert f"IDF_TOOLS_PATH='{tools}' {bare.esp_idf}/install.sh esp32" in said


def test_outside_of_a_project_the_source_tree_is_meant(world: World, tmp_path: Path, root: Path) -> None:
    world.project = tmp_path / "anywhere"
    world.project.mkdir()
    assert world.run("build").exit_code == 0
    assert world.only_call()["argv"][:2] == ["-C", str(root)]


def test_a_folder_below_the_project_belongs_to_it(world: World) -> None:
    project, world.project = world.project, world.project / "components/can"
    world.project.mkdir(parents=True)
    assert world.run("build").exit_code == 0
    assert world.only_call()["cwd"] == str(project)


def test_a_directory_that_is_no_project_is_refused(world: World, tmp_path: Path) -> None:
    assert "is not an ESP-IDF project" in refused(world, "build", "--project-dir", str(tmp_path))
