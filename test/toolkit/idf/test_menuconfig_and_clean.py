"""tinybms-gw idf menuconfig and clean."""

import pexpect
import pytest

from toolkit.idf.idf_world import World


def test_menuconfig_takes_our_place_on_the_terminal(world: World) -> None:
    first, *rest = world.command("menuconfig", "--style", "monochrome", "-DX=1")
    environment = {**world.environment, "FAKE_IDF_DO": "print('menu', os.getpid()); sys.exit(int(input()))"}
    terminal = pexpect.spawn(first, rest, cwd=str(world.project), env=environment, timeout=60)
    terminal.expect(rb"menu (\d+)")
    assert int(terminal.match[1]) == terminal.pid
    terminal.sendline("3")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 3
    assert world.argv() == ["-DX=1", "menuconfig", "--style", "monochrome"]
    assert world.only_call()["cwd"] == str(world.project)
    assert world.only_call()["terminal"] == [True, True, True]
    assert world.only_call()["environment"]["IDF_PATH"] == str(world.esp_idf)


def test_menuconfig_without_a_terminal_is_refused(world: World) -> None:
    result = world.run("menuconfig")
    assert result.exit_code == 2
    assert "menuconfig needs a terminal" in result.stderr
    assert world.calls() == []


LEFT = ("sdkconfig", "sdkconfig.old", "dependencies.lock", "sdkconfig.local", "sdkconfig.defaults", "monitor.log")


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        ([], set()),
        (["--config"], {"sdkconfig", "sdkconfig.old"}),
        (["--components"], {"dependencies.lock", "managed_components"}),
        (["--config", "--components"], {"sdkconfig", "sdkconfig.old", "dependencies.lock", "managed_components"}),
    ],
)
def test_clean_removes_what_is_asked_for(world: World, options: list[str], gone: set[str]) -> None:
    for name in LEFT:
        (world.project / name).touch()
    (world.project / "managed_components/a").mkdir(parents=True)
    before = {path.name for path in world.project.iterdir()}
    result = world.run("clean", *options)
    assert result.exit_code == 0, result.output
    assert world.argv() == ["fullclean"]
    assert before - {path.name for path in world.project.iterdir()} == gone
    assert {line.rpartition("/")[2] for line in result.stdout.splitlines()} == gone


def test_clean_of_a_clean_tree(world: World) -> None:
    assert world.run("clean", "--config", "--components").exit_code == 0


def test_clean_that_idf_py_refuses_removes_nothing_else(world: World) -> None:
    world.build.mkdir()
    (world.project / "sdkconfig").touch()
    result = world.run("clean", "--config", do="print('Refusing', file=sys.stderr); sys.exit(2)")
    assert result.exit_code == 1
    assert f"remove {world.build} by hand" in result.stderr
    assert (world.project / "sdkconfig").exists()
