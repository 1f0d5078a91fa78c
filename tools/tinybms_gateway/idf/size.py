"""``tinybms-gw idf size``."""

from pathlib import Path

import click

from tinybms_gateway.command_line import lazy_imports, print_json, usage_errors
from tinybms_gateway.idf.project import find_project, place_of_build

with lazy_imports():
    from tinybms_gateway.idf import component_sizes


@click.command("size")
@click.option("--project-dir", type=click.Path(path_type=Path), metavar="DIR",
              help="ESP-IDF project. Default: the one around the current directory.")  # fmt: skip
@click.option("--build-dir", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Build directory. Default: build, in the project.")  # fmt: skip
@click.option("--map", "map_file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Linker map file, such as one of an archived release. Default: that of the last build.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in bytes.")
def size_command(project_dir: Path | None, build_dir: Path | None, map_file: Path | None, as_json: bool) -> None:
    """Show the size of each component in the last build against its share.

    Shares and limits are in size_budget.json. Flash is everything in the application image, including code in IRAM and
    initial values of data; RAM is .data and .bss. The rest of the image is ESP-IDF's. Texts that the linker merged
    across components are shared out by what each contributed. The image may take 83 % of its slot; boot loader and IRAM
    have their own limits. Nothing is built, and ESP-IDF is not needed. Exit status 1 if anything exceeds its share or
    limit, 2 if there is no build.

    \b
    Examples:
      tinybms-gw idf size
      tinybms-gw idf size --json | jq .problems
      tinybms-gw idf size --map tinybms-web-gateway-1.2.0/tinybms-web-gateway.map
    """
    with usage_errors():
        project = find_project(project_dir)
        result = component_sizes.measure(
            project, map_file or component_sizes.map_of(place_of_build(project, build_dir))
        )
    if as_json:
        print_json(result.as_json())
    else:
        component_sizes.show(result)
    for problem in result.problems:
        click.echo(problem, err=True)
    if result.problems:
        raise SystemExit(1)
