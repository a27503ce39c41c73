"""Choose the port of a part of the stack: from a variable, from the last start, a default, or any free port."""

import json
import os
import socket
from pathlib import Path

from daybook.extras import extra
from daybook.orchestration.local_stack.errors import StackError
from daybook.orchestration.local_stack.polling import wait_until

with extra("demo"):
    import psutil

ADDRESS = "127.0.0.1"
FREE_FROM = 15432  # below the ephemeral ports of outgoing connections, so that a remembered port stays free
RELEASED_WITHIN = 2  # seconds until a process that was just killed has released its port


def choose_port(memory: Path, name: str, variable: str, default: int | None = None) -> int:
    """Return the port for `name`: from the environment's `variable`, the file `memory`, or `default` if it is free.

    Otherwise, return a free port.

    Raises:
        StackError: the variable's value is not a port.
    """
    chosen = _from_environment(variable) or _read(memory).get(name)
    return chosen or _free_port(default or FREE_FROM)


def remember_port(memory: Path, name: str, port: int) -> None:
    """Store the port of `name` in the file `memory`, where `choose_port` finds it the next time."""
    remembered = _read(memory)
    if remembered.get(name) != port:
        memory.write_text(json.dumps({**remembered, name: port}))


def require_free(port: int, what: str, variable: str) -> None:
    """Check that `port` is free.

    Raises:
        StackError: it is in use. Names the process that listens on it, if this user can see it.
    """
    if port < 1024 and not _is_free(port) and os.getuid() != 0:
        suggestion = _free_port(FREE_FROM)
        raise StackError(f"{what} may not listen on port {port}: choose one above 1023, {variable}={suggestion}.")
    if not wait_until(lambda: _is_free(port), RELEASED_WITHIN):
        raise StackError(
            f"{what} needs port {port}, but {_holder(port)} listens on it. "
            f"Choose another port: export {variable}={_free_port(port)}"
        )


def _read(memory: Path) -> dict[str, int]:
    """Return the stored ports by name. A damaged file has none."""
    try:
        content = json.loads(memory.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {name: port for name, port in content.items() if isinstance(port, int)} if isinstance(content, dict) else {}


def _from_environment(variable: str) -> int | None:
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise StackError(f"{variable} is {text!r}: expected a port, a number from 1 to 65535.")
    return int(text)


def _free_port(first: int) -> int:
    """Return the first free port from `first` on."""
    return next(port for port in range(first, 65536) if _is_free(port))


def _is_free(port: int) -> bool:
    """Return True if this process can listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections do not block a port
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    """Return a description of the process that listens on `port`. Only root sees other users' processes."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        connections = []
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,) and connection.pid:
            try:
                process = psutil.Process(connection.pid)
                return f"process {process.pid} ({' '.join(process.cmdline())[:80] or process.name()})"
            except psutil.Error:
                break
    return "another process"
