"""Choose the account that runs a local server: the current user, or an unprivileged account if that is root.

PostgreSQL refuses to run as root. So root starts it as another account, which usually cannot read root's folders.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daybook.orchestration.local_stack.errors import StackError

# The server gets no variable of this process, because some are secrets. Its messages are in English.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """The account that runs a server. `switched` is True if it is not the current user."""

    name: str
    uid: int
    gid: int
    switched: bool

    @property
    def switch(self) -> dict[str, Any]:
        """Return the arguments of `subprocess` that run a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switched else {}

    def run(self, *command: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `command` as this account, in `/` and with a minimal environment. Return its result, with text output.

        Raises:
            OSError: the account cannot reach the program.
            subprocess.TimeoutExpired: the command took longer than `timeout` seconds.
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
        """Return True if this account can reach `command`, and it exits with 0."""
        try:
            return self.run(*command).returncode == 0
        except OSError:
            return False

    def can_enter(self, folder: Path) -> bool:
        """Return True if this account can enter `folder`, which needs access to every folder above it, too."""
        return self.can_run("/bin/sh", "-c", 'cd -- "$0"', folder)

    def give(self, path: Path) -> None:
        """Make this account the owner of `path`, but not of the files below it."""
        if self.switched:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_account() -> Account:
    """Return the account for servers that refuse to run as root: the current user, or for root `postgres` or `nobody`.

    Raises:
        StackError: the current user is root, and neither account exists.
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
        "Create one (useradd --system postgres), or run this as an ordinary user."
    )
