"""`python -m tests.support.servers.install`: install the programs that the tests need and that no wheel brings."""

import os
import shutil
import subprocess
import sys

SYSTEM_FOLDERS = "/usr/sbin:/usr/libexec:/usr/local/sbin:/opt/homebrew/bin"  # often not in a user's PATH
# Of MariaDB the second one runs the third. faketime moves the clock of the processes that a test starts.
PROGRAMS = ("mariadbd", "mariadb-install-db", "my_print_defaults", "faketime")
COMMAND = "python -m tests.support.servers.install"
# The packages of the programs alone. The one around them, mariadb-server, also starts a server of the system's, which
# the tests have no use for, and which fails on a machine without an init system.
DEBIAN_PACKAGES = ("mariadb-server-core", "mariadb-client-core", "faketime")


def find_program(name: str) -> str | None:
    """The path of a program of a system's package, or None where it is not installed."""
    return shutil.which(name) or shutil.which(name, path=SYSTEM_FOLDERS)


def installed() -> bool:
    """Whether the MariaDB server, the programs that make its data folder, and faketime are there."""
    return all(find_program(name) for name in PROGRAMS)


def commands() -> list[list[str]]:
    """What installs them with this machine's package manager, as this user; empty where we know none."""
    if shutil.which("brew"):
        return [["brew", "install", "mariadb", "libfaketime"]]
    as_root = [] if os.getuid() == 0 else ["sudo", "-n"]
    if as_root and not shutil.which("sudo"):
        return []
    if shutil.which("apt-get"):
        apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
        return [[*apt, "update"], [*apt, "install", "--no-install-recommends", *DEBIAN_PACKAGES]]
    if shutil.which("dnf"):
        return [[*as_root, "dnf", "-q", "-y", "install", "mariadb-server", "libfaketime"]]
    return []


def main() -> int:
    """Install what is missing; the exit code, 1 where it has to be done by hand."""
    if installed():
        return 0
    print("The tests run on a real MariaDB and with faketime, and not both are here yet; installing them.", flush=True)
    for command in commands():
        print("$ " + " ".join(command), flush=True)
        if subprocess.run(command, stdin=subprocess.DEVNULL).returncode != 0:
            break
    if installed():
        return 0
    print(
        f"Not all could be installed from here. As an administrator, install what has {', '.join(PROGRAMS)}:\n"
        f"  Debian, Ubuntu   apt-get install {' '.join(DEBIAN_PACKAGES)}\n"
        "  Fedora, RHEL     dnf install mariadb-server libfaketime\n"
        "  macOS            brew install mariadb libfaketime\n"
        "and run `make test` again. No MariaDB need be started: the tests start one of their own.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
