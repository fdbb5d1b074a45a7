"""Free ports for servers that are told theirs before they start."""

from __future__ import annotations

import random
import socket

# Below the ports that systems give to outgoing connections: those could take one before the server does.
FIRST, LAST = 15_000, 31_999


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    while True:
        port = random.SystemRandom().randint(FIRST, LAST)
        with socket.socket() as listening:
            try:
                listening.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
