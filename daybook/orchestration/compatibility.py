"""The versions of packages with which Daybook was tested, and the combinations that break in silence."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from packaging.specifiers import SpecifierSet

from daybook.shell import command

#: The oldest and the newest version of Prefect with which the tests of `make test-prefect` have run.
OLDEST_PREFECT, NEWEST_PREFECT = "3.8.0", "3.9.1"
#: Prefect servers before this version may stop answering for good when an automation changes, if their database is a
#: file (the default): they wait in their event loop for themselves if another request has a transaction open.
STOPS_BEFORE = "3.8.6"


@dataclass(frozen=True)
class Combination:
    """Versions of packages that install together and do not work together. `where` is the process that breaks."""

    versions: Mapping[str, str]
    where: str
    effect: str
    remedy: str

    def is_installed(self, installed: Mapping[str, str]) -> bool:
        """Return True if `installed`, versions by the name of the package, has this combination."""
        return all(
            name in installed and SpecifierSet(wanted).contains(installed[name], prereleases=True)
            for name, wanted in self.versions.items()
        )


BROKEN = (
    Combination(
        {"prefect": "<3.9", "sqlalchemy": ">=2.1"},
        "Prefect server",
        "the scheduler creates no runs, and says so only in the server's log",
        "pip install 'sqlalchemy<2.1' in the server's environment, or upgrade Prefect to 3.9",
    ),
    Combination(
        {"prefect": "<3.9", "fastapi": ">=0.151"},
        "Prefect server",
        "the server refuses requests with a null body, so `prefect deploy` ends in a 422",
        "pip install 'fastapi<0.151' in the server's environment, or upgrade Prefect to 3.9",
    ),
)


def install_command(prefect: str) -> str:
    """Return the command that installs this version of Prefect with packages that work with it."""
    wanted = [f"prefect=={prefect}"]
    for one in BROKEN:
        if SpecifierSet(one.versions["prefect"]).contains(prefect, prereleases=True):
            others = {name: bound for name, bound in one.versions.items() if name != "prefect"}
            wanted += [name + bound.replace(">=", "<") for name, bound in others.items()]
    return command("pip", "install", *wanted)


def installed_versions() -> dict[str, str]:
    """Return the versions in this environment of the packages that `BROKEN` names."""
    found = dict[str, str]()
    for name in sorted({name for one in BROKEN for name in one.versions}):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def broken(installed: Mapping[str, str] | None = None) -> list[Combination]:
    """Return the combinations that `installed` has. None: the packages of this environment."""
    versions = installed_versions() if installed is None else installed
    return [one for one in BROKEN if one.is_installed(versions)]
