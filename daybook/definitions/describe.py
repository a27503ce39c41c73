"""Propose a table file for a live table: its key, cursor, interval and columns, as the database describes them."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from pydantic import ValidationError

from daybook.definitions.heuristics import Proposal, propose
from daybook.definitions.table import Table
from daybook.errors import ExtractFailed, SourceError, SourceLost, TableFileError
from daybook.model.dataset import NO_OWNER
from daybook.model.table_name import TableName
from daybook.model.types import Type
from daybook.sources.base import ConnectionProvider
from daybook.sources.database import Config
from daybook.sources.database.catalog import Describing
from daybook.sql.retries import with_retries
from daybook.strategies.registry import WHOLE_TABLE

_NAME = re.compile(r"[^./\\]+\.[^./\\]+")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Words that some version of YAML reads as a boolean or as null.
_NO_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def describe(keys: ConnectionProvider, block: str, source: str, name: str | None = None) -> tuple[str, str]:
    """Return the name and the text of a table file for a table or view of a source database.

    Args:
        keys: opens the source.
        block: the block of the database.
        source: the table or view, as `schema.table`.
        name: the table in the warehouse, as `schema.table`. Default: the same table name in raw_data.

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
    found = with_retries(lambda: _read(config, table, keys), what=what, failed=ExtractFailed, lost=SourceLost)
    return name, "\n".join(_lines(block, source, *found)) + "\n"


def _read(
    config: Config, table: Table, keys: ConnectionProvider
) -> tuple[Proposal, date | datetime | None, dict[str, str]]:
    """Return the proposal for the table, the first value of its cursor, and the type of each column."""
    with config.open(table, keys) as opened:
        if not isinstance(opened, Describing):
            raise SourceError(f"{'.'.join(config.table)}: the source of block {config.block!r} cannot be described")
        facts, columns = opened.facts(), opened.columns()
        key = facts.key([column.name for column in columns if not column.nullable])
        indexed = [column.name for column in columns if facts.is_leading(column.name)]
        proposal = propose(columns, key, indexed, facts.view)
        first = opened.first(proposal.cursor) if proposal.cursor else None
    return proposal, first, {column.name: _declarable(column.type) for column in columns}


def _lines(
    block: str, source: str, proposal: Proposal, first: date | datetime | None, types: dict[str, str]
) -> Iterator[str]:
    yield "# yaml-language-server: $schema=../schema.json"
    yield f"# Proposed by `daybook describe {block} {source}`: check it, and replace the words in capitals."
    yield f"description: {json.dumps(f'Rows of {source}.', ensure_ascii=False)} # say what one row represents"
    yield f"owner: {NO_OWNER}"
    yield f"source: {{kind: database, block: {_text(block)}, table: {_text(source, dotted=True)}}}"
    remarks = {field: f" # {remark}" for field, remark in proposal.remarks.items() if remark}
    if proposal.key:
        yield f"key: [{', '.join(_text(name) for name in proposal.key)}]"
    else:
        yield f"#{remarks['key'].removeprefix(' #')}. If some columns identify a row, add: key: […]"
    if proposal.cursor:
        yield f"cursor: {_text(proposal.cursor)}{remarks.get('cursor', '')}"
        yield "interval: day"
        yield "timezone: UTC # the time zone of the days, and of a cursor without a time zone"
        if first:
            yield f"start: {first:%Y-%m-%d} # the first value of {proposal.cursor}"
        else:
            yield f"# the table has no value of {proposal.cursor} yet. Add the first day to load: start: …"
    yield f"load: {proposal.load}{remarks.get('load', '')}"
    if proposal.deleted:
        yield f"deleted: {_text(proposal.deleted)}{remarks['deleted']}"
    if proposal.private:
        masks = ", ".join(f"{_text(name)}: {'hash' if name in proposal.key else 'null'}" for name in proposal.private)
        yield f"# to keep private values out of the warehouse, add a mask (hash, null or drop): mask: {{{masks}}}"
    yield "columns:"
    yield from (f"  {_text(name)}: {type}" for name, type in types.items())


def _declarable(type: Type) -> str:
    """Return the type as `columns:` can declare it. Native types of PostgreSQL become text."""
    return "text" if type.kind == "native" else str(type)


def _text(text: str, *, dotted: bool = False) -> str:
    plain = _PLAIN.fullmatch(text.replace(".", "_") if dotted else text)
    return text if plain and text.lower() not in _NO_TEXT else json.dumps(text, ensure_ascii=False)


def write(name: str, text: str, folder: Path, *, force: bool = False) -> Path:
    """Write the file of the table `name` below `folder`, and return its path.

    Raises:
        TableFileError: the file already exists, and `force` is False.
    """
    path = TableName.parse(name).path(folder, ".yaml")
    if path.exists() and not force:
        raise TableFileError(f"{path} already exists and was not changed: pass --force to overwrite it")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
