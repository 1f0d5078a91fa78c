"""``tinybms-gw idf doctor``."""

from pathlib import Path

import click

from tinybms_gateway.idf.options import project_options
from tinybms_gateway.options import print_json, usage_errors


@click.command("doctor")
@project_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON: what was checked, state, what was found, remedy.")
def doctor_command(idf_path: Path | None, project_dir: Path | None, build_dir: Path | None, as_json: bool) -> None:
    """Say what is there to build and flash with, and how to get what is missing.

    Exit status 1 when something is missing that a build needs.

    \b
    Examples:
      tinybms-gw idf doctor
      tinybms-gw idf doctor --idf-path ~/esp/esp-idf
      tinybms-gw idf doctor --json | jq -r '.checks[] | select(.state == "missing").remedy'
    """
    from dataclasses import asdict  # noqa: PLC0415

    from tinybms_gateway.idf.doctor import doctor_impl  # noqa: PLC0415
    from tinybms_gateway.progress import progress_bar  # noqa: PLC0415

    with usage_errors(), progress_bar("looking at ESP-IDF and its tools"):
        checks = doctor_impl.examine(idf_path, project_dir, build_dir)
    good = all(check.state != "missing" for check in checks)
    if as_json:
        print_json({"good": good, "checks": [asdict(check) for check in checks]})
    else:
        doctor_impl.show(checks)
    if not good:
        raise SystemExit(1)
