"""Run every check of a project's files."""

from collections.abc import Callable, Iterator
from pathlib import Path

from daybook.validation.deployed_tables import check_deployments
from daybook.validation.file_names import check_file_names, check_names_by_case
from daybook.validation.flow_tables import check_flows
from daybook.validation.other_targets import check_targets
from daybook.validation.owners import check_owners
from daybook.validation.problem import Problem
from daybook.validation.project_files import ProjectFiles, read_files
from daybook.validation.references import check_checks, check_inputs, check_schedules, check_summaries
from daybook.validation.unused_defaults import check_defaults, check_filters

#: To add a check, add its function.
CHECKS: tuple[Callable[[ProjectFiles], Iterator[Problem]], ...] = (
    check_file_names,
    check_names_by_case,
    check_targets,
    check_inputs,
    check_summaries,
    check_checks,
    check_schedules,
    check_owners,
    check_defaults,
    check_filters,
    check_deployments,
    check_flows,
)


def validate(root: Path) -> tuple[ProjectFiles, list[Problem]]:
    """Return the files of the project in `root`, and all of their problems, in the order of the files and lines.

    It opens no connection, and never raises because of a file.
    """
    project = read_files(root)
    checks = CHECKS if project.readable else ()
    problems = {*project.problems, *(problem for check in checks for problem in check(project))}
    return project, sorted(problems, key=lambda problem: problem.place)
