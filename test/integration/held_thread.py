"""A task of the native gateway that hangs: one thread of the program is stopped, all others run on.

It takes ptrace(2), which Linux allows for one's own child.
"""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.instruments.watch import wait_until

FUTEX, CLOCK_NANOSLEEP, PSELECT = {"x86_64": (202, 230, 270), "aarch64": (98, 115, 72)}[platform.machine()]
"""Numbers of the system calls in which a task waits; of the web server, for its sockets."""
FUTEX_WAIT_BITSET, FUTEX_COMMAND = 9, 0x7F
"""A condition is waited for with this command, a lock with another."""
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
PTRACE_O_EXITKILL = 0x100000
WALL = 0x40000000
"""waitpid() for a thread, which is no child."""
WITHIN_S = 10.0

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long


@dataclass
class HeldThread:
    """A thread that stands still."""

    tid: int
    ended: bool = False

    def has_ended(self) -> bool:
        """Whether it has, with its program; the kernel keeps a program that ended until this has been asked."""
        self.ended = self.ended or os.waitpid(self.tid, WALL | os.WNOHANG)[0] == self.tid
        return self.ended


@contextmanager
def held(pid: int, name: str) -> Iterator[HeldThread]:
    """Hold the thread of that name in a child's program while it waits for something; it goes on with the context."""
    (folder,) = (each for each in _threads(pid) if _name(each) == name)
    thread = HeldThread(int(folder.name))
    wait_until(lambda: _stopped_waiting(folder), WITHIN_S, lambda: f"{name} never waits")
    try:
        yield thread
    finally:
        if not thread.has_ended():
            _ptrace(PTRACE_DETACH, thread.tid)


def thread_names(pid: int) -> set[str]:
    """Names of all threads of a program."""
    return {_name(folder) for folder in _threads(pid)}


def _threads(pid: int) -> Iterator[Path]:
    return Path(f"/proc/{pid}/task").iterdir()


def _name(folder: Path) -> str:
    return (folder / "comm").read_text().strip()


def _stopped_waiting(folder: Path) -> bool:
    """Stop it; where it does not wait it may hold a lock, which would stop others too, and is let go on."""
    tid = int(folder.name)
    _ptrace(PTRACE_SEIZE, tid, PTRACE_O_EXITKILL)
    _ptrace(PTRACE_INTERRUPT, tid)
    os.waitpid(tid, WALL)
    if _waits((folder / "syscall").read_text()):
        return True
    _ptrace(PTRACE_DETACH, tid)
    return False


def _waits(system_call: str) -> bool:
    """By its number and arguments; the number is -1 outside of any."""
    number, *arguments = system_call.split()
    if int(number) == FUTEX:
        return int(arguments[1], 16) & FUTEX_COMMAND == FUTEX_WAIT_BITSET
    return int(number) in {CLOCK_NANOSLEEP, PSELECT}


def _ptrace(request: int, tid: int, data: int = 0) -> None:
    if _libc.ptrace(request, tid, None, data) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace({request:#x}): {os.strerror(number)}")
