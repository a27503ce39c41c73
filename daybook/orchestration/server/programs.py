"""Write a command so that it runs in the reader's shell: with a path if the program is not on the PATH."""

import os
import shutil
import sys
from pathlib import Path

from daybook.project import checkout, project_root
from daybook.shell import command


def program(name: str) -> str:
    """Return the command for `name` (`prefect`, `daybook`) of this Python environment, quoted for a shell.

    If the PATH has no such program or that of another environment, the command has the program's path, relative to the
    working directory if it is below. If there is no such program, it is `python -m NAME`.
    """
    own = Path(sys.executable).parent / name
    found = shutil.which(name)
    if found and (not own.exists() or os.path.realpath(found) == os.path.realpath(own)):
        return name
    if own.exists():
        return command(_short(own))
    return f"{command(_short(Path(sys.executable)))} -m {name}"


def deploy_command() -> str:
    """Return the command that deploys the current project. The example project of a checkout has a Makefile."""
    return "make deploy" if project_root() == checkout() else f"{program('daybook')} deploy"


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
