"""Reset, rename or remove a table: its rows and its ledger change in one transaction.

The ledger is append-only. It gets an entry after which none of the earlier ones counts (`Ledger.close`), so the audit,
`catch-up`, backfills and summaries see a table that was never loaded.
"""

from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from daybook.definitions.registry import has_file
from daybook.definitions.summary_files import summary_names
from daybook.definitions.table_files import table_names
from daybook.definitions.targets.project_target import either_name, file_stem, of_target
from daybook.ledger.ledger import Coverage, Ledger
from daybook.ledger.schema_tables import state_tables
from daybook.ledger.state_table import SCHEMA
from daybook.lifecycle.errors import ChangeRefused
from daybook.lifecycle.locked_change import forget_lock, locked
from daybook.model.table_name import TableName
from daybook.shell import command
from daybook.suggestions import did_you_mean, in_full
from daybook.warehouses.base import TABLE, Warehouse
from daybook.warehouses.session import Session

#: The schema of archived tables.
ARCHIVE = "archive"

Fate = Literal["keep", "archive", "drop"]


@dataclass(frozen=True, slots=True)
class Found:
    """A table as it is before a change."""

    name: str
    has_file: bool
    kind: str | None
    """The kind of the object in the warehouse: "a table", "a view". None: there is no such object."""
    coverage: Coverage | None
    """What the ledger has of it. None: nothing."""

    def as_json(self) -> dict[str, Any]:
        """Return the fields for a plan in JSON."""
        until = self.coverage.until.isoformat() if self.coverage else None
        return {"table": self.name, "has_file": self.has_file, "in_warehouse": self.kind, "loaded_until": until}

    def __str__(self) -> str:
        loaded = self.coverage and f"loaded until {self.coverage.until:%Y-%m-%d %H:%M} UTC"
        return f"{self.name} ({self.kind or 'not in the warehouse'}, {loaded or 'not in the ledger'})"


def find(warehouse: Warehouse, given: str, folder: Path | None = None) -> Found:
    """Return the table `given`, with or without its schema. It has a file, or the ledger knows it.

    Raises:
        ChangeRefused: there is no such table, or the warehouse has another kind of object with its name.
    """
    with warehouse.session() as session:
        ledger = Ledger(warehouse).ends(session)
        files = {*table_names(folder), *summary_names(folder)}
        known = sorted({*files, *of_target(ledger, files)})
        name = in_full(either_name(given), known)
        if name not in known:
            near = did_you_mean(given, known, "`daybook tables` lists the tables", most=3)
            raise ChangeRefused(f"no table {given!r} has a file or an entry in the ledger{near}")
        found = Found(name, has_file(name, folder), warehouse.kind_of(session, name), ledger.get(name))
    if found.kind not in (None, TABLE):
        raise ChangeRefused(f"{name} is {found.kind} in the warehouse, which no load has made: change it by hand")
    return found


def reset(warehouse: Warehouse, table: str, *, keep_rows: bool = False) -> int:
    """Delete the rows of `table`, and close its ledger. With `keep_rows`, close the ledger alone.

    Returns the number of deleted rows.
    """
    with locked(warehouse, table, "reset") as (session, exists):
        rows = session.run(f"DELETE FROM {warehouse.table(table)}") if exists and not keep_rows else 0
        identity = warehouse.identity(session, table) if exists else None
        Ledger(warehouse).close(session, table, identity, None if exists and keep_rows else 0)
    return rows


def rename(warehouse: Warehouse, old: str, new: str) -> int:
    """Rename a table in the warehouse and in the ledger. Return the number of its rows in the schema `daybook`.

    Raises:
        ChangeRefused: `new` is taken in the warehouse or in the ledger.
    """
    make_schema(warehouse, new)
    with locked(warehouse, old, "rename") as (session, exists):
        _check_free(warehouse, session, new)
        carried = {
            one: one.read(
                session,
                partial(_with_name, new),
                f"SELECT {one.names} FROM {one.table} WHERE table_name = %s",
                (old,),
            )
            for one in state_tables(warehouse).values()
        }
        if restamped := _restamped(Ledger(warehouse), session, old, new):
            carried[next(iter(carried))] = restamped
        if exists:
            for statement in warehouse.move_table_sql(old, new):
                session.run(statement)
        Ledger(warehouse).close(session, old, None, 0)
        for one, rows in carried.items():
            one.append(session, rows)
    forget_lock(warehouse, old)
    return sum(map(len, carried.values()))


def check_free(warehouse: Warehouse, name: str, folder: Path, old: str | None = None) -> None:
    """Check that the table `old` can get this name. Its file may have it already: all targets share the file.

    Raises:
        ChangeRefused: it is no name, or it is taken in `folder`, in the warehouse or in the ledger.
    """
    _check_name(name)
    if has_file(name, folder) and (old is None or has_file(old, folder)):
        raise ChangeRefused(f"{name} is taken: it has a file in {folder}. Choose another name")
    with warehouse.session() as session:
        _check_free(warehouse, session, name)


def _check_free(warehouse: Warehouse, session: Session, name: str) -> None:
    taken = warehouse.kind_of(session, name)
    if taken or Ledger(warehouse).ends(session, [name]):
        where = f"it is {taken} in the warehouse" if taken else "the ledger has loads of it"
        remedy = command("daybook", "remove", name, *(["--archive"] if taken else []))
        raise ChangeRefused(f"{name} is taken: {where}. Choose another name, or first run: {remedy}")


def remove(warehouse: Warehouse, table: str, fate: Fate, archive: str = ARCHIVE) -> str | None:
    """Close the ledger of `table`, and keep the table, move it to the schema `archive`, or drop it.

    Returns the new name of an archived table, else None.

    Raises:
        DatabaseError: the warehouse refused, for example to drop a table that a view reads.
    """
    to = f"{archive}.{TableName.parse(table).table}"
    if fate == "archive":
        _check_name(to)
        make_schema(warehouse, to)
    with locked(warehouse, table, "remove") as (session, exists):
        if fate == "archive" and warehouse.kind_of(session, to):
            to = f"{to}_{datetime.now(UTC):%Y%m%d_%H%M%S}"
        statements = {
            "keep": [],
            "archive": warehouse.move_table_sql(table, to),
            "drop": [f"DROP TABLE {warehouse.table(table)}"],
        }
        for statement in statements[fate] if exists else ():
            session.run(statement)
        Ledger(warehouse).close(session, table, None, None if fate == "keep" else 0)
    forget_lock(warehouse, table)
    return to if fate == "archive" and exists else None


def make_schema(warehouse: Warehouse, table: str) -> None:
    """Create the schema of `table` if it is missing."""
    with warehouse.session() as session:
        warehouse.make_schema(session, TableName.parse(table).schema)


def move_files(old: str, new: str, folder: Path) -> list[Path]:
    """Rename the files of a table or summary. Return their new paths: for another target, they may have them already.

    Raises:
        ChangeRefused: a new file exists already. Nothing was renamed.
    """
    moves = [(path, folder / f"{file_stem(new)}{path.suffix}") for path in files_of(old, folder)]
    if not moves:
        return files_of(new, folder)
    for _, to in moves:
        if to.exists():
            raise ChangeRefused(f"{to} exists already: choose another name, or move that file away")
        to.parent.mkdir(parents=True, exist_ok=True)
    return [path.rename(to) for path, to in moves]


def _restamped(ledger: Ledger, session: Session, old: str, new: str) -> list[tuple[Any, ...]]:
    """Return the entries of `old` that count, as new entries of `new`; empty if the ledger has never had `new`.

    If it has, `new` was closed, as by an earlier rename, and none of its entries before that moment counts.
    """
    moment = ledger.next_moment(session, new)
    if not ledger.since(session, new, datetime(1970, 1, 1, tzinfo=UTC)):
        return []
    return [
        astuple(replace(entry, table=new, loaded_at=moment + place * timedelta.resolution, counts_from=None))
        for place, entry in enumerate(ledger.newest(session, old))
    ]


def _with_name(name: str, _: str, *rest: Any) -> tuple[Any, ...]:
    return name, *rest


def files_of(table: str, folder: Path) -> list[Path]:
    """Return the files of a table or summary in `folder`. All targets share them."""
    stem = file_stem(table)
    return [path for ending in (".yaml", ".sql") if (path := folder / f"{stem}{ending}").is_file()]


def _check_name(name: str) -> None:
    try:
        schema, _ = TableName.parse(name)
    except ValueError as error:
        raise ChangeRefused(str(error)) from None
    if schema == SCHEMA:
        raise ChangeRefused(f"{name}: the schema {SCHEMA} has Daybook's own tables: choose another schema")
