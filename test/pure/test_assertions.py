"""Our own mistakes end the program: the native build has the assertions that the chip has."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

CALL = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
control, config = ctypes.create_string_buffer(4096), ctypes.create_string_buffer(4096)
config.raw = (1).to_bytes(4, sys.byteorder) * 1024 if sys.argv[2] == "ones" else bytes(4096)
library.charge_control_init(control, config, False)
"""


@pytest.mark.parametrize(("config", "status"), [("ones", 0), ("zeros", -signal.SIGABRT)])
def test_a_config_that_control_would_divide_by_is_not_taken(native_build: Path, config: str, status: int) -> None:
    command = [sys.executable, "-c", CALL, native_build / "libtinybms_pure.so", config]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == status
    assert ("cvl_off_s > 0" in ended.stderr) == (status != 0)
