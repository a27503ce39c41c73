"""The project's file, `daybook.yaml`, or `[tool.daybook]` of its `pyproject.toml`: what all of its tables share."""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from daybook.errors import TableFileError
from daybook.project import PROJECT_FILE, project_root
from daybook.yaml_model import Strict, read_yaml

FILE = PROJECT_FILE
PYPROJECT = "pyproject.toml"

Defaults = dict[str, Any]


class ProjectFile(Strict):
    """A project: its name, and the fields that its table files need not repeat."""

    name: str = Field("daybook", description="The project's name. Its deployments have the tag daybook-project:NAME.")
    work_pool: str = Field("daybook", description="The Prefect work pool of the deployments.")
    defaults: Defaults = Field({}, description="Fields of table files that apply to every table.")
    sources: dict[str, Defaults] = Field(
        {}, description="Fields for the tables of one source, by its block. They take precedence over `defaults`."
    )
    schemas: dict[str, Defaults] = Field(
        {}, description="Fields for the tables of one schema of the warehouse. They take precedence over `sources`."
    )


def read_project(root: Path | None = None) -> ProjectFile:
    """Return the project in `root` (by default, the current one). Without a file, every field has its default.

    Raises:
        TableFileError: the file is invalid. The message names the file, the field and the remedy.
    """
    root = root or project_root()
    if (root / FILE).is_file():
        return read_yaml(root / FILE, ProjectFile)
    content = _of_pyproject(root / PYPROJECT)
    try:
        return ProjectFile(**content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise TableFileError(f"{root / PYPROJECT}: [tool.daybook]: {problems}") from None


def _of_pyproject(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found: dict[str, Any] = _parsed(path.read_text(encoding="utf-8")).get("tool", {}).get("daybook", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TableFileError(f"{path} is not TOML: {error}") from None
    return found


@lru_cache(maxsize=8)
def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text)
