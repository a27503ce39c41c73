"""`python -m tests.support.servers.install_mysql`: get Oracle's MySQL for the tests, on Debian and Ubuntu without root.

Of Debian's suites, only unstable has MySQL. apt downloads it with all its libraries, and dpkg unpacks them below
.daybook/. Nothing is installed, and the system's package lists stay as they are.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.servers.debian_packages import FOLDER

UNPACKED = FOLDER / "mysql"
SERVER = UNPACKED / "usr" / "sbin" / "mysqld"
PACKAGE = "mysql-server-core"
COMMAND = "python -m tests.support.servers.install_mysql"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SOURCE = f"deb [signed-by={_KEYRING}] http://deb.debian.org/debian unstable main\n"


def unpack() -> None:
    """Download and unpack the server and its libraries, even libc. Print apt's errors."""
    apt = FOLDER / "unstable"
    for folder in (UNPACKED, apt):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in ("lists/partial", "archives/partial"):
        (apt / folder).mkdir(parents=True)
    (apt / "sources.list").write_text(_SOURCE)
    (apt / "status").touch()  # no package counts as installed, so apt downloads every library
    settings = {
        **{"Dir::Etc::sourcelist": apt / "sources.list", "Dir::Etc::sourceparts": "-", "Acquire::Retries": 3},
        **{"Dir::State": apt, "Dir::State::status": apt / "status", "Dir::Cache": apt, "APT::Sandbox::User": "root"},
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    for command in (["update"], ["-y", "--no-install-recommends", "--download-only", "install", PACKAGE]):
        print(f"$ apt-get {' '.join(command)}   # from Debian's unstable suite, with lists in {apt}", flush=True)
        made = subprocess.run(["apt-get", *options, "-q", *command], stdin=subprocess.DEVNULL, capture_output=True)
        print(made.stderr.decode(errors="replace"), end="", flush=True)
    # The server is complete when it has its final name.
    unpacking = apt / "unpacked"
    for archive in sorted((apt / "archives").glob("*.deb")):
        subprocess.run(["dpkg", "-x", archive, unpacking], check=True)
    if unpacking.exists():
        unpacking.rename(UNPACKED)
    shutil.rmtree(apt)


def main() -> int:
    """Get the server if it is missing. Return the exit code: 1 if it is still missing."""
    if not SERVER.exists() and shutil.which("apt-get"):
        unpack()
    if SERVER.exists():
        return 0
    print(
        f"The tests of MySQL need {SERVER}, from Debian's package {PACKAGE}, and it is missing.\n"
        f"Run `{COMMAND}` on Debian or Ubuntu, with the keys in {_KEYRING} (apt-get install debian-archive-keyring).",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
