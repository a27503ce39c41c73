"""A port for a server that is about to start."""

import socket


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at present."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
