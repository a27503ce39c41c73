"""The project's file, `daybook.yaml`, or `[tool.daybook]` of its `pyproject.toml`: what all of its tables share."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from daybook.definitions.deployment_fields import ProjectDeployments
from daybook.definitions.targets.target_settings import TargetName, TargetSettings
from daybook.errors import TableFileError
from daybook.project import PROJECT_FILE, project_root
from daybook.yaml_model import Strict, once_per_change, read_yaml

FILE = PROJECT_FILE
PYPROJECT = "pyproject.toml"

Defaults = dict[str, Any]


class ProjectFile(Strict):
    """A project: its name, and the fields that its table files need not repeat."""

    name: str = Field("daybook", description="The project's name. Its deployments have the tag daybook-project:NAME.")
    work_pool: str = Field("daybook", description="The Prefect work pool of the deployments.")
    warehouse: str | None = Field(
        None,
        description="The kind of the warehouse, as its URL begins, for checks of SQL without a connection. Default: "
        "the kind whose layout a file has, else that of the local stack.",
    )
    external: tuple[str, ...] = Field(
        (),
        description="Tables of the warehouse that another tool makes and that summaries, checks or flows may read: "
        "schema.table or schema.*",
    )
    defaults: Defaults = Field({}, description="Fields of table files that apply to every table.")
    sources: dict[str, Defaults] = Field(
        {}, description="Fields for the tables of one source, by its block. They take precedence over `defaults`."
    )
    schemas: dict[str, Defaults] = Field(
        {}, description="Fields for the tables of one schema of the warehouse. They take precedence over `sources`."
    )
    target: str = Field("prod", description="The target of commands without --target and DAYBOOK_TARGET.")
    targets: dict[TargetName, TargetSettings] = Field(
        {}, description="The environments of the project, by name: dev, staging. prod exists without being listed."
    )
    deployments: ProjectDeployments = Field(
        default_factory=lambda: ProjectDeployments.model_validate({}),
        description="When the project catches up, builds its summaries, and is monitored.",
    )
    pull: list[dict[str, Any]] | None = Field(
        None,
        description="Prefect's steps that bring the project to a worker. Default: the folder where it was deployed.",
    )


def read_project(root: Path | None = None) -> ProjectFile:
    """Return the project in `root` (by default, the current one). Without a file, every field has its default.

    Raises:
        TableFileError: the file is invalid. The message names the file, the field and the remedy.
    """
    root = root or project_root()
    for path in (root / FILE, root / PYPROJECT):
        if path.is_file():
            return _read(path)
    return ProjectFile.model_validate({})


@once_per_change
def _read(path: Path) -> ProjectFile:
    if path.name == FILE:
        return read_yaml(path, ProjectFile)
    content = _of_pyproject(path)
    try:
        return ProjectFile(**content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise TableFileError(f"{path}: [tool.daybook]: {problems}") from None


def _of_pyproject(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("daybook", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TableFileError(f"{path} is not TOML: {error}") from None
    return found
