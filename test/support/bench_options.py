"""What stands on the bench: the options of test/hardware, checked before anything is started."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedded import ROOT, choose_target, native_build_dir
from tinybms_gateway.can.bus import check_name, open_bus
from tinybms_gateway.gateway_process import OWN_BUS
from tinybms_gateway.sim.bms.ends import port_end

NONE = "none"
UART_VARIABLE, CAN_VARIABLE = "TINYBMS_UART", "TINYBMS_CAN"


def add_options(parser: pytest.Parser) -> None:
    """The options that pytest-embedded does not have; --target, --port, --build-dir and --qemu-... are its own."""
    group = parser.getgroup("bench")
    group.addoption("--can", metavar="BUS", help="CAN adapter of the test: socketcan:can0, slcan:/dev/ttyACM0, "
                    "slcan:HOST:PORT, pcan:PCAN_USBBUS1, ...; none: without what needs one")  # fmt: skip
    group.addoption("--bms", choices=["simulator", "real", NONE], help="what is on the UART of the gateway")
    group.addoption("--bms-port", metavar="DEVICE|URL", help="serial port from which the simulated TinyBMS speaks; "
                    "socket://HOST:PORT: where an emulator has the gateway's UART on TCP")  # fmt: skip
    group.addoption("--bench-dir", metavar="DIR", help="where log and capture of each test are kept")


@dataclass(frozen=True)
class BenchOptions:
    """What stands on the bench."""

    target: str
    can: str
    """Of the test, as `open_bus` takes it; `OWN_BUS`: the one that the gateway makes; `NONE`."""
    bms: str
    bms_port: str | None
    """As `port_end` takes it; None: a pseudo terminal."""
    directory: Path
    port: str | None
    """Of the chip; the first serial port that is found would perhaps be that of the simulator."""

    @property
    def offers(self) -> set[str]:
        """What tests may need."""
        can = {"can"} if self.can != NONE else set()
        return can | {"simulator": {"bms", "simulator"}, "real": {"bms"}, NONE: set()}[self.bms]

    def lacks(self, needed: set[str]) -> str:
        """Why a test cannot run here; empty: it can."""
        missing = needed - self.offers
        reasons = {
            "can": "needs a CAN adapter (--can)",
            "bms": "needs a TinyBMS (--bms real) or the simulator (--bms-port) on the UART",
            "simulator": "needs the simulated TinyBMS (--bms-port): a real one cannot be told what to do",
        }
        return next((reason for what, reason in reasons.items() if what in missing), "")

    def check(self) -> None:
        """Open what was named and close it again; what an emulator brings along is not there yet.

        Raises:
            pytest.UsageError: something is not there; one line that says what.
        """
        try:
            if self.target == "esp32" and self.port is not None:
                _check_port(Path(self.port))
            if self.bms_port is not None:
                end = port_end(self.bms_port)
                if not end.served:
                    end.open()
                    end.close()
            if self.can not in (NONE, OWN_BUS):
                check_name(self.can)
                if self.target != "qemu":
                    with open_bus(self.can):
                        pass
        except (ValueError, OSError) as error:
            raise pytest.UsageError(" ".join(str(error).split())) from error


def read_options(config: pytest.Config) -> BenchOptions:
    """Options as they are meant on each target.

    Raises:
        pytest.UsageError: something is missing or makes no sense.
    """
    target = choose_target(config)
    option = config.option
    port = os.environ.get("ESPPORT") or option.port
    can, bms = option.can, option.bms or ("simulator" if option.bms_port else None)
    if option.bms_port and bms != "simulator":
        raise pytest.UsageError(f"--bms {bms} --bms-port: the port is the simulator's, give one of them")
    if target == "qemu":
        can, bms = can or NONE, bms or NONE
        if bms == "simulator" and not option.bms_port:
            raise pytest.UsageError("--target qemu --bms simulator: name the UART of the emulated chip: "
                                    "--bms-port socket://HOST:PORT, as --qemu-extra-args has it")  # fmt: skip
    elif target == "linux":
        can, bms = can or OWN_BUS, bms or "simulator"
        _check_linux(can, bms, option.bms_port)
    elif port is None or can is None or bms is None or (bms == "simulator" and not option.bms_port):
        raise pytest.UsageError(
            "--target esp32: name the port of the chip (--port /dev/ttyUSB0), the CAN adapter (--can socketcan:can0, "
            "or none), and what is on the UART: --bms-port DEVICE for the simulator, --bms real, or --bms none"
        )
    default = (native_build_dir() if target == "linux" else ROOT / "build") / "bench"
    return BenchOptions(
        target=target,
        can=str(can),
        bms=str(bms),
        bms_port=option.bms_port,
        directory=Path(option.bench_dir or default).resolve(),
        port=port,
    )


def _check_linux(can: str, bms: str, bms_port: str | None) -> None:
    if (bms_port or bms == "real") and not os.environ.get(UART_VARIABLE):
        raise pytest.UsageError(f"--target linux: the gateway's own serial port has to be in {UART_VARIABLE} then")
    if can not in (NONE, OWN_BUS) and not can.startswith("socketcan:") and not os.environ.get(CAN_VARIABLE):
        raise pytest.UsageError(
            f"--can {can}: two programs cannot share it; the gateway's own bus has to be in {CAN_VARIABLE}"
        )


def _check_port(port: Path) -> None:
    try:
        kind = port.stat().st_mode
    except OSError as error:
        raise pytest.UsageError(f"--port {port}: {error.strerror}") from error
    if not stat.S_ISCHR(kind):
        raise pytest.UsageError(f"--port {port}: not a serial port")
