"""What the gateway of this machine keeps: read and changed by the gateway program."""

import subprocess
from pathlib import Path

from tinybms_gateway.gateway_process import ensure_built

LONGEST_S = 20.0


def forget_sensor(data: Path, sensor: int) -> str:
    """Make it forget an external temperature sensor; returns what was done, in the program's words.

    Raises:
        ValueError: it was refused; the program's own line.
    """
    return _run(data, "--forget-sensor", str(sensor))


def confirm_settings(data: Path) -> str:
    """Confirm the remaining settings after others were lost; returns what was done, in the program's words.

    Raises:
        ValueError: it was refused; the program's own line.
    """
    return _run(data, "--confirm-settings")


def setup_code(data: Path) -> str | None:
    """Read its set-up code, also beside a running gateway; None: it is void, because a password is set.

    Raises:
        ValueError: it was refused; the program's own line.
    """
    try:
        return _run(data, "--setup")
    except ValueError as error:
        if "void" in str(error):
            return None
        raise


def reset_password(data: Path) -> str:
    """Take back password and tokens; returns what was done, in the program's words.

    Raises:
        ValueError: it was refused; the program's own line.
    """
    return _run(data, "--reset-password")


def _run(data: Path, *options: str) -> str:
    ended = subprocess.run(
        [ensure_built(), "--data", data, *options, "--log-level", "none"],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S,
    )
    if ended.returncode != 0:
        raise ValueError(ended.stderr.strip() or f"the gateway program ended with status {ended.returncode}")
    return ended.stdout.strip()
