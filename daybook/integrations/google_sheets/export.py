"""A table, or what one SELECT returns, into a Google sheet: selected, written, read back, and noted in the ledger."""

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

#: Kinds of columns that have no order, by which rows cannot be sorted.
_UNORDERED = {"json", "native"}
_LONGEST_NAME = 255  # bytes of a table's name in the ledger


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be written: the header and the rows, and the moment at which the warehouse was asked."""

    what: str
    rows: Rows
    at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """What lies in the sheet now: where, how many rows below the header, as of when."""

    spreadsheet: str
    name: str
    """As the ledger calls it."""
    rows: int
    at: datetime


def select_table(warehouse: Warehouse, table: Table | Summary) -> Selection:
    """All rows of a table or summary in the warehouse, in the order of its key and then of its other columns.

    Raises:
        ExportFailed: there is no such table; the warehouse failed; a value or the table is too large for a sheet.
    """

    def statement(session: Session) -> str:
        columns = warehouse.existing_columns(session, table.name)
        if not columns:
            raise ExportFailed(f"{table.name} is not in the warehouse yet: load or build it first")
        names, order = list(map(warehouse.quote, columns)), map(warehouse.quote, _order(columns, table.key))
        return f"SELECT {', '.join(names)} FROM {warehouse.table(table.name)} ORDER BY {', '.join(order)}"

    return _select(warehouse, table.name, statement)


def select(warehouse: Warehouse, query: str) -> Selection:
    """The rows of one SELECT, in the order that it says. Nothing that it does can change the warehouse.

    Raises:
        ExportFailed: it is more than one statement, or no SELECT; and as `select_table` does.
    """
    one = query.strip().removesuffix(";")
    if ";" in one:
        raise ExportFailed("query must be one SELECT, without a semicolon: write chr(59) for one within a text")
    return _select(warehouse, "the query", lambda session: one.replace("%", "%%"))


def write(selection: Selection, credentials: "Credentials", spreadsheet: str, area: Area) -> Written:
    """Replace what is in `area` of the spreadsheet by the selection, its header first, and read it back.

    Raises:
        ExportFailed: Google refuses it, with what to do; it does not fit; or what is read back is not what was sent.
        ExportLost: Google did not answer, or a quota was used up, again and again.
    """
    what = f"{selection.what} into {area} of {spreadsheet}"
    name = f"google_sheets.{spreadsheet}!{area}"
    if len(name.encode()) > _LONGEST_NAME:
        raise ExportFailed(f"{what}: the sheet's name is too long for the ledger: give it a shorter one")
    sheet = Spreadsheet(credentials, spreadsheet, WRITE, what=what, failed=ExportFailed, lost=ExportLost)
    replace(sheet, area, selection.rows)
    found, _ = sheet.values(area.a1, "UNFORMATTED_VALUE")
    if _extent(found) != _extent(selection.rows):
        (rows, filled), (found_rows, found_filled) = _extent(selection.rows), _extent(found)
        raise ExportFailed(
            f"{what}: {rows:,} rows with {filled:,} filled cells were sent, and the sheet has {found_rows:,} with "
            f"{found_filled:,}. Somebody edits it at this moment, or a formula beside it spills over: leave the range "
            "to Daybook, and run it again"
        )
    logger.info("%s: %d rows are there", what, len(selection.rows) - 1)
    return Written(spreadsheet, name, len(selection.rows) - 1, selection.at)


def note(warehouse: Warehouse, written: Written, flow_run_id: str | None) -> Entry:
    """Leave a row in the ledger of what was written, and return it.

    Raises ExportFailed: the warehouse failed. The sheet is as it was written: run it again.
    """
    load_id = str(uuid.uuid4())

    def record() -> Entry:
        with warehouse.session() as session:
            ledger = Ledger(warehouse)
            ledger.ensure(session)
            done = ledger.of_load(session, written.name, load_id)
            if done:  # by an earlier try, whose answer was lost
                return done[0]
            moment = ledger.next_moment(session, written.name)
            entry = Entry(
                written.name, None, written.at, written.rows, WHOLE_TABLE.name, flow_run_id, moment, load_id, written.at
            )
            ledger.record(session, [entry])
            return entry

    what = f"{written.name}: noting its {written.rows:,} rows in the ledger"
    return with_retries(record, what=what, failed=ExportFailed, lost=ExportLost)


def _select(warehouse: Warehouse, what: str, statement: Any) -> Selection:
    def ask() -> Selection:
        with warehouse.session() as session:
            at = datetime.now(UTC)
            warehouse.begin_snapshot(session, read_only=True)
            query = statement(session)
            rows = int(session.one(f"SELECT count(*) FROM ({query}\n) AS exported"))
            header = session.names(f"SELECT * FROM ({query}\n) AS exported LIMIT 0")
            if (rows + 1) * len(header) > MOST_CELLS:
                raise ExportFailed(
                    f"{what} has {rows:,} rows of {len(header)} columns, and a spreadsheet holds {MOST_CELLS:,} "
                    "cells: select fewer"
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
            raise ExportFailed(f"{where}: {error}. Leave it out, or shorten it") from None
    return cells


def _extent(rows: Rows) -> tuple[int, int]:
    """How many rows there are down to the last with anything in it, and how many cells that are not empty."""
    filled = [sum(cell not in (None, "") for cell in row) for row in rows]
    return max((number for number, count in enumerate(filled, 1) if count), default=0), sum(filled)
