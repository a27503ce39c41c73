"""Find a port for a server."""

import socket


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 on which no process listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
