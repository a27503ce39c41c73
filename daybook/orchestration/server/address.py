"""Find the URL of the Prefect server as Prefect does, and which setting it comes from.

Prefect's order, from its `PrefectBaseSettings`: the environment, `.env`, `prefect.toml`, `pyproject.toml`, the profile.
The first three files are those of the working directory.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

VARIABLE = "PREFECT_API_URL"
#: Prefect's variables that allow a temporary server. Its default profile sets the first one for everybody.
_TEMPORARY = ("PREFECT_SERVER_EPHEMERAL_ENABLED", "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE")
_TRUE = {"1", "true", "t", "yes", "y", "on"}


@dataclass(frozen=True)
class ServerAddress:
    """The URL of the server's API, and where it is set. The URL is None if no server is named."""

    url: str | None
    source: str = ""
    """The place of the setting that names it: `the environment`, or the path of a file."""
    temporary: bool = False
    """True if no server is named, and the user has allowed Prefect to start a temporary one."""

    @property
    def shown(self) -> str:
        """Return the URL without a user and password."""
        scheme, _, rest = (self.url or "").partition("://")
        return f"{scheme}://***@{rest.rpartition('@')[2]}" if "@" in rest else self.url or ""


def find_address() -> ServerAddress:
    """Return the server of this process's settings. Reads the environment and files, and connects to nothing.

    The built-in profile `ephemeral` is no permission for a temporary server: Prefect activates it for everybody.
    """
    for read, where in _sources():
        if url := str(read.get(VARIABLE.lower()) or ""):
            return ServerAddress(url, where)
    for read, where in _sources(profile=False):
        for name in _TEMPORARY:
            if (given := read.get(name.lower())) is not None:
                allowed = str(given).lower() in _TRUE
                return ServerAddress(None, where, allowed)
    return ServerAddress(None)


def active_profile() -> tuple[str, Path | None]:
    """Return the name of Prefect's active profile, and the file that has it (None: Prefect's default profile)."""
    path = _profiles_path()
    name = os.environ.get("PREFECT_PROFILE") or _toml(path).get("active")
    return (str(name), path) if name in _toml(path).get("profiles", {}) else ("ephemeral", None)


def _sources(profile: bool = True) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the settings of each source in lower case, and a description of the source."""
    yield {name.lower(): value for name, value in os.environ.items()}, "the environment"
    yield _dotenv(), str(Path(".env").resolve())
    yield _flat(_toml(Path("prefect.toml"))), str(Path("prefect.toml").resolve())
    pyproject = _toml(Path("pyproject.toml")).get("tool", {}).get("prefect", {})
    yield _flat(pyproject), f"[tool.prefect] in {Path('pyproject.toml').resolve()}"
    if profile:
        name, path = active_profile()
        settings = _toml(path)["profiles"][name] if path else {}
        yield {key.lower(): value for key, value in settings.items()}, f"the profile {name!r} in {path}"


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a TOML file by the names of their variables."""
    return {
        VARIABLE.lower(): settings.get("api", {}).get("url"),
        _TEMPORARY[0].lower(): settings.get("server", {}).get("ephemeral", {}).get("enabled"),
    }


def _dotenv() -> dict[str, Any]:
    if not Path(".env").is_file():
        return {}
    from dotenv import dotenv_values  # a dependency of Prefect

    return {name.lower(): value for name, value in dotenv_values(".env").items()}


def _toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file, or nothing if it is missing or damaged: Prefect reports that itself."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _profiles_path() -> Path:
    name = "prefect_profiles_path"
    pyproject = _toml(Path("pyproject.toml")).get("tool", {}).get("prefect", {})
    named = (
        os.environ.get(name.upper())
        or _dotenv().get(name)
        or _toml(Path("prefect.toml")).get("profiles_path")
        or pyproject.get("profiles_path")
    )
    if named or os.environ.get("PREFECT_HOME"):
        return Path(named or Path(os.environ["PREFECT_HOME"]) / "profiles.toml")
    own, prefect = Path.home() / ".prefect" / "profiles.toml", find_spec("prefect")
    built_in = Path(prefect.origin).parent / "settings" / "profiles.toml" if prefect and prefect.origin else own
    return own if own.exists() else built_in
