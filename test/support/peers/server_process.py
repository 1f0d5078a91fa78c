"""A server program of somebody else as a child: started, asked until it answers, ended."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

START_WITHIN_S = 20.0
STOP_WITHIN_S = 10.0


@contextmanager
def server_process(command: Sequence[str | Path], log: Path, ready: Callable[[], bool]) -> Iterator[None]:
    """Run it until the context ends.

    Args:
        command: with an option that keeps the program in the foreground
        log: gets what the program writes; its end is part of a failure to start
        ready: whether it answers; a connection that fails counts as no
    """
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as child:
        try:
            deadline = time.monotonic() + START_WITHIN_S
            while not _answers(ready):
                ended = child.poll() is not None
                assert not ended and time.monotonic() < deadline, f"{command[0]} does not start: {_end_of(log)}"
                time.sleep(0.02)
            yield
        finally:
            child.terminate()
            try:
                child.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                child.kill()


def local_session() -> requests.Session:
    """For servers of this machine: without the proxies of the environment."""
    session = requests.Session()
    session.trust_env = False
    return session


def _answers(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except (OSError, requests.RequestException):
        return False


def _end_of(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").splitlines()[-5:])
