"""Propose table files for all tables of a database that match some patterns, on one connection."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from daybook.definitions.describing.cursors import Evidence
from daybook.definitions.describing.proposed_file import ProposedFile
from daybook.definitions.heuristics import SMALL, Proposal, propose
from daybook.definitions.table import Table
from daybook.errors import ExtractFailed, SourceLost, TableFileError
from daybook.model.table_name import TableName
from daybook.sources.base import ConnectionProvider
from daybook.sources.database.catalog import Catalog, CatalogTable, ListedTable
from daybook.sources.database.catalogs import open_catalog
from daybook.sql.database_error import Condition, DatabaseError
from daybook.sql.retries import with_retries
from daybook.suggestions import did_you_mean

T = TypeVar("T")
#: Returns the condition of the rows to load of a table, by its name in the warehouse. None: all rows.
Where = Callable[[str], str | None]

#: The rows to sample from each end of a table.
_SAMPLED = 20
#: The limit of all queries that read rows, of all tables together.
_SECONDS = 60
_MOMENTS = frozenset({"date", "timestamp", "timestamptz"})
#: The warehouse's name of a table: `*` is its name in the source.
NAME = "raw_data.*"


@dataclass(slots=True)
class DescribedTables:
    """The proposed files, and the problem of each table or pattern that has none."""

    files: list[ProposedFile] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def is_pattern(text: str) -> bool:
    """Return True if `text` is a pattern of table names, not a name."""
    return any(sign in text for sign in "*?[")


def _unfiltered(name: str) -> None:
    return None


def describe_all(
    keys: ConnectionProvider,
    block: str,
    patterns: Sequence[str],
    exclude: Sequence[str] = (),
    name: str = NAME,
    where: Where = _unfiltered,
) -> DescribedTables:
    """Return proposals for every table and view that matches.

    Args:
        keys: opens the source.
        block: the block of the database.
        patterns: `schema.table`, with * and ?.
        exclude: patterns of tables to leave out: `schema.table`, or `table` in any schema.
        name: the table in the warehouse, with * for the name of the table in the source.
        where: returns the condition of the rows to load of a table, by its name in the warehouse.

    Raises:
        SourceError: Daybook cannot list the tables of this kind of database.
        ExtractFailed: the database failed.
        SourceLost: every retry failed.
        TableFileError: `name` or a pattern is not `schema.table`.
    """
    for pattern in patterns:
        if "." not in pattern:
            raise TableFileError(f"{pattern!r} is not a pattern of tables: write schema.table, such as '{pattern}.*'")
    if not re.fullmatch(r"[^./\\*]+\.[^./\\*]*\*[^./\\*]*", name):
        raise TableFileError(f"{name!r} names no table for each one found: write schema.* or schema.prefix_*")

    def work() -> DescribedTables:
        with open_catalog(keys, block) as catalog:
            return _describe_all(catalog, block, patterns, exclude, name, where)

    return with_retries(work, what=f"describing {', '.join(patterns)}", failed=ExtractFailed, lost=SourceLost)


def _describe_all(
    catalog: Catalog, block: str, patterns: Sequence[str], exclude: Sequence[str], name: str, where: Where
) -> DescribedTables:
    found, listed = DescribedTables(), catalog.tables()
    for pattern in patterns:
        if not any(fnmatchcase(str(table), pattern) for table in listed):
            found.problems[pattern] = f"no table matches{_there(pattern, listed, block)}"
    chosen = [table for table in listed if _is_chosen(table, patterns, exclude)]
    readable = [table for table in chosen if table.readable]
    for table in chosen:
        if not table.readable:
            found.problems[str(table)] = (
                f"the user of block {block!r} may not read it. Run in the source: GRANT SELECT ON "
                f"{catalog.quoted(table).replace('%%', '%')} TO … (and GRANT USAGE ON its schema)"
            )
    taken = dict[str, str]()
    until = time.monotonic() + _SECONDS
    for facts in catalog.describe(readable) if readable else ():
        source = str(facts.listed)
        own = name.replace("*", re.sub(r"[^0-9A-Za-z_]+", "_", facts.listed.name))
        if other := taken.get(own.lower()):
            found.problems[source] = (
                f"{own} is already the name of {other} in the warehouse. Describe it alone, with another --name"
            )
            continue
        taken[own.lower()] = source
        try:
            proposed = _proposed(catalog, facts, own, block, until, where(own))
            Table.model_validate({"name": own, "owner": "", **proposed.fields()})
            found.files.append(proposed)
        except DatabaseError as error:
            if error.transient or error.lost:
                raise
            found.problems[source] = error.message
        except ValidationError as error:
            found.problems[source] = "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())
        except ValueError as error:
            found.problems[source] = str(error)
    return found


def _is_chosen(table: ListedTable, patterns: Sequence[str], exclude: Sequence[str]) -> bool:
    if not any(fnmatchcase(str(table), pattern) for pattern in patterns):
        return False
    return not any(fnmatchcase(str(table) if "." in pattern else table.name, pattern) for pattern in exclude)


def _there(pattern: str, listed: Sequence[ListedTable], block: str) -> str:
    """Return what the database has, to append to an error about a pattern that matches nothing."""
    schema = pattern.partition(".")[0]
    counts = dict[str, int]()
    for table in listed:
        counts[table.schema] = counts.get(table.schema, 0) + 1
    if schema in counts:
        names = [table.name for table in listed if table.schema == schema]
        shown = f"{schema} has {', '.join(names[:10])}{f' and {len(names) - 10} more' if len(names) > 10 else ''}"
        return did_you_mean(pattern, [f"{schema}.{one}" for one in names], shown, most=3)
    shown = ", ".join(f"{one} ({count} tables)" for one, count in counts.items()) or "no table"
    text = f"the user of block {block!r} sees {shown}"
    near = did_you_mean(schema, counts, most=3)
    return f"; {text}{near}"


def _proposed(
    catalog: Catalog, facts: CatalogTable, name: str, block: str, until: float, where: str | None
) -> ProposedFile:
    """Return the proposal for one table.

    Raises:
        ValueError: the table cannot be described.
        DatabaseError: the database refuses to read the table, or failed.
    """
    table, columns = facts.listed, facts.columns
    if not columns:
        raise ValueError(
            "the catalog shows no columns: the table has none, it is a view of a table that is gone, or a GRANT of "
            "SELECT is missing"
        )
    key = facts.facts.key([column.name for column in columns if not column.nullable])
    moments = [column.name for column in columns if column.type.kind in _MOMENTS]
    sample: dict[str, list[object]] = {}
    if key and moments and not table.view and time.monotonic() < until:
        rows = _in_time(lambda: catalog.sample(table, key, moments, _SAMPLED)) or []
        sample = {moment: [row[place] for row in rows] for place, moment in enumerate(moments)}
    indexed = [column.name for column in columns if facts.facts.is_leading(column.name)]
    evidence = Evidence(table.name, table.rows, facts.updated_by, sample)
    proposal = propose(columns, key, indexed, table.view, evidence)
    first, first_is = _first(catalog, table, proposal, indexed, sample, until, where)
    types = {column.name: column.type for column in columns}
    return ProposedFile(name, block, (table.schema, table.name), proposal, types, first, first_is, table.comment)


def _first(
    catalog: Catalog,
    table: ListedTable,
    proposal: Proposal,
    indexed: Sequence[str],
    sample: dict[str, list[object]],
    until: float,
    where: str | None,
) -> tuple[date | datetime | None, str]:
    """Return the first value of the cursor in the rows that `where` leaves, and what it is.

    A large table is only read by an index. The sample is of all rows, so its first value may be too early, never late.
    """
    cursor = proposal.cursor
    if cursor is None:
        return None, ""
    quick = cursor in indexed or (table.rows is not None and table.rows <= SMALL)
    if quick and time.monotonic() < until:
        found = _in_time(lambda: (catalog.first(table, cursor, where),))
        if found:
            return found[0], ""
    values = [value for value in sample.get(cursor, ()) if isinstance(value, date)]
    if values:
        return min(values), f"GUESS: the first {cursor} of some rows by the key. Earlier rows would not be loaded"
    return None, f"to find the first {cursor} would read the whole table"


def _in_time(query: Callable[[], T]) -> T | None:
    """Return the result of a query, or None if the database needed too long."""
    try:
        return query()
    except DatabaseError as error:
        if Condition.TIMED_OUT not in error.conditions:
            raise
        return None


def existing(files: Sequence[ProposedFile], folder: Path) -> Iterator[ProposedFile]:
    """Yield the proposals whose table already has a file, of a table or of a summary."""
    for one in files:
        name = TableName.parse(one.name)
        if any(name.path(folder, ending).exists() for ending in (".yaml", ".sql")):
            yield one
