"""`python -m tests.support.servers.install`: get the programs for the tests that are not available as wheels.

On Debian and Ubuntu, an ordinary user does not need root: the packages are downloaded and unpacked below .daybook/
(tests/support/servers/debian_packages.py), and nothing is installed. For root they are installed, because a server then
runs as another account, which cannot read root's folders. Only PostgreSQL is unpacked for root, too.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.servers import debian_packages

SYSTEM_FOLDERS = "/usr/sbin:/usr/libexec:/usr/local/sbin:/opt/homebrew/bin"  # often not in a user's PATH
#: The programs of MariaDB. The second one runs the third.
PROGRAMS = ("mariadbd", "mariadb-install-db", "my_print_defaults")
#: The library that moves the clock of the processes that a test starts.
FAKETIME_LIBRARIES = ("libfaketime.so.1", "libfaketime.1.dylib")
FAKETIME_FOLDERS = ("usr/lib/*/faketime", "usr/lib*/faketime", "usr/local/lib/faketime", "opt/homebrew/lib/faketime")
#: PostgreSQL's programs in the packages of Debian, Homebrew and Fedora.
POSTGRES_FOLDERS = ("usr/lib/postgresql/*/bin", "opt/homebrew/opt/postgresql@*/bin", "usr/bin")
SHELLS = ("zsh", "fish")
APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y")
COMMAND = "python -m tests.support.servers.install"


def find_program(name: str) -> str | None:
    """Return the path of an installed program, or else of an unpacked one, or else None."""
    folders = os.pathsep.join(map(str, debian_packages.program_folders()))
    return shutil.which(name) or shutil.which(name, path=SYSTEM_FOLDERS) or shutil.which(name, path=folders)


def find_faketime() -> Path | None:
    """Return the path of the installed libfaketime, or else of the unpacked one, or else None."""
    folders = [folder for pattern in FAKETIME_FOLDERS for folder in Path("/").glob(pattern)]
    folders += debian_packages.UNPACKED.glob("usr/lib/*/faketime")
    libraries = [folder / name for folder in folders for name in FAKETIME_LIBRARIES]
    return next((library for library in libraries if library.exists()), None)


def find_postgres() -> Path | None:
    """Return the folder of the newest installed PostgreSQL server, or else of the unpacked one, or else None."""

    def version(folder: Path) -> int:
        return int("".join(filter(str.isdigit, folder.parent.name)) or 0)

    for root in (Path("/"), debian_packages.UNPACKED):
        found = [folder for pattern in POSTGRES_FOLDERS for folder in root.glob(pattern)]
        if servers := [folder for folder in found if (folder / "initdb").exists()]:
            return max(servers, key=version)
    return None


def complete() -> bool:
    """Return True if the programs of MariaDB and PostgreSQL, and libfaketime exist."""
    return all(find_program(name) for name in PROGRAMS) and bool(find_faketime()) and bool(find_postgres())


def commands() -> list[list[str]]:
    """Return the commands that install the programs without apt, or none for an unknown package manager."""
    if shutil.which("brew"):
        return [["brew", "install", "mariadb", "postgresql@17", "libfaketime"]]
    as_root = [] if os.getuid() == 0 else ["sudo", "-n"]
    if shutil.which("dnf") and (not as_root or shutil.which("sudo")):
        return [[*as_root, "dnf", "-q", "-y", "install", "mariadb-server", "postgresql-server", "libfaketime"]]
    return []


def install() -> None:
    """Unpack or install the packages, and print each command with its errors."""
    if shutil.which("apt-get") and os.getuid() != 0:
        debian_packages.unpack(*debian_packages.PACKAGES, debian_packages.POSTGRESQL)
    elif shutil.which("apt-get"):
        if run([*APT, "update"]):
            run([*APT, "install", "--no-install-recommends", *debian_packages.wanted(debian_packages.PACKAGES)])
        if not find_postgres():
            debian_packages.unpack(debian_packages.POSTGRESQL)
    else:
        all(run(command) for command in commands())


def run(command: list[str]) -> bool:
    """Run a command, show its output, and return True if it succeeds."""
    print("$ " + " ".join(command), flush=True)
    return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0


def install_shells() -> None:
    """Install the shells whose completion is tested, for root on Debian. Elsewhere, their tests are skipped."""
    missing = [shell for shell in SHELLS if not shutil.which(shell)]
    if missing and os.getuid() == 0 and shutil.which("apt-get") and run([*APT, "update"]):
        run([*APT, "install", "--no-install-recommends", *missing])


def main() -> int:
    """Get the missing programs. Return the exit code: 1 if they have to be installed by hand."""
    install_shells()
    if complete():
        return 0
    print("The tests need MariaDB, PostgreSQL and libfaketime, and at least one of them is missing.", flush=True)
    install()
    if complete():
        return 0
    print(
        f"Some are still missing. As root, install the packages with {', '.join(PROGRAMS)}, initdb and libfaketime:\n"
        f"  Debian, Ubuntu   apt-get install {' '.join(debian_packages.PACKAGES)} {debian_packages.POSTGRESQL}\n"
        "  Fedora, RHEL     dnf install mariadb-server postgresql-server libfaketime\n"
        "  macOS            brew install mariadb postgresql@17 libfaketime\n"
        "and run `make test` again. You do not have to start them: the tests start their own servers.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
