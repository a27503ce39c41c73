"""Propose a table file for a live table: its key, cursor, interval and columns, as the database describes them."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from pydantic import ValidationError

from daybook.definitions.heuristics import Proposal, propose
from daybook.definitions.table import Table
from daybook.errors import SourceError, TableFileError
from daybook.model.table_name import TableName
from daybook.model.types import Type
from daybook.sources.base import ConnectionProvider
from daybook.sources.database import Config
from daybook.sources.database.catalog import Describing
from daybook.strategies.registry import WHOLE_TABLE

_NAME = re.compile(r"[^./\\]+\.[^./\\]+")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: What YAML, of one version or another, takes for something else than a text.
_NO_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def describe(keys: ConnectionProvider, block: str, source: str, name: str | None = None) -> tuple[str, str]:
    """The name and the text of a table file for the table or view `source` (`schema.table`) of the database `block`.

    `name` is the table in the warehouse; left out, it is the one of that name in raw_data.

    Raises:
        SourceError: there is no such table, or the user may not read it.
        TableFileError: `source` or `name` is no schema.table.
    """
    name = name or f"raw_data.{re.sub(r'[^0-9A-Za-z_]+', '_', source.rsplit('.', 1)[-1])}"
    if not _NAME.fullmatch(name):
        raise TableFileError(f"{name!r} is no name of a table in the warehouse: expected schema.table")
    try:
        config = Config.model_validate({"kind": "database", "block": block, "table": source})
    except ValidationError:
        raise TableFileError(f"{source!r} is no name of a table at the source: expected schema.table") from None
    table = Table.model_validate(
        {"name": name, "description": "", "owner": "", "source": config, "load": WHOLE_TABLE.name}
    )
    with config.open(table, keys) as opened:
        if not isinstance(opened, Describing):
            raise SourceError(f"{source}: the source of block {block!r} cannot be described")
        facts, columns = opened.facts(), opened.columns()
        key = facts.key([column.name for column in columns if not column.nullable])
        indexed = [column.name for column in columns if facts.is_leading(column.name)]
        proposal = propose(columns, key, indexed, facts.view)
        first = opened.first(proposal.cursor) if proposal.cursor else None
    types = {column.name: _declarable(column.type) for column in columns}
    text = "\n".join(_lines(block, source, proposal, first, types)) + "\n"
    return name, text


def _lines(
    block: str, source: str, proposal: Proposal, first: date | datetime | None, types: dict[str, str]
) -> Iterator[str]:
    yield "# yaml-language-server: $schema=../schema.json"
    yield f"# Proposed by `python -m daybook.describe {block} {source}`: read it, and replace what is in capitals."
    yield f"description: {json.dumps(f'SAY WHAT ONE ROW OF {source} IS', ensure_ascii=False)}"
    yield "owner: NAME_THE_TEAM_TO_ASK"
    yield f"source: {{kind: database, block: {_text(block)}, table: {_text(source, dotted=True)}}}"
    remarks = {field: f" # {remark}" for field, remark in proposal.remarks.items() if remark}
    if proposal.key:
        yield f"key: [{', '.join(_text(name) for name in proposal.key)}]"
    else:
        yield f"#{remarks['key'].removeprefix(' #')}. Where some columns tell a row from every other: key: […]"
    if proposal.cursor:
        yield f"cursor: {_text(proposal.cursor)}{remarks.get('cursor', '')}"
        yield "interval: day"
        yield "timezone: UTC # where days begin, and what a cursor without a zone means"
        if first:
            yield f"start: {first:%Y-%m-%d} # the first value of {proposal.cursor}"
        else:
            yield f"# the table has no {proposal.cursor} yet. The first day to load: start: …"
    yield f"load: {proposal.load}{remarks.get('load', '')}"
    if proposal.deleted:
        yield f"deleted: {_text(proposal.deleted)}{remarks['deleted']}"
    if proposal.private:
        masks = ", ".join(f"{_text(name)}: {'hash' if name in proposal.key else 'null'}" for name in proposal.private)
        yield f"# what is private can stay at the source (hash, null or drop): mask: {{{masks}}}"
    yield "columns:"
    yield from (f"  {_text(name)}: {type}" for name, type in types.items())


def _declarable(type: Type) -> str:
    """The type as `columns:` may name it: one of PostgreSQL's own is kept as text."""
    return "text" if type.kind == "native" else str(type)


def _text(text: str, *, dotted: bool = False) -> str:
    plain = _PLAIN.fullmatch(text.replace(".", "_") if dotted else text)
    return text if plain and text.lower() not in _NO_TEXT else json.dumps(text, ensure_ascii=False)


def write(name: str, text: str, folder: Path, *, force: bool = False) -> Path:
    """Write the file of the table `name` below `folder`, and return its path.

    Raises:
        TableFileError: there is one already, and `force` was not said.
    """
    path = TableName.parse(name).path(folder, ".yaml")
    if path.exists() and not force:
        raise TableFileError(f"{path} is there already, and is left as it is: --force overwrites it")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
