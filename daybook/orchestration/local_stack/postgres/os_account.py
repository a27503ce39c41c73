"""The account that a local server runs as: our own, or an unprivileged one where we are root.

PostgreSQL refuses to run as root, so root has to hand it to somebody else, who usually cannot reach root's folders.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daybook.orchestration.local_stack.errors import StackError

# No variable of ours reaches the server (a token has no business there), and its messages come in English.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """Who runs a server. `switched` says that it is not ourselves."""

    name: str
    uid: int
    gid: int
    switched: bool

    @property
    def switch(self) -> dict[str, Any]:
        """What subprocess has to be told for a program to run as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switched else {}

    def run(self, *command: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `command` as this account, from `/` and with a bare environment; its output comes back as text.

        Raises OSError where the account cannot reach the program, and subprocess.TimeoutExpired.
        """
        return subprocess.run(
            [str(part) for part in command],
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            **self.switch,
        )

    def can_run(self, *command: str | Path) -> bool:
        """Whether `command` is within reach of this account and exits with 0."""
        try:
            return self.run(*command).returncode == 0
        except OSError:
            return False

    def can_enter(self, folder: Path) -> bool:
        """Whether this account gets through to `folder`: every folder above it counts."""
        return self.can_run("/bin/sh", "-c", 'cd -- "$0"', folder)

    def give(self, path: Path) -> None:
        """Make `path` (not what is below it) this account's own."""
        if self.switched:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_account() -> Account:
    """The account for servers that refuse to run as root: ourselves, or as root `postgres`, else `nobody`.

    Raises StackError where root finds neither.
    """
    if os.getuid() != 0:
        return Account(str(os.getuid()), os.getuid(), os.getgid(), switched=False)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid, switched=True)
    raise StackError(
        "PostgreSQL does not run as root, and this machine has no account 'postgres' or 'nobody' to run it as. "
        "Make one (useradd --system postgres), or run this as an ordinary user."
    )
