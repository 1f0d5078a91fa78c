"""Stands in for Espressif's QEMU at its edges: command line, console, QMP, a UART and a CAN bus on TCP.

Inside, the native gateway plays the chip. QEMU keeps its connections through a reset of the chip, and so does this.
Usage: emulator.py FLASH_DIRECTORY GATEWAY [OPTION_OF_THE_GATEWAY...] -- ARGUMENTS_OF_QEMU...
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
import tty
from collections.abc import Coroutine
from pathlib import Path

VERSION = "QEMU emulator version 9.2.2 (stand-in)"
BMS_UART = 2
"""The port of the factory's settings."""
CONSOLES = ("stdio", "mon:stdio")
PIECE = 4096
AFTER_HANDSHAKE_S = 0.05
"""python-can takes a frame right behind the "ok" for a broken handshake."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """What is on the command line; as QEMU, this ends with a complaint about what it does not know."""
    parser = argparse.ArgumentParser("qemu-system-xtensa", allow_abbrev=False, add_help=False)
    parser.add_argument("--version", action="version", version=VERSION)
    parser.add_argument("-nographic", action="store_true")
    parser.add_argument("-machine", choices=["esp32"], required=True)
    for option in ("-qmp", "-drive", "-global"):
        parser.add_argument(option, action="append", required=True)
    for option in ("-serial", "-object"):
        parser.add_argument(option, action="append", default=[])
    return parser.parse_args(arguments)


def port_in(text: str) -> int:
    """Of `tcp:HOST:PORT,server,wait=off`, or `...,port=PORT`."""
    found = re.search(r"^tcp:[\w.]*:(\d+),server|,port=(\d+)", text)
    if found is None:
        sys.exit(f"qemu-system-xtensa: {text}: cannot be used")
    return int(found[1] or found[2])


def print_boot() -> None:
    """What the ROM of a chip prints, and its start-up code; the boot loader has nothing to tell."""
    print("rst:0x1 (POWERON_RESET),boot:0x12 (SPI_FAST_FLASH_BOOT)")
    print("I (300) app_init: Project name:     tinybms-web-gateway", flush=True)


class Chip:
    """The gateway, its serial line and its node on the bus."""

    def __init__(self, command: list[str], data: Path, console: bool) -> None:
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._data = data
        self._console = console
        self._master, slave = os.openpty()
        tty.setraw(slave)  # and left open: what is on the line stays while the gateway is started again
        self._command = [*command, "--uart", os.ttyname(slave), "--can", "socketcand:0", "--data", str(data),
                         "--console"]  # fmt: skip
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._node: asyncio.StreamWriter | None = None
        self._bms: asyncio.StreamWriter | None = None
        self._peers: set[asyncio.StreamWriter] = set()
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._chip_speaks)

    async def start(self) -> None:
        """Power on."""
        port_file = self._data / "can_port"
        port_file.unlink(missing_ok=True)
        if self._console:
            print_boot()
        self._process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", *self._command,  # this may be killed at any time
            stdin=None if self._console else asyncio.subprocess.DEVNULL,
            stdout=None if self._console else asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self._spawn(self._wait(self._process))
        while not (port_file.is_file() and (text := port_file.read_text().strip())):
            await asyncio.sleep(0.01)
        await self._join_bus(int(text))

    async def reset(self) -> None:
        """Off and on again; nobody around it is told."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._node is not None:
            self._node.close()
        await self.start()

    async def serve_uart(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Whoever is on the UART."""
        self._bms = writer
        with contextlib.suppress(OSError):
            while data := await reader.read(PIECE):
                os.write(self._master, data)
        if self._bms is writer:
            self._bms = None
        writer.close()

    async def serve_can(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Another node of the bus, which speaks the protocol of socketcand."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            writer.write(b"< hi >")
            for _ in ("open", "rawmode"):
                await reader.readuntil(b">")
                writer.write(b"< ok >")
            await asyncio.sleep(AFTER_HANDSHAKE_S)
            self._peers.add(writer)
            while command := await reader.readuntil(b">"):
                if self._node is not None:
                    self._node.write(command)
        self._peers.discard(writer)
        writer.close()

    def _chip_speaks(self) -> None:
        data = os.read(self._master, PIECE)
        if self._bms is not None:
            self._bms.write(data)

    async def _join_bus(self, port: int) -> None:
        reader, self._node = await asyncio.open_connection("127.0.0.1", port)
        for command in (b"< open can0 >", b"< rawmode >"):
            await reader.readuntil(b">")
            self._node.write(command)
        await reader.readuntil(b">")
        self._spawn(self._pass_frames(reader))

    async def _pass_frames(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while frame := await reader.readuntil(b">"):
                for peer in self._peers:
                    peer.write(frame)

    async def _wait(self, process: asyncio.subprocess.Process) -> None:
        self.ended.set_result(await process.wait())

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        self._tasks.append(asyncio.create_task(work))


async def serve_qmp(chip: Chip, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """QEMU's monitor: a greeting, then an answer to each command."""

    def say(what: dict[str, object]) -> None:
        writer.write(json.dumps(what).encode() + b"\r\n")

    version = {"qemu": {"major": 9, "minor": 2, "micro": 2}, "package": ""}
    say({"QMP": {"version": version, "capabilities": []}})
    text = ""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(PIECE):
            text += data.decode()
            with contextlib.suppress(json.JSONDecodeError):  # cut in two; commands need no end of line
                while text:
                    command, end = json.JSONDecoder().raw_decode(text)
                    text = text[end:].lstrip()
                    if command["execute"] == "system_reset":
                        await chip.reset()
                    say({"return": {}} | {name: value for name, value in command.items() if name == "id"})
    writer.close()


async def run(gateway: list[str], options: argparse.Namespace, data: Path) -> None:
    """Until the gateway ends by itself."""
    serials = options.serial or ["mon:stdio"]
    chip = Chip(gateway, data, serials[0] in CONSOLES)
    await asyncio.start_server(lambda r, w: serve_qmp(chip, r, w), "127.0.0.1", port_in(options.qmp[0]))
    for where in serials[BMS_UART : BMS_UART + 1]:
        await asyncio.start_server(chip.serve_uart, "127.0.0.1", port_in(where))
    for where in options.object:
        await asyncio.start_server(chip.serve_can, "127.0.0.1", port_in(where))
    starting = asyncio.create_task(chip.start())
    status = await chip.ended
    starting.cancel()
    os._exit(status if status >= 0 else 128 - status)  # asyncio would complain of every connection that is open


def main() -> None:
    """Be QEMU."""
    split = sys.argv.index("--")
    options = parse(sys.argv[split + 1 :])
    flash = Path(sys.argv[1])
    shutil.rmtree(flash, ignore_errors=True)  # each start has a fresh image
    if (image := flash.with_suffix(".image")).is_dir():
        shutil.copytree(image, flash)
    asyncio.run(run(sys.argv[2:split], options, flash))


if __name__ == "__main__":
    main()
