"""Install the alternatives into environments of their own, below .daybook/benchmarks/environments, once each."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE.parent / ".daybook" / "benchmarks" / "environments"
UV = "uv==0.13.8"
SECONDS_TO_INSTALL = 300


class NotInstalled(Exception):
    """An environment could not be installed. The message has the reason."""


def requirements(name: str) -> dict[str, str]:
    """Return the pinned version of each package of the environment `name`."""
    lines = (HERE / f"{name}_requirements.txt").read_text(encoding="utf-8").splitlines()
    return {package: version for package, _, version in (line.partition("==") for line in lines) if version}


def python_of(name: str) -> Path:
    """Install the environment `name` unless it is installed, and return the path of its Python.

    Its packages are those of NAME_requirements.txt, which lists all of them. Another list makes another environment.

    Raises:
        NotInstalled: a package cannot be had here.
    """
    listed = HERE / f"{name}_requirements.txt"
    digest = hashlib.sha256(listed.read_bytes()).hexdigest()[:12]
    folder = FOLDER / f"{name}-{digest}"
    python, done = folder / "bin" / "python", folder / "done"
    if not done.exists():
        print(f"installing {name}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", folder)
        _run(python, "-m", "pip", "install", "--quiet", UV)
        options = ("--quiet", "--no-deps", "--compile-bytecode", "--python", python)
        _run(python, "-m", "uv", "pip", "install", *options, "-r", listed)
        done.touch()
    return python


def _run(*command: str | Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run(command, own, SECONDS_TO_INSTALL, NotInstalled)


def run(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    seconds: float,
    failed: type[Exception],
    folder: Path | None = None,
) -> None:
    """Run a command, in `folder`. Raise `failed` with the last lines of its output if it does not end well in time."""
    shown = " ".join([Path(command[0]).name, *(str(part) for part in command[1:4])])
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise failed(f"`{shown} …` did not end within {seconds:.0f} s") from None
    if done.returncode != 0:
        last_lines = " / ".join(line.strip() for line in done.stdout.splitlines()[-3:])
        raise failed(f"`{shown} …` failed: {last_lines}")
