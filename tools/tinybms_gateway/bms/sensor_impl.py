"""Makes the gateway of this machine forget a temperature sensor."""

import subprocess
from pathlib import Path

from tinybms_gateway.gateway.gateway_impl import ensure_built

LONGEST_S = 20.0


def forget_sensor(data: Path, sensor: int) -> str:
    """What was done, as the gateway's program says it.

    Raises:
        ValueError: it was refused; the program's own line.
    """
    ended = subprocess.run(
        [ensure_built(), "--data", data, "--forget-sensor", str(sensor), "--log-level", "none"],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S,
    )
    if ended.returncode != 0:
        raise ValueError(ended.stderr.strip() or f"the gateway's program ended with status {ended.returncode}")
    return ended.stdout.strip()
