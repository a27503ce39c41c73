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
    name = name or f"raw_data.{re.sub(r'[^0-9A-Za-z_]+', '_', source.rsplit('.', 1)[-1])}"
    if not _NAME.fullmatch(name):
        raise TableFileError(f"{name!r} is not a table name of the warehouse: write schema.table")
    try:
        config = Config.model_validate({"kind": "database", "block": block, "table": source})
    except ValidationError:
        raise TableFileError(f"{source!r} is not a table name of the source: write schema.table") from None
    table = Table.model_validate(
        {"name": name, "description": "", "owner": "", "source": config, "load": WHOLE_TABLE.name}
    )
    what = f"describing {source}"
    proposal, first, types, comment = with_retries(
        lambda: _read(config, table, keys), what=what, failed=ExtractFailed, lost=SourceLost
    )
    return name, ProposedFile(name, block, config.table, proposal, types, first, comment=comment).text(owner)


def _read(
    config: Config, table: Table, keys: ConnectionProvider
) -> tuple[Proposal, date | datetime | None, dict[str, Type], str]:
    """Return the proposal for the table, the first value of its cursor, the type of each column, and its comment."""
    with config.open(table, keys) as opened:
        if not isinstance(opened, Describing):
            raise SourceError(f"{'.'.join(config.table)}: the source of block {config.block!r} cannot be described")
        facts, columns = opened.facts(), opened.columns()
        key = facts.key([column.name for column in columns if not column.nullable])
        indexed = [column.name for column in columns if facts.is_leading(column.name)]
        evidence, comment = _evidence(config, keys)
        proposal = propose(columns, key, indexed, facts.view, evidence)
        first = opened.first(proposal.cursor) if proposal.cursor else None
    return proposal, first, {column.name: column.type for column in columns}, comment


def _evidence(config: Config, keys: ConnectionProvider) -> tuple[Evidence, str]:
    """Return what the database's catalog says about the table, and the table's comment."""
    if len(config.table) == 1 or not has_catalog(keys, config.block):
        return NO_EVIDENCE, ""
    schema, name = config.table
    with open_catalog(keys, config.block) as catalog:
        for listed in catalog.tables():
            if (listed.schema, listed.name) == (schema, name):
                (found,) = catalog.describe([listed])
                return Evidence(listed.name, listed.rows, found.updated_by), listed.comment
    return NO_EVIDENCE, ""
