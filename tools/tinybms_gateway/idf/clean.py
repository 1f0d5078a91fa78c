"""``tinybms-gw idf clean``: removes what a build leaves, in the build directory and outside it."""

import shutil
from pathlib import Path

import click

from tinybms_gateway.command_line import usage_errors
from tinybms_gateway.idf.child import no_copy, run_live
from tinybms_gateway.idf.options import PassThrough, extra_argument, project_options, refuse_failure
from tinybms_gateway.idf.project import prepare

CONFIG = ("sdkconfig", "sdkconfig.old")
COMPONENTS = ("managed_components", "dependencies.lock")


def remove(project: Path, config: bool, components: bool) -> list[Path]:
    """Remove the configuration and what the component manager fetched; returns what was there.

    Raises:
        OSError: something cannot be removed.
    """
    names = (CONFIG if config else ()) + (COMPONENTS if components else ())
    there = [project / name for name in names if (project / name).exists()]
    for path in there:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return there


@click.command("clean", cls=PassThrough)
@project_options
@click.option("--config", is_flag=True,
              help="Also remove sdkconfig and sdkconfig.old: the next build starts from the defaults.")  # fmt: skip
@click.option("--components", is_flag=True, help="Also remove managed_components and dependencies.lock.")
@extra_argument
def clean_command(
    idf_path: Path | None,
    project_dir: Path | None,
    build_dir: Path | None,
    config: bool,
    components: bool,
    extra: tuple[str, ...],
) -> None:
    """Remove the results of a build: everything in the build directory.

    Runs idf.py fullclean; build.log and test logs are removed too. Choices made in menuconfig are in sdkconfig, which
    stays unless --config is given. sdkconfig.local, sdkconfig.defaults and monitor.log are never removed.

    \b
    Examples:
      tinybms-gw idf clean
      tinybms-gw idf clean --config --components
    """
    with usage_errors():
        idf = prepare(idf_path, project_dir, build_dir)
        status = run_live(idf.command("fullclean", extra=extra), idf.project, idf.variables, no_copy)
    refuse_failure("cleaning", status, f"remove {idf.build_dir} by hand" if idf.build_dir.is_dir() else "")
    with usage_errors():
        for path in remove(idf.project, config, components):
            click.echo(f"removed {path}")
