"""Check the names of files below `tables/`: a file in the wrong place is never read, in silence."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from daybook.definitions.table_groups.group_file import is_group
from daybook.validation.problem import Problem
from daybook.validation.project_files import ProjectFiles

_ENDINGS = (".yaml", ".sql")
_ALIKE = {".yml": ".yaml"}
#: The files that belong in `tables/` itself.
_OF_FOLDER = frozenset({"owners.yaml"})


def check_file_names(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each file with a wrong ending or in a wrong folder."""
    for path in sorted(project.folder.rglob("*")):
        relative = path.relative_to(project.folder)
        if not path.is_file() or any(part.startswith(".") for part in relative.parts):
            continue
        ending = _ALIKE.get(path.suffix.lower(), path.suffix.lower())
        if ending not in _ENDINGS or str(relative) in _OF_FOLDER:
            continue
        if path.suffix != ending:
            yield _problem(project, path, f"Daybook reads no {path.suffix} files: rename it to {path.stem}{ending}")
        elif len(relative.parts) == 1 and not is_group(path):
            yield _problem(project, path, "it is in no schema's folder: move it to tables/<schema>/")
        elif len(relative.parts) > 2:
            yield _problem(
                project, path, f"it is too deep and is never read: move it to tables/{relative.parts[0]}/{path.name}"
            )


def check_names_by_case(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each file whose table differs from another one by its case alone: most warehouses fold it."""
    alike = defaultdict[str, list[str]](list)
    for name in sorted(project.names):
        alike[name.lower()].append(name)
    for first, *others in alike.values():
        for other in others:
            message = f"{other} and {first} are one table in the warehouse: rename or remove one of the files"
            ending = ".sql" if other in project.summaries else ".yaml"
            yield project.problem(project.file(other, ending), "names", message)


def _problem(project: ProjectFiles, path: Path, message: str) -> Problem:
    return project.problem(path, "files", message)
