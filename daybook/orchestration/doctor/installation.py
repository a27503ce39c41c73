"""The Python environment: its programs on the PATH, and versions that do not work together."""

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

from daybook import __version__
from daybook.orchestration.doctor.findings import Finding
from daybook.orchestration.server.programs import program

#: Package, the version of Prefect that breaks with it (below), the first bad version, and what happens then.
_BREAKS = (
    ("sqlalchemy", "3.9", "2.1", "the server's scheduler creates no runs, and says so only in its own log"),
    ("fastapi", "3.9", "0.151", "the server refuses a null body, and `prefect deploy` ends in a 422"),
)


def check_programs() -> Iterator[Finding]:
    """Yield the Python that runs, and each program that is missing on the PATH or belongs to another environment."""
    yield Finding("ok", "environment", f"daybook {__version__}, prefect {version('prefect')}, Python in {sys.prefix}")
    for name in ("daybook", "prefect"):
        if (typed := program(name)) != name:
            other = shutil.which(name)
            text = (
                f"`{name}` on the PATH is {other}, of another environment" if other else f"`{name}` is not on the PATH"
            )
            yield Finding("warning", "environment", text, f"type {typed}, or activate: . {sys.prefix}/bin/activate")


def check_versions() -> Iterator[Finding]:
    """Yield the installed combinations that break without an error."""
    prefect = Version(version("prefect"))
    for package, below, first_bad, effect in _BREAKS:
        try:
            found = Version(version(package))
        except PackageNotFoundError:
            continue
        if prefect < Version(below) and found >= Version(first_bad):
            text = f"{package} {found} with Prefect {prefect}: {effect}"
            yield Finding("error", "versions", text, f"{sys.executable} -m pip install '{package}<{first_bad}'")
