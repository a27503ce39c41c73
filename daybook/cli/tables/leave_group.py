"""A table in the list of a group: the change of the group's files, before it is written."""

from dataclasses import dataclass
from pathlib import Path

from daybook.definitions.table_groups.edit_group import source_name, without_table
from daybook.definitions.table_groups.group_file import found_path, group_of
from daybook.definitions.targets.project_target import current_target


@dataclass(frozen=True)
class GroupEdit:
    """Takes a table out of a group: its line, its exception, and, by `exclude:`, what the next refresh would add."""

    group: Path
    text: str
    """The change in words."""
    files: dict[Path, str]
    """The new text of each file."""

    def write(self) -> None:
        """Write the files."""
        for path, text in self.files.items():
            path.write_text(text, encoding="utf-8")


def group_edit(table: str, folder: Path) -> GroupEdit | None:
    """Return the edit that takes `table` out of its group, or None if no group below `folder` lists it.

    Raises:
        TableFileError: a file is written in a way that Daybook cannot edit.
    """
    name = current_target().file_name(table)
    group = group_of(name, folder)
    if group is None:
        return None
    table = name.partition(".")[2]
    text = f"its line in {found_path(group)}: deleted, and {source_name(group, table)} is excluded in {group.name}"
    return GroupEdit(group, text, without_table(group, table))
