"""The Python environment: its programs on the PATH, and versions that do not work together."""

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version

from daybook import __version__
from daybook.orchestration.compatibility import broken, installed_versions
from daybook.orchestration.doctor.findings import Finding
from daybook.orchestration.server.programs import program
from daybook.scaffold.requirement import former_package


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
    """Yield the installed combinations that break without an error, and a package of Daybook's former name."""
    if former := former_package():
        yield Finding("warning", "versions", *former)
    installed = installed_versions()
    for one in broken(installed):
        found = " with ".join(f"{name} {installed[name]}" for name in one.versions)
        yield Finding("error", "versions", f"{found}: {one.effect}", one.remedy)
