"""Every table of the warehouse that has a file: those with a source, and those with a SELECT."""

from pathlib import Path

from daybook.dataset import Dataset
from daybook.errors import TableFileError
from daybook.summary.files import read_summary, summary_names
from daybook.tables import TABLES, read_table, table_names


def datasets(folder: Path = TABLES) -> tuple[list[Dataset], list[TableFileError]]:
    """The tables and summaries below `folder`, by name; and what is wrong with files that nobody can read.

    One file that is wrong shall not hide all the others.
    """
    found, problems = list[Dataset](), list[TableFileError]()
    for names, read in ((table_names, read_table), (summary_names, read_summary)):
        for name in names(folder):
            try:
                found.append(read(name, folder))
            except TableFileError as error:
                problems.append(error)
    return sorted(found, key=lambda dataset: dataset.name), problems
