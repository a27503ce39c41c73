"""The commands that a report names, ready to paste."""

from daybook.definitions.project_file import read_project
from daybook.definitions.targets.project_target import current_target
from daybook.shell import command


def daybook_command(*words: str) -> str:
    """Return `daybook` with these words, in the current target: without `--target` if it is the project's default."""
    name = current_target().name
    return command("daybook", *words, *(() if name == read_project().target else ("--target", name)))
