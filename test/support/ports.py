"""TCP ports of this machine that nobody listens on."""

import random
import socket
from contextlib import suppress


def free_ports(count: int) -> list[int]:
    """Below those that outgoing connections get: one that is tried before anybody listens is not taken by that."""
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(20000, 32000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.add(port)
    return sorted(found)
