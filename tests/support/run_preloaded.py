"""`python run_preloaded.py ADDRESS MODULE [ARGUMENT …]`: `python -m MODULE`, as a fork of the process at ADDRESS.

It ends as the fork ends, passes SIGTERM and SIGINT on to it, and takes it along when it is killed. It imports little
and starts at once. The process at ADDRESS is that of tests/support/preloaded.py.
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
    """A module that runs in a fork. `pid` is the fork's own; the descriptors become its streams."""

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
        """Send it a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code once it has ended; of a signal, the negative number. Raises TimeoutError."""
        self._connection.settimeout(timeout)
        return int(self._connection.recv(8) or -signal.SIGKILL)


def main(address: str, module: str, *arguments: str) -> int:
    """Run the module, and end as it does."""
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
