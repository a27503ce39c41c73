"""The proposed table file of a table: its fields, its text, and its line in a summary."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from daybook import shell
from daybook.definitions.heuristics import Proposal
from daybook.errors import TableFileError
from daybook.model.dataset import NO_OWNER
from daybook.model.table_name import TableName
from daybook.model.types import Type
from daybook.sources.database.filters.fragment import PLACEHOLDERS

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Words that some version of YAML reads as a boolean or as null.
_NO_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True)
class ProposedFile:
    """A proposed table file.

    Attributes:
        name: the table in the warehouse, as schema.table.
        block: the block of its source.
        source: the table in the source: (schema, table), or (table,). Empty for a query.
        proposal: its key, cursor and load.
        types: its columns.
        first: the first value of the cursor, or None.
        first_is: what `first` is.
        comment: the comment of the table in the source, or "".
        where: the condition of the rows to load, or None.
        query: the SELECT that is read instead of a table, or None.
    """

    name: str
    block: str
    source: tuple[str, ...]
    proposal: Proposal
    types: Mapping[str, Type]
    first: date | datetime | None
    first_is: str = ""
    comment: str = ""
    where: str | None = None
    query: str | None = None

    @property
    def source_name(self) -> str:
        """Return the name of the table in the source, as schema.table, or words for a query."""
        return ".".join(self.source) or "a query"

    @property
    def description(self) -> str:
        """Return the comment of the source, or a sentence that is true of every table."""
        return " ".join(self.comment.split()) or f"Rows of {self.source_name}."

    @property
    def first_day(self) -> date | None:
        """Return the first day to load, or None if there is none, or if no interval reaches it."""
        first = self.first
        return date(first.year, first.month, first.day) if first and 2 <= first.year <= 9998 else None

    def load_fields(self) -> dict[str, Any]:
        """Return the fields that say how the table is loaded, without its source and its columns."""
        proposal = self.proposal
        fields: dict[str, Any] = {"load": proposal.load}
        if proposal.key:
            fields["key"] = list(proposal.key)
        if proposal.cursor:
            fields |= {"cursor": proposal.cursor, "interval": "day"}
            if first := self.first_day:
                fields["start"] = first
        if proposal.deleted:
            fields["deleted"] = proposal.deleted
        return fields

    def fields(self) -> dict[str, Any]:
        """Return the fields of the file, except its owner."""
        source: dict[str, Any] = {"kind": "database", "block": self.block}
        given = {"table": list(self.source), "query": self.query, "where": self.where}
        source |= {field: value for field, value in given.items() if value}
        types = {name: _declarable(type) for name, type in self.types.items()}
        return {"description": self.description, "source": source, **self.load_fields(), "columns": types}

    @property
    def reason(self) -> str:
        """Return why the table is loaded in this way, with the certainty first, in one line."""
        remarks = self.proposal.remarks
        return remarks.get("cursor") or f"{self.proposal.certainty}: {remarks.get('load', '')}"

    def line(self) -> str:
        """Return the load, the cursor, the key, and the certainty with its reason, in one line."""
        key = ", ".join(self.proposal.key)
        by = f" by {self.proposal.cursor}" if self.proposal.cursor else ""
        return f"{self.proposal.load}{by}; {f'key {key}' if key else 'no key'}; {self.reason.partition('; ')[0]}"

    def text(self, owner: str | None = NO_OWNER, command: str | None = None) -> str:
        """Return the text of the file. With `owner` None, it leaves the owner to the defaults of the project."""
        if command is None:
            options = [f"--{field} …" for field in ("where", "query") if getattr(self, field) is not None]
            names = shell.command("daybook", "describe", self.block, *filter(None, [".".join(self.source)]))
            command = " ".join([names, *options])
        return "\n".join(self._lines(owner, command)) + "\n"

    def _lines(self, owner: str | None, command: str) -> Iterator[str]:
        proposal = self.proposal
        yield "# yaml-language-server: $schema=../schema.json"
        yield f"# Proposed by `{command}`. Check it, and replace what is in capitals."
        yield f"description: {quoted(self.description)}" + ("" if self.comment else " # say what one row represents")
        if owner:
            yield f"owner: {plain(owner)}"
        yield from self._source()
        remarks = {field: f" # {remark}" for field, remark in proposal.remarks.items() if remark}
        if proposal.key:
            yield f"key: [{', '.join(plain(name) for name in proposal.key)}]"
        else:
            yield f"#{remarks['key'].removeprefix(' #')}. If some columns identify a row, add: key: […]"
        if self.query and not proposal.cursor and any(bound in self.query for bound in PLACEHOLDERS):
            yield "# the bounds in the query need cursor: and interval:, with a column that the query returns"
        if proposal.warning:
            yield f"# WARNING: {proposal.warning}"
        if proposal.cursor:
            yield f"cursor: {plain(proposal.cursor)}{remarks.get('cursor', '')}"
            yield "interval: day # in UTC; set timezone: if days begin elsewhere, or if the cursor is local time"
            yield from self._first_day()
        yield f"load: {proposal.load}{remarks.get('load', '')}"
        if proposal.deleted:
            yield f"deleted: {plain(proposal.deleted)}{remarks['deleted']}"
        if proposal.private:
            masks = ", ".join(
                f"{plain(name)}: {'hash' if name in proposal.key else 'null'}" for name in proposal.private
            )
            yield f"# to keep private values out of the warehouse, add a mask (hash, null or drop): mask: {{{masks}}}"
        yield "columns:"
        yield from (f"  {plain(name)}: {_declarable(type)}" for name, type in self.types.items())

    def _source(self) -> Iterator[str]:
        start, where = f"kind: database, block: {plain(self.block)}", f"where: {quoted(self.where or '')}"
        if self.query is None:
            table = plain(self.source_name, dotted=True) if "." not in "".join(self.source) else json.dumps(self.source)
            yield f"source: {{{start}, table: {table}{f', {where}' if self.where else ''}}}"
            return
        yield from ("source:", "  kind: database", f"  block: {plain(self.block)}")
        yield from ([f"  {where}"] if self.where else [])
        yield "  query: |"
        yield from (f"    {line}".rstrip() for line in self.query.strip().splitlines())

    def _first_day(self) -> Iterator[str]:
        cursor = self.proposal.cursor
        if self.first_day:
            yield f"start: {self.first_day} # {self.first_is or f'the first value of {cursor}'}"
        else:
            none = f"the first {cursor} is {self.first}" if self.first else f"the table has no value of {cursor} yet"
            why = self.first_is or none
            yield f"# {why}. Add the first day to load: start: …"


def _declarable(type: Type) -> str:
    """Return the type as `columns:` can declare it. Native types of PostgreSQL become text."""
    return "text" if type.kind == "native" else str(type)


def quoted(text: str) -> str:
    """Return a text in quotes, for YAML."""
    return json.dumps(text, ensure_ascii=False)


def plain(text: str, *, dotted: bool = False) -> str:
    """Return a text for YAML, without quotes if it needs none. Only a `dotted` one may have dots."""
    fits = _PLAIN.fullmatch(text.replace(".", "_") if dotted else text)
    return text if fits and text.lower() not in _NO_TEXT else quoted(text)


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
