"""Targets: the environments of a project, such as dev, staging and prod.

A target decides where the same table files go: the names of the blocks, the schemas in the warehouse, the folder on the
stage, and whether deployments have schedules. `read_table` and `read_summary` return tables with the target's names, so
nothing else in Daybook handles targets: ledger, locks, events and tags have the name of the table.
"""

import getpass
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from daybook.definitions.project_file import FILE, ProjectFile, read_project
from daybook.definitions.targets.target_settings import TargetSettings
from daybook.errors import TableFileError
from daybook.project import TARGET
from daybook.suggestions import did_you_mean

#: The variable with the person in `{user}`. Default: the user of the operating system.
USER = "DAYBOOK_USER"
#: The target of a project without `targets:`. Its blocks and schemas have the names in the files.
PROD = "prod"
#: The beginning of the tag of deployments and runs of every target but prod.
TAG = "daybook-target:"


_DEFAULTS = TargetSettings.model_validate({})


@dataclass(frozen=True)
class Target:
    """One environment of a project."""

    name: str = PROD
    settings: TargetSettings = _DEFAULTS
    user: str = ""

    @property
    def is_prod(self) -> bool:
        """Return True for prod, whose blocks and schemas have the names in the files unless it says otherwise."""
        return self.name == PROD

    def block(self, name: str) -> str:
        """Return the name of the target's block for the block `name` of the files: `warehouse` is `warehouse-dev`."""
        suffix = self.settings.block_suffix
        if suffix is None:
            suffix = "" if self.is_prod else f"-{self.name}"
        return self.settings.blocks.get(name, f"{name}{suffix}")

    @property
    def stage_prefix(self) -> str:
        """Return the folder below the stage, without a slash at either end. It may be empty."""
        given = self.settings.stage_prefix
        return ("" if self.is_prod else self.name) if given is None else given.strip("/")

    @property
    def schedules(self) -> bool:
        """Return True if deployments of this target may have active schedules."""
        return self.is_prod if self.settings.schedules is None else self.settings.schedules

    @property
    def renames_schemas(self) -> bool:
        """Return True if a table has another schema than in its file."""
        return self.schema("") != ""

    @property
    def is_plain(self) -> bool:
        """Return True if tables are exactly as in their files."""
        settings = self.settings
        return not (self.renames_schemas or settings.last or settings.where or settings.checks == "warn")

    def schema(self, name: str) -> str:
        """Return the schema in the warehouse for the schema `name` of a file: `raw_data` is `dev_raw_data`."""
        prefix, suffix = self._affixes
        return f"{prefix}{name}{suffix}"

    def table(self, name: str) -> str:
        """Return the name in the warehouse of the table `name` (`schema.table`) of a file."""
        schema, dot, table = name.partition(".")
        if not (dot and self.renames_schemas):
            return name
        return f"{self.schema(schema)}.{table}"

    def file_name(self, name: str) -> str:
        """Return the name in its file of the table that is `name` in the warehouse. Return any other name as is."""
        prefix, suffix = self._affixes
        schema, dot, table = name.partition(".")
        if dot and schema.startswith(prefix) and schema.endswith(suffix) and len(schema) > len(prefix + suffix):
            return f"{schema[len(prefix) : len(schema) - len(suffix)]}.{table}"
        return name

    def either(self, name: str) -> str:
        """Return the name in the warehouse of a table. `name` is that one, or the one in its file: people type both."""
        return self.table(self.file_name(name))

    def has(self, name: str) -> bool:
        """Return True if a table of the warehouse has a schema of this target. False if the target renames none.

        `{user}` stands for any person.
        """
        parts = (re.escape(part).replace(r"\{user\}", "[a-z0-9_]+") for part in self._patterns)
        return self.renames_schemas and bool(re.fullmatch(r"[^.]+".join(parts) + r"\..+", name))

    def tables(self, names: Sequence[str], folder: Path) -> list[str]:
        """Return the names in the warehouse of tables that are `names` in their files below `folder`.

        Raises:
            TableFileError: see `check_schema`.
        """
        for schema in {name.partition(".")[0] for name in names}:
            self.check_schema(schema, folder)
        return [self.table(name) for name in names]

    def check_schema(self, schema: str, folder: Path) -> None:
        """Refuse the schema of a file if the target's name for it is another schema of the files: both would share it.

        Raises:
            TableFileError: names both schemas.
        """
        renamed = self.schema(schema)
        if renamed != schema and (folder / renamed).is_dir():
            raise TableFileError(
                f"target {self.name}: tables/{schema} goes to the schema {renamed}, but the project has a folder "
                f"tables/{renamed}, and prod's tables are there. Set another schema_prefix for {self.name} in {FILE}"
            )

    def project_tag(self, tag: str) -> str:
        """Return the tag of a project's deployments in this target, so that removing some never reaches another one."""
        return tag if self.is_prod else f"{tag}@{self.name}"

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags that deployments and runs of this target have in addition. None for prod."""
        return () if self.is_prod else (f"{TAG}{self.name}",)

    def owns(self, tags: Collection[str]) -> bool:
        """Return True if a deployment or a run with these tags is of this target. Without such a tag, it is of prod."""
        return {tag for tag in tags if tag.startswith(TAG)} - {f"{TAG}{PROD}"} == set(self.tags)

    def deployment_name(self, name: str) -> str:
        """Return the name of a deployment of this target, unlike any other target's.

        A name with one of the target's schemas is unique already: `dev_raw_data.orders`. Others get a suffix:
        `daily-dev`.
        """
        prefix, suffix = self._affixes
        schema, dot, _ = name.partition(".")
        named = self.renames_schemas and dot and schema.startswith(prefix) and schema.endswith(suffix)
        return name if self.is_prod or named else f"{name}-{self.name}"

    def environment(self) -> Mapping[str, str]:
        """Return the environment variables with which a worker runs this target's deployments."""
        return {TARGET: self.name} | ({USER: self.user} if self.user else {})

    @property
    def _affixes(self) -> tuple[str, str]:
        """Return what is added before and after the name of each schema."""
        prefix, suffix = self._patterns
        return prefix.replace("{user}", self.user), suffix.replace("{user}", self.user)

    @property
    def _patterns(self) -> tuple[str, str]:
        """Return the same, with `{user}`."""
        prefix = self.settings.schema_prefix
        if prefix is None:
            prefix = "" if self.is_prod else self.name.replace("-", "_") + "_"
        return prefix, self.settings.schema_suffix


def current_target(root: Path | None = None) -> Target:
    """Return the target of this process: that in `DAYBOOK_TARGET`, else the default of the project, else prod.

    Raises:
        TableFileError: the project has no such target.
        TableFileError: the project's file is invalid.
    """
    project = read_project(root)
    return find_target(project, os.environ.get(TARGET) or project.target)


def find_target(project: ProjectFile, name: str) -> Target:
    """Return the target `name` of `project`. Prod always exists. Raises `TableFileError` for any other unknown name."""
    if name == PROD and PROD not in project.targets:
        return _PROD
    if name not in project.targets:
        known = target_names(project)
        missing = f"{FILE} has no target {name!r}"
        otherwise = f"its targets are {', '.join(known)}" if len(known) > 1 else f"add targets: {{{name}: {{}}}} to it"
        raise TableFileError(missing + did_you_mean(name, known, otherwise))
    settings = project.targets[name]
    personal = "{user}" in f"{settings.schema_prefix}{settings.schema_suffix}"
    return Target(name, settings, _user(os.environ.get(USER)) if personal else "")


def either_name(name: str) -> str:
    """Return the name in the warehouse of the current target: see `Target.either`."""
    return current_target().either(name)


def of_target(names: Iterable[str], files: Collection[str]) -> list[str]:
    """Return those of the warehouse's tables `names` that the current target may have: others share its database.

    `files` are the tables of the target that have a file. They are the target's, whatever their schemas are.
    """
    project, target = read_project(), current_target()
    found = [find_target(project, one) for one in other_targets()]
    return [
        name
        for name in names
        if name in files
        or (target.has(name) if target.renames_schemas else not any(other.has(name) for other in found))
    ]


def other_targets() -> list[str]:
    """Return the names of the project's targets without the current one."""
    current = current_target().name
    return [name for name in target_names(read_project()) if name != current]


def file_stem(name: str) -> str:
    """Return the path of a table's file below tables/, without its ending: `raw_data/nps` for `dev_raw_data.nps`."""
    return current_target().file_name(name).replace(".", "/", 1)


def target_names(project: ProjectFile) -> list[str]:
    """Return the names of the project's targets. Prod is always one of them."""
    return sorted({PROD, *project.targets})


_PROD = Target()


@lru_cache(maxsize=8)
def _user(given: str | None) -> str:
    """Return the person in `{user}` as a part of a schema's name."""
    try:
        name = given or getpass.getuser()
    except (OSError, KeyError):  # a container without an entry for its user
        raise TableFileError(f"{{user}} in a target needs a name: set {USER}") from None
    return re.sub(r"[^a-z0-9_]", "_", name.lower())
