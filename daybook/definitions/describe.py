"""Propose a table file for a live table: its key, cursor, interval and columns, as the database describes them."""

import re
from datetime import date, datetime

from pydantic import ValidationError

from daybook.definitions.describing.cursors import NO_EVIDENCE, Evidence
from daybook.definitions.describing.proposed_file import ProposedFile, write
from daybook.definitions.heuristics import Proposal, propose
from daybook.definitions.table import Table
from daybook.errors import ExtractFailed, SourceError, SourceLost, TableFileError
from daybook.model.dataset import NO_OWNER
from daybook.model.types import Type
from daybook.sources.base import ConnectionProvider
from daybook.sources.database import Config
from daybook.sources.database.catalog import Describing
from daybook.sources.database.catalogs import has_catalog, open_catalog
from daybook.sql.retries import with_retries
from daybook.strategies.registry import WHOLE_TABLE

__all__ = ["describe", "write"]

_NAME = re.compile(r"[^./\\]+\.[^./\\]+")


def describe(
    keys: ConnectionProvider, block: str, source: str, name: str | None = None, owner: str | None = NO_OWNER
) -> tuple[str, str]:
    """Return the name and the text of a table file for a table or view of a source database.

    Args:
        keys: opens the source.
        block: the block of the database.
        source: the table or view, as `schema.table`.
        name: the table in the warehouse, as `schema.table`. Default: the same table name in raw_data.
        owner: the owner to write. None: leave it to the defaults of the project.

    Raises:
        SourceError: the table does not exist, or the user may not read it.
        ExtractFailed: the database failed.
        SourceLost: every retry failed.
        TableFileError: `source` or `name` is not `schema.table`.
    """
    found = propose_file(keys, block, source, name)
    return found.name, found.text(owner)


def propose_file(
    keys: ConnectionProvider,
    block: str,
    source: str | None,
    name: str | None = None,
    *,
    where: str | None = None,
    query: str | None = None,
) -> ProposedFile:
    """Return the proposed table file for a table, a view or a query of a source database.

    Args:
        keys: opens the source.
        block: the block of the database.
        source: the table or view, as `schema.table`. None for a query.
        name: the table in the warehouse, as `schema.table`. Default: the same table name in raw_data.
        where: the condition of the rows to load.
        query: a SELECT instead of a table.

    Raises:
        SourceError: the table does not exist, the user may not read it, or the database refuses the filter.
        ExtractFailed: the database failed.
        SourceLost: every retry failed.
        TableFileError: `source` or `name` is not `schema.table`, or a filter is not SQL that only reads.
    """
    if not name and not source:
        raise TableFileError("a query has no name: add --name raw_data.NAME")
    name = name or f"raw_data.{re.sub(r'[^0-9A-Za-z_]+', '_', str(source).rsplit('.', 1)[-1])}"
    if not _NAME.fullmatch(name):
        raise TableFileError(f"{name!r} is not a table name of the warehouse: write schema.table")
    given = {"table": source, "where": where, "query": query}
    fields = {"kind": "database", "block": block, **{field: text for field, text in given.items() if text is not None}}
    try:
        config = Config.model_validate(fields)
    except ValidationError as error:
        problem = error.errors()[0]
        if problem["loc"] == ("table",):
            hint = f", or a pattern if a name contains a dot, such as {_pattern(source)!r}" if source else ""
            raise TableFileError(f"{source!r} is not a table name of the source: write schema.table{hint}") from None
        where_to_look = "".join(f"{part}: " for part in problem["loc"])
        raise TableFileError(f"{where_to_look}{problem['msg'].removeprefix('Value error, ')}") from None
    # a query with bounds needs a cursor, which is not known yet
    any_table = Config.model_validate({"kind": "database", "block": block, "table": "any.table"})
    table = Table.model_validate(
        {"name": name, "description": "", "owner": "", "source": any_table, "load": WHOLE_TABLE.name}
    ).model_copy(update={"source": config})
    proposal, first, types, comment = with_retries(
        lambda: _read(config, table, keys), what=f"describing {config.title}", failed=ExtractFailed, lost=SourceLost
    )
    return ProposedFile(
        name, block, config.table, proposal, types, first, comment=comment, where=where, query=config.query
    )


def _pattern(source: str) -> str:
    """Return a pattern that matches a table with a dot in its name."""
    schema, _, table = source.partition(".")
    return f"{schema}.{table.replace('.', '?')}"


def _read(
    config: Config, table: Table, keys: ConnectionProvider
) -> tuple[Proposal, date | datetime | None, dict[str, Type], str]:
    """Return the proposal for the table, the first value of its cursor, the type of each column, and its comment."""
    with config.open(table, keys) as opened:
        if not isinstance(opened, Describing):
            raise SourceError(f"{config.title}: the source of block {config.block!r} cannot be described")
        facts, columns = opened.facts(), opened.columns()
        if not columns:
            raise SourceError(f"{config.title}: it has no columns, so there is nothing to load")
        key = facts.key([column.name for column in columns if not column.nullable])
        indexed = [column.name for column in columns if facts.is_leading(column.name)]
        evidence, comment = _evidence(config, keys)
        proposal = propose(columns, key, indexed, facts.view, evidence)
        first = opened.first(proposal.cursor) if proposal.cursor else None
    return proposal, first, {column.name: column.type for column in columns}, comment


def _evidence(config: Config, keys: ConnectionProvider) -> tuple[Evidence, str]:
    """Return what the database's catalog says about the table, and the table's comment."""
    if len(config.table) < 2 or not has_catalog(keys, config.block):
        return NO_EVIDENCE, ""
    schema, name = config.table
    with open_catalog(keys, config.block) as catalog:
        for listed in catalog.tables():
            if (listed.schema, listed.name) == (schema, name):
                (found,) = catalog.describe([listed])
                return Evidence(listed.name, listed.rows, found.updated_by), listed.comment
    return NO_EVIDENCE, ""
