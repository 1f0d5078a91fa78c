"""The machine on which something is measured."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def processor_times() -> tuple[int, int]:
    """Time that the machine's processors were in use, and all of it, in ticks since its start."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


@contextmanager
def real_time_priority() -> Iterator[None]:
    """This thread, and threads and processes that it starts, go before all other programs, where that is allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        print("no right to real-time priority: the times are those of a busy machine")
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
