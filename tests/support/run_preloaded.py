"""`python run_preloaded.py ADDRESS MODULE [ARGUMENT …]`: run `python -m MODULE` as a fork of the process at ADDRESS.

This process exits as the fork exits, and passes SIGTERM and SIGINT on. If it is killed, the fork is killed, too. It
imports little, so it starts at once. tests/support/preloaded.py is the process at ADDRESS.
"""

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

REQUEST = ("module", "arguments", "folder", "environment")


class Fork:
    """A module that runs in a fork. `pid` is the fork's ID; the descriptors `streams` become its streams."""

    def __init__(
        self,
        address: str,
        module: str,
        arguments: Sequence[str],
        folder: str,
        environment: Mapping[str, str],
        streams: Sequence[int] = (0, 1, 2),
    ) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(address)
        values = (module, list(arguments), folder, dict(environment))
        request = json.dumps(dict(zip(REQUEST, values, strict=True))).encode()
        socket.send_fds(self._connection, [b"%8d" % len(request)], list(streams))
        self._connection.sendall(request)
        self.pid = int(self._connection.recv(8))

    def send(self, number: int) -> None:
        """Send a signal to the fork, unless it has exited."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the fork, and return its exit code, or the negative number of a signal. Raises TimeoutError."""
        self._connection.settimeout(timeout)
        return int(self._connection.recv(8) or -signal.SIGKILL)


def main(address: str, module: str, *arguments: str) -> int:
    """Run the module, and exit as it does."""
    fork = Fork(address, module, arguments, os.getcwd(), os.environ)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: fork.send(number))
    code = fork.wait()
    if code < 0:
        if code != -signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
