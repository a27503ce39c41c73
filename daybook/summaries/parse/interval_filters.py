"""Find the columns that a SELECT filters its intervals by, and the inputs that are loaded by another column.

Example: `where created_at >= {start}` on a table whose cursor is `modified`. A row that was modified today can be years
old. So a load of today can change any interval of the summary, and every interval must be built.
"""

from pathlib import Path

from sqlglot import exp

from daybook.definitions.summary_files import read_summary, summary_names
from daybook.definitions.table_files import read_table, table_names
from daybook.model.dataset import Dataset
from daybook.summaries.parse.lineage import Lineage
from daybook.summaries.parse.table_names import fold

_COMPARISONS = (exp.GTE, exp.GT, exp.LTE, exp.LT, exp.Between)


def chosen_by(lineage: Lineage) -> frozenset[str]:
    """Return the columns that are compared with `{start}` or `{end}`. The tree has NULL in place of both."""
    return frozenset(
        fold(column.this, lineage.dialect)
        for comparison in lineage.tree.find_all(*_COMPARISONS)
        if any(isinstance(side, exp.Null) for side in comparison.iter_expressions())
        for column in comparison.find_all(exp.Column)
        if isinstance(column.this, exp.Identifier)
    )


def loaded_by_others(lineage: Lineage, folder: Path | None) -> frozenset[str]:
    """Return the inputs of an incremental summary that have a cursor by which the SELECT does not filter.

    The cursors come from the inputs' files in `folder`.
    """
    if lineage.summary.grid is None:
        return frozenset()
    chosen, files = chosen_by(lineage), dict[str, Dataset]()
    files |= {name: read_table(name, folder) for name in set(lineage.inputs).intersection(table_names(folder))}
    files |= {name: read_summary(name, folder) for name in set(lineage.inputs).intersection(summary_names(folder))}
    return frozenset(name for name, file in files.items() if file.cursor and file.cursor not in chosen)
