"""Options that the commands of ``tinybms-gw idf`` share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class PassThrough(click.Command):
    """A command whose unknown options go to idf.py. Its own options have only long names: a short one would be found
    inside an unknown one (the p of -DOPTION). Short options of idf.py that stand alone are taken for ours."""

    IDF_PY: ClassVar = {"-p": "--port", "-b": "--baud", "-B": "--build-dir", "-C": "--project-dir"}

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        settings["context_settings"] = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
        super().__init__(*arguments, **settings)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, the short names of idf.py being ours."""
        known = {name for param in self.params for name in param.opts}
        end = args.index("--") if "--" in args else len(args)
        ours = [self.IDF_PY[word] if self.IDF_PY.get(word) in known else word for word in args[:end]]
        return super().parse_args(ctx, ours + args[end:])


def idf_path_option(command: Command) -> Command:
    """--idf-path."""
    return click.option("--idf-path", type=click.Path(path_type=Path), metavar="DIR",
                        help="Directory of ESP-IDF. Default: IDF_PATH, then the usual places.")(command)  # fmt: skip


def project_options(command: Command) -> Command:
    """--idf-path, --project-dir and --build-dir."""
    command = click.option("--build-dir", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
                           help="Build directory. Default: build, in the project.")(command)  # fmt: skip
    command = click.option("--project-dir", type=click.Path(path_type=Path), metavar="DIR",
                           help="ESP-IDF project. Default: the one around the current directory.")(command)  # fmt: skip
    return idf_path_option(command)


def extra_argument(command: Command) -> Command:
    """Arguments passed to idf.py as they are."""
    return click.argument("extra", nargs=-1, type=click.UNPROCESSED, metavar="[IDF.PY OPTIONS]...")(command)


def port_option(command: Command) -> Command:
    """--port."""
    return click.option("--port", envvar="ESPPORT", metavar="DEV", show_envvar=True,
                        help="Serial port of the ESP32. Default: the only one with an ESP32 board's adapter.",
                        )(command)  # fmt: skip


def refuse_failure(what: str, status: int, hint: str = "") -> None:
    """End with exit status 1 if idf.py failed."""
    if status != 0:
        how = f"exit status {status}" if status > 0 else f"signal {-status}"
        raise click.ClickException(f"{what} failed ({how})" + (f"; {hint}" if hint else ""))
