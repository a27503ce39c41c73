"""Get Debian and Ubuntu packages without root: apt downloads them, and dpkg unpacks them below .daybook/.

Nothing is installed, and no setting of the system changes. apt reports which packages are missing, with dependencies.
If the system's package lists are missing or out of date, this module downloads its own lists, also below .daybook/.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".daybook" / "packages"
UNPACKED = FOLDER / "unpacked"

#: The packages with only the programs. The package mariadb-server would also start a system service, which the tests do
#: not use and which fails on a machine without an init system.
PACKAGES = ("mariadb-server-core", "mariadb-client-core", "libfaketime")
#: The PostgreSQL of the release. Installed, it would start a server, so it is unpacked even for root.
POSTGRESQL = "postgresql"


def program_folders() -> list[Path]:
    """Return the folders of the unpacked programs."""
    return [UNPACKED / "usr" / "sbin", UNPACKED / "usr" / "bin"]


def library_folders() -> list[Path]:
    """Return the folders of the unpacked libraries."""
    return sorted(path for path in UNPACKED.glob("**/lib/*-linux-*") if path.is_dir())


def wanted(packages: Sequence[str], options: Sequence[str] = ()) -> list[str]:
    """Return the names of the packages in this release: some contain a version. `options` are for apt."""
    names = []
    for package in packages:
        found = _run("apt-cache", *options, "pkgnames", package).stdout.split()
        versions = [name for name in found if re.fullmatch(rf"{package}-[\d.]+", name)]
        names.append(package if package in found or not versions else max(versions, key=_version))
    return names


def unpack(*packages: str) -> None:
    """Download and unpack the packages that are not installed, with what they depend on. Print apt's errors."""
    shutil.rmtree(UNPACKED, ignore_errors=True)
    archives = FOLDER / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    if _download(packages, archives) or _download(packages, archives, _own_lists()):
        for archive in sorted(archives.glob("*.deb")):
            subprocess.run(["dpkg", "-x", archive, UNPACKED], check=True)
    shutil.rmtree(archives)


def _download(packages: Sequence[str], folder: Path, options: Sequence[str] = ()) -> bool:
    """Download the missing packages to `folder`. Return False if apt does not find all of them."""
    missing = _missing(packages, options)
    if not missing:
        return False
    print(f"$ apt-get download {' '.join(missing)}", flush=True)
    done = _run("apt-get", *options, "-q", "download", *missing, folder=folder)
    print(done.stderr, end="", flush=True)
    return done.returncode == 0


def _missing(packages: Sequence[str], options: Sequence[str]) -> list[str]:
    """Return the packages that apt would install, with versions, or none if its lists do not have them."""
    plan = _run("apt-get", *options, "-s", "-q", "install", "--no-install-recommends", *wanted(packages, options))
    return [f"{name}={version}" for name, version in re.findall(r"^Inst (\S+) .*?\((\S+) ", plan.stdout, re.MULTILINE)]


def _own_lists() -> tuple[str, ...]:
    """Download separate package lists, and return apt's options for using them."""
    folders = {"Dir::State::lists": FOLDER / "lists", "Dir::Cache": FOLDER / "cache"}
    for folder in folders.values():
        (folder / "partial").mkdir(parents=True, exist_ok=True)
        (folder / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    options = tuple(word for name, folder in folders.items() for word in ("-o", f"{name}={folder}"))
    print(f"$ apt-get update   # with lists in {FOLDER}", flush=True)
    print(_run("apt-get", *options, "-q", "update").stderr, end="", flush=True)
    return options


def _run(*command: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def _version(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]
