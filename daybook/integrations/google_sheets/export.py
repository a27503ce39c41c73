"""Export a table, or the result of one SELECT, to a Google sheet: select, write, read back, record in the ledger."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.errors import ExportFailed, ExportLost
from daybook.integrations.google_sheets.cells import Cell, cell_of
from daybook.integrations.google_sheets.writer import Rows, replace
from daybook.ledger.ledger import Entry, Ledger
from daybook.model.types import Column
from daybook.sources.google_sheets.client import WRITE, Spreadsheet
from daybook.sources.google_sheets.ranges import MOST_CELLS, Area
from daybook.sql.retries import with_retries
from daybook.strategies.registry import WHOLE_TABLE
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials

logger = logging.getLogger(__name__)

#: Kinds of columns that have no order, so rows cannot be sorted by them.
_UNORDERED = {"json", "native"}
_LONGEST_NAME = 255  # bytes of `table_name` in the ledger


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows to write, the header first, and the time of the query in UTC."""

    what: str
    rows: Rows
    at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """A finished export: its place, the number of rows without the header, and the time of the query in UTC."""

    spreadsheet: str
    name: str
    """The name in the ledger."""
    rows: int
    at: datetime


def select_table(warehouse: Warehouse, table: Table | Summary) -> Selection:
    """Return all rows of a table or summary in the warehouse, ordered by its key and then by its other columns.

    Raises:
        ExportFailed: the table does not exist, the warehouse failed, or a value or the table is too large for a sheet.
    """

    def statement(session: Session) -> str:
        columns = warehouse.existing_columns(session, table.name)
        if not columns:
            raise ExportFailed(f"{table.name} is not in the warehouse yet: load or build it first")
        names, order = list(map(warehouse.quote, columns)), map(warehouse.quote, _order(columns, table.key))
        return f"SELECT {', '.join(names)} FROM {warehouse.table(table.name)} ORDER BY {', '.join(order)}"

    return _select(warehouse, table.name, statement)


def select(warehouse: Warehouse, query: str) -> Selection:
    """Return the rows of one SELECT, in its order. It runs in a read-only transaction.

    Raises:
        ExportFailed: the query has more than one statement or is not a SELECT; or for the reasons of `select_table`.
    """
    one = query.strip().removesuffix(";")
    if ";" in one:
        raise ExportFailed("query must be one SELECT without a semicolon: write chr(59) for a semicolon in a text")
    return _select(warehouse, "the query", lambda session: one.replace("%", "%%"))


def write(selection: Selection, credentials: "Credentials", spreadsheet: str, area: Area) -> Written:
    """Replace the content of `area` in the spreadsheet with the selection, the header first, and read it back.

    Raises:
        ExportFailed: Google refuses the request, the rows do not fit, or the sheet has other rows than those sent.
        ExportLost: Google did not answer, or a quota was exceeded, on every attempt.
    """
    what = f"{selection.what} into {area} of {spreadsheet}"
    name = f"google_sheets.{spreadsheet}!{area}"
    if len(name.encode()) > _LONGEST_NAME:
        raise ExportFailed(f"{what}: the name of the sheet is too long for the ledger. Give it a shorter name")
    sheet = Spreadsheet(credentials, spreadsheet, WRITE, what=what, failed=ExportFailed, lost=ExportLost)
    replace(sheet, area, selection.rows)
    found, _ = sheet.values(area.a1, "UNFORMATTED_VALUE")
    if _extent(found) != _extent(selection.rows):
        (rows, filled), (found_rows, found_filled) = _extent(selection.rows), _extent(found)
        raise ExportFailed(
            f"{what}: {rows:,} rows with {filled:,} filled cells were sent, but the sheet has {found_rows:,} with "
            f"{found_filled:,}. Another person is editing it, or a formula next to the range spills into it. Reserve "
            "the range for Daybook, and run the export again"
        )
    logger.info("%s: %d rows written and read back", what, len(selection.rows) - 1)
    return Written(spreadsheet, name, len(selection.rows) - 1, selection.at)


def note(warehouse: Warehouse, written: Written, flow_run_id: str | None) -> Entry:
    """Record the export in the ledger, and return the ledger entry.

    Raises:
        ExportFailed: the warehouse failed. The sheet has the new rows: running the export again is safe.
    """
    load_id = str(uuid.uuid4())

    def record() -> Entry:
        with warehouse.session() as session:
            ledger = Ledger(warehouse)
            ledger.ensure(session)
            recorded = ledger.of_load(session, written.name, load_id)
            if recorded:  # an earlier attempt committed, but its response was lost
                return recorded[0]
            moment = ledger.next_moment(session, written.name)
            entry = Entry(
                written.name, None, written.at, written.rows, WHOLE_TABLE.name, flow_run_id, moment, load_id, written.at
            )
            ledger.record(session, [entry])
            return entry

    what = f"{written.name}: recording its {written.rows:,} rows in the ledger"
    return with_retries(record, what=what, failed=ExportFailed, lost=ExportLost)


def _select(warehouse: Warehouse, what: str, statement: Any) -> Selection:
    def ask() -> Selection:
        with warehouse.session() as session:
            at = datetime.now(UTC)
            query = statement(session)
            warehouse.begin_snapshot(session, f"({query}\n) AS exported", read_only=True)
            rows = int(session.one(f"SELECT count(*) FROM ({query}\n) AS exported"))
            header = session.names(f"SELECT * FROM ({query}\n) AS exported LIMIT 0")
            if (rows + 1) * len(header) > MOST_CELLS:
                raise ExportFailed(
                    f"{what} has {rows:,} rows with {len(header)} columns, but a spreadsheet holds {MOST_CELLS:,} "
                    "cells. Select fewer rows or columns"
                )
            cells = [_cells(what, header, number, row) for number, row in enumerate(session.stream(query), 1)]
            session.run("ROLLBACK")
            return Selection(what, [header, *cells], at)

    return with_retries(ask, what=f"selecting {what}", failed=ExportFailed, lost=ExportLost)


def _order(columns: Mapping[str, Column], key: Sequence[str]) -> list[str]:
    names = [*(name for name in key if name in columns), *(name for name in columns if name not in key)]
    return [name for name in names if columns[name].type.kind not in _UNORDERED] or list(columns)[:1]


def _cells(what: str, header: Sequence[str], number: int, row: Sequence[Any]) -> list[Cell]:
    cells: list[Cell] = []
    for name, value in zip(header, row, strict=True):
        try:
            cells.append(cell_of(value))
        except ValueError as error:
            where = f"{what}, row {number}, column {name}"
            raise ExportFailed(f"{where}: {error}. Leave the column out, or shorten the value") from None
    return cells


def _extent(rows: Rows) -> tuple[int, int]:
    """Return the number of rows down to the last one that is not empty, and the number of cells that are not empty."""
    filled = [sum(cell not in (None, "") for cell in row) for row in rows]
    return max((number for number, count in enumerate(filled, 1) if count), default=0), sum(filled)
