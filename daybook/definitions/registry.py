"""All tables and summaries that have a file."""

from pathlib import Path

from daybook.definitions.summary import Summary
from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table, table_names
from daybook.definitions.table_groups.group_file import group_problems
from daybook.definitions.targets.project_target import either_name
from daybook.errors import DaybookError, ExtraMissing, TableFileError
from daybook.model.dataset import Dataset
from daybook.project import tables_folder


def datasets(folder: Path | None = None) -> tuple[list[Dataset], list[TableFileError]]:
    """Return the tables and summaries below `folder`, by name, and the errors of unreadable files.

    The errors are returned, not raised: one invalid file must not hide all others. A wrong default is one error.
    """
    found, problems = list[Dataset](), list[TableFileError]()
    for names, read in ((table_names, read_table), (summary_names, read_summary)):
        for name in names(folder):
            try:
                found.append(read(name, folder))
            except TableFileError as error:
                problems.append(error)
            except ExtraMissing as error:  # such as that of calendars, which a worker of other tables does not need
                problems.append(TableFileError(f"{name}: {error}"))
    problems += group_problems(folder or tables_folder())
    return sorted(found, key=lambda dataset: dataset.name), list({str(one): one for one in problems}.values())


def has_file(name: str, folder: Path | None = None) -> bool:
    """Return True if `folder` has a file for the table or summary `name`, even an invalid one."""
    name = either_name(name)
    return name in table_names(folder) or name in summary_names(folder)


def read_dataset(name: str, folder: Path | None = None) -> Table | Summary:
    """Return the table or summary `name` from its file below `folder`.

    Raises:
        TableFileError: the file does not exist, or is invalid.
    """
    return read_summary(name, folder) if either_name(name) in summary_names(folder) else read_table(name, folder)


def dataset_of(name: str, folder: Path | None = None) -> Dataset | None:
    """Return the table or summary `name`, or None if it has no file or an invalid one."""
    try:
        name = either_name(name)
        if name in table_names(folder):
            return read_table(name, folder)
        return read_summary(name, folder) if name in summary_names(folder) else None
    except DaybookError:
        return None
