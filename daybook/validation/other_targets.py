"""Check the targets of a project besides the current one: none may put the tables of two schemas into one."""

from collections.abc import Iterator

from daybook.definitions.project_file import FILE
from daybook.definitions.targets.project_target import find_target, target_names
from daybook.errors import TableFileError
from daybook.validation.problem import Problem
from daybook.validation.project_files import ProjectFiles


def check_targets(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each target in which a schema of the files has the name of another one."""
    schemas = sorted({name.partition(".")[0] for name in project.file_names})
    for target in target_names(project.settings):
        for schema in schemas if target != project.target.name else ():
            try:
                find_target(project.settings, target).check_schema(schema, project.folder)
            except TableFileError as error:
                yield project.problem(project.root / FILE, "targets", str(error), ("targets", target))
