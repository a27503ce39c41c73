"""Make a project: the files of `templates/`, with the names and versions of one project."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from daybook.scaffold.requirement import requirement
from daybook.scaffold.schema_files import schema_files

_TEMPLATES = Path(__file__).with_name("templates")
#: The paths in the project of templates that have another name here: tools would take them for files of Daybook itself.
_NAMES = {
    "gitignore": ".gitignore",
    "gitlab-ci.yml": ".gitlab-ci.yml",
    "github/daybook.yml": ".github/workflows/daybook.yml",
    "flows/example.py.txt": "flows/example.py.example",  # it names a table that does not exist yet
    "prefect.yaml": "prefect.yaml.example",  # its entry is that flow's, and `prefect deploy --all` needs an entry
}
#: Files that belong to the user from the moment that they exist: no option overwrites them.
_USERS = ("daybook.yaml", "tables/owners.yaml", "tables/analytics/")

_THIS_FOLDER = """\
# Without `pull:`, a run uses the folder in which it was deployed, so workers must be on that machine. To let workers
# elsewhere clone the repository:
# pull:
#   - prefect.deployments.steps.git_clone: {repository: https://git.example.com/data/@NAME@.git, branch: main}"""
_CLONE = """\
pull:
  - prefect.deployments.steps.git_clone: {repository: "@REPOSITORY@", branch: main}"""


@dataclass(frozen=True)
class NewProject:
    """What the files of a new project depend on."""

    name: str
    owner: str = "data-team"
    extras: tuple[str, ...] = ()
    """The extras of the package that its workers need, such as `redshift`."""
    repository: str | None = None
    """The URL from which workers clone the project. None: they find it where it was deployed."""

    def files(self) -> dict[str, str]:
        """Return the text of each file by its path in the project."""
        return dict(self._templates()) | schema_files()

    def _templates(self) -> Iterator[tuple[str, str]]:
        values = {
            "@PULL@": _CLONE if self.repository else _THIS_FOLDER,
            "@REPOSITORY@": self.repository or "",
            "@NAME@": _yaml(self.name),
            "@OWNER@": _yaml(self.owner),
            "@REQUIREMENT@": requirement(self.extras),
            "@PREFECT_VERSION@": _prefect_version(),
        }
        for path in sorted(_TEMPLATES.rglob("*")):
            if path.is_file():
                text = path.read_text(encoding="utf-8")
                for placeholder, value in values.items():
                    text = text.replace(placeholder, value)
                name = path.relative_to(_TEMPLATES).as_posix()
                yield _NAMES.get(name, name), text


def differing(root: Path, files: Mapping[str, str]) -> list[str]:
    """Return the paths of `files` that exist in `root` with another content, sorted."""
    return sorted(name for name, text in files.items() if (root / name).exists() and _read(root / name) != text)


def is_users(name: str) -> bool:
    """Return True if the file at this path in the project is the user's own once it exists."""
    return name.startswith(_USERS)


def write_file(root: Path, name: str, text: str) -> Path:
    """Write a file of the project, and its folder. Return its path."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _yaml(text: str) -> str:
    """Return the text as a scalar of YAML, in quotes if YAML would read it as something else."""
    plain = re.fullmatch(r"[A-Za-z][\w-]*", text) and text.lower() not in (
        "true",
        "false",
        "null",
        "yes",
        "no",
        "on",
        "off",
    )
    return text if plain else json.dumps(text, ensure_ascii=False)


def _prefect_version() -> str:
    try:
        return version("prefect")
    except PackageNotFoundError:  # in a checkout whose packages are elsewhere
        return "3"
