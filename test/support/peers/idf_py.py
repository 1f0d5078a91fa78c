"""Stands in for ESP-IDF's idf.py (v5.5): actions and options of a project's idf_ext.py as a chain of click commands.

Written from the documentation of idf.py and from what it does: an option of scope "global" may stand before or after
the action and its value goes to the global arguments; dependencies run before the action, unless they ran already. Of
idf.py's own actions it has those that have to do with the build directory.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click


class GlobalArguments(dict[str, Any]):
    """What callbacks get as `args`: options that can be read and written as attributes."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class FatalError(click.ClickException):
    exit_code = 2


@dataclass
class Task:
    name: str
    callback: Any
    dependencies: list[str]
    arguments: dict[str, Any]


def reconfigure(_action: str, _context: click.Context, args: GlobalArguments) -> None:
    """CMake makes the build directory and its cache."""
    Path(args.build_dir).mkdir(parents=True, exist_ok=True)
    (Path(args.build_dir) / "CMakeCache.txt").touch()


def fullclean(_action: str, _context: click.Context, args: GlobalArguments) -> None:
    build = Path(args.build_dir)
    if not build.exists() or not list(build.iterdir()):
        return
    if not (build / "CMakeCache.txt").exists():
        raise FatalError(f"Directory '{build}' doesn't seem to be a CMake build directory.")
    shutil.rmtree(build)


BASE = {
    "global_options": [
        {"names": ["-B", "--build-dir"], "type": click.Path(), "default": None},
        {"names": ["-p", "--port"], "scope": "global", "envvar": "ESPPORT", "type": click.Path(), "default": None},
        {"names": ["-b", "--baud"], "scope": "global", "envvar": "ESPBAUD", "default": 460800},
    ],
    "actions": {
        "reconfigure": {"callback": reconfigure},
        "fullclean": {"callback": fullclean},
        "set-target": {"callback": reconfigure, "dependencies": ["fullclean"]},
    },
}


def click_option(description: dict[str, Any]) -> click.Option:
    """An option as an action describes it: `names`, `scope`, and what click takes."""
    rest = {key: value for key, value in description.items() if key not in ("names", "scope")}
    return click.Option(description["names"], **rest)


def click_command(name: str, action: dict[str, Any]) -> click.Command:
    def to_task(**arguments: Any) -> Task:
        return Task(name, action["callback"], action.get("dependencies", []), arguments)

    params = [click_option(description) for description in action.get("options", [])]
    return click.Command(
        name, callback=to_task, params=params, help=action.get("help"), short_help=action.get("short_help")
    )


def run_with_dependencies(tasks: list[Task], context: click.Context, args: GlobalArguments) -> None:
    done: set[str] = set()
    commands = context.command.commands  # type: ignore[attr-defined]

    def run(task: Task) -> None:
        for name in task.dependencies:
            if name not in done:
                run(context.invoke(commands[name]))
        done.add(task.name)
        task.callback(task.name, context, args, **task.arguments)

    for task in tasks:
        run(task)


def command_line(project: Path) -> click.Group:
    sys.path.append(str(project))
    from idf_ext import action_extensions  # noqa: PLC0415 (of the project that was asked for)

    extension = action_extensions(BASE, str(project))
    assert set(extension) <= {"global_options", "actions", "global_action_callbacks"}
    actions = {**BASE["actions"], **extension["actions"]}
    params = [click_option(description) for description in BASE["global_options"]]

    @click.pass_context
    def execute(context: click.Context, tasks: list[Task], **options: Any) -> None:
        args = GlobalArguments(options)
        args.build_dir = os.path.realpath(args.build_dir or project / "build")
        for task in tasks:
            for param in params:
                value = task.arguments.pop(param.name, param.default)
                if value != param.default:
                    args[str(param.name)] = value
        run_with_dependencies(tasks, context, args)

    return click.Group(
        "idf.py",
        commands={name: click_command(name, action) for name, action in actions.items()},
        chain=True,
        params=params,
        result_callback=execute,
    )


if __name__ == "__main__":
    command_line(Path.cwd())(prog_name="idf.py")
