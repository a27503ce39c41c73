"""Schema drift: what has changed at the source since a table was last loaded, found before a row is read.

What is new is added, ignored or refused, as the table file says. A column that is gone, renamed, of another type or
narrower is always refused, with the statement that makes the warehouse fit; once it fits exactly, the new shape is
taken. A column that has become wider is widened in the warehouse too, where that writes no row anew.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from daybook.definitions.table import Table
from daybook.errors import SchemaMismatch
from daybook.ledger.source_columns import KnownColumn, SourceColumnHistory
from daybook.model.target import Target
from daybook.model.types import TIMES, Column, Type, fraction_digits
from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)

_WIDER = ("smallint", "integer", "bigint")


def widens(old: Type, new: Type) -> bool:
    """Whether every value of `old` is one of `new`, which has room for more of them."""
    if old.kind in _WIDER and new.kind in _WIDER:
        return _WIDER.index(old.kind) < _WIDER.index(new.kind)
    if (old.kind, new.kind) in {("varchar", "text"), ("real", "double")}:
        return True
    if old.kind != new.kind or old == new:
        return False
    if old.kind == "decimal":
        return new.size is None or (
            old.size is not None
            and (new.scale or 0) >= (old.scale or 0)
            and new.size - (new.scale or 0) >= old.size - (old.scale or 0)
        )
    if old.kind in TIMES:
        return fraction_digits(old) < fraction_digits(new)
    return old.kind in ("varchar", "char") and (new.size is None or (old.size is not None and old.size < new.size))


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """A table in the warehouse, what its source has now (behind the masks), and what it had when it was last loaded."""

    warehouse: Warehouse
    table: Table
    found: Mapping[str, Column]
    there: Mapping[str, Column]
    """The warehouse's columns, by their names as its catalogue keeps them."""
    known: Mapping[str, KnownColumn]

    @classmethod
    def of(cls, session: Session, warehouse: Warehouse, table: Table, found: Sequence[Column]) -> "SchemaDiff":
        """Ask the warehouse for them."""
        there = warehouse.existing_columns(session, table.name)
        known = SourceColumnHistory(warehouse).newest(session, table.name) if there else {}
        return cls(warehouse, table, {column.name: column for column in found}, there, known)

    def accepted_columns(self) -> list[Column]:
        """The source's columns without those that are new and to be ignored.

        Raises:
            SchemaMismatch: the source has changed in a way that a person must look at; with the statements to run.
        """
        if not self.there:
            return list(self.found.values())
        problems = [*self._lost(), *self._retyped(), *self._unlisted()]
        if problems:
            lines = "\n".join(f"- {problem}" for problem in problems).replace("%%", "%")
            raise SchemaMismatch(
                f"{self.table.name}: the source has changed since it was last loaded; nothing was read:\n{lines}"
            )
        if self.table.new_columns != "ignore" or self.table.columns is not None:
            return list(self.found.values())
        new = [name for name in self.found if not self._has(name) and name not in self.table.named]
        if new:
            logger.info("%s: new at the source, and ignored: %s", self.table.name, ", ".join(new))
        return [column for column in self.found.values() if column.name not in new]

    def planned_alterations(self, target: Target) -> dict[str, str]:
        """The columns that a load adds to the table or widens in it before it takes a row, each with its statement."""
        statements = dict[str, str]()
        for column in target.columns if self.there else ():
            there = self.there.get(self.warehouse.folded(column.name))
            if there is None:
                if self.table.new_columns == "add":
                    statements[column.name] = self.warehouse.add_column_sql(target, column)
            elif self._widened(column.name) and self._in_place(there.type, self.warehouse.spelled(column.type)):
                statements[column.name] = self.warehouse.retype_sql(target, there, column.type)
        return statements

    def apply(self, session: Session, target: Target) -> None:
        """Add the columns that the table lacks, if its file says so, and widen those that have become wider.

        Raises:
            SchemaMismatch: the warehouse refused to.
        """
        for statement in self.planned_alterations(target).values():
            self._run(session, statement)

    def _run(self, session: Session, statement: str) -> None:
        said = statement.replace("%%", "%")
        try:
            session.run(statement)
        except DatabaseError as error:
            if meets(error, Condition.DUPLICATE_COLUMN):  # another load has added it at the same moment
                return
            raise SchemaMismatch(
                f"{self.table.name}: the source has changed, and the warehouse did not follow: {error.message}. "
                f"Run it by hand: {said}"
            ) from error
        logger.warning("%s: the source has changed, and the warehouse with it: %s", self.table.name, said)

    def _lost(self) -> Iterator[str]:
        """Of every column that was loaded, is still in the warehouse, and is gone from the source."""
        folded, table = self.warehouse.folded, self._quoted
        now = {folded(name) for name in self.found}
        new = [column for name, column in self.found.items() if name not in self.known and not self._has(name)]
        for known in self.known.values():
            if not known.loaded or folded(known.name) in now or not self._has(known.name):
                continue
            drop = f"ALTER TABLE {table} DROP COLUMN {self.warehouse.quote(known.name)}"
            alike = [column for column in new if column.type == known.type]
            listed = ", and correct columns: in the table file" if known.name in (self.table.columns or ()) else ""
            if not alike:
                yield f"its column {known.name!r} is gone: {drop}{listed}{self._or_leave(known)}"
                continue
            other = max(alike, key=lambda column: SequenceMatcher(None, known.name, column.name).ratio())
            new.remove(other)
            yield (
                f"its column {known.name!r} is gone, and {other.name!r} of the same type is new. Renamed? ALTER TABLE "
                f"{table} RENAME COLUMN {self.warehouse.quote(known.name)} TO {self.warehouse.quote(other.name)}"
                f"{listed}. If it is another one: {drop}{self._or_leave(known)}"
            )

    def _retyped(self) -> Iterator[str]:
        """Of every column that was loaded and has another type now, which the warehouse's is not made for."""
        for known in self.known.values():
            now, there = self.found.get(known.name), self.there.get(self.warehouse.folded(known.name))
            if not known.loaded or now is None or there is None or now.type == known.type:
                continue
            type = self._declared(now) if widens(known.type, now.type) else now.type
            spelled = self.warehouse.spelled(type)
            if _same(there.type, spelled):
                continue
            if widens(known.type, now.type) and (widens(spelled, there.type) or self._in_place(there.type, spelled)):
                continue
            wider, narrower = widens(known.type, now.type), widens(now.type, known.type)
            how = "wider" if wider else "narrower" if narrower else "another type"
            alter = self.warehouse.retype_sql(Target(self.table.name, ()), there, type, self.table.timezone)
            listed = f", and declare {now.type} under columns:" if known.name in (self.table.columns or ()) else ""
            yield (
                f"its column {known.name!r} was {known.type} and is {now.type}, which is {how}: {alter}{listed}"
                f"{self._or_leave(known)}"
            )

    def _unlisted(self) -> Iterator[str]:
        """Of every new column that `columns:` does not list, where the table file wants to hear of it."""
        if self.table.columns is None or self.table.new_columns != "fail" or not self.known:
            return
        for name, column in self.found.items():
            if name not in self.known and name not in self.table.columns:
                add = self.warehouse.add_column_sql(Target(self.table.name, ()), column)
                yield (
                    f"{name!r} ({column.type}) is new, and columns: does not list it. List it in the table file and "
                    f"run {add}; or set on_new_column: ignore"
                )

    def _or_leave(self, known: KnownColumn) -> str:
        """How the warehouse stays as it is."""
        name, table = known.name.replace("'", "''"), self.table.name.replace("'", "''")
        history = SourceColumnHistory(self.warehouse).name
        return f"; or leave it as it is: DELETE FROM {history} WHERE table_name = '{table}' AND column_name = '{name}'"

    def _has(self, name: str) -> bool:
        return self.warehouse.folded(name) in self.there

    def _declared(self, column: Column) -> Type:
        return (self.table.declared_types or {}).get(column.name, column.type)

    def _widened(self, name: str) -> bool:
        known, now = self.known.get(name), self.found.get(name)
        return known is not None and now is not None and known.loaded and widens(known.type, now.type)

    def _in_place(self, there: Type, wanted: Type) -> bool:
        return widens(there, wanted) and self.warehouse.widens_in_place(there, wanted)

    @property
    def _quoted(self) -> str:
        return self.warehouse.table(self.table.name)


def _same(there: Type, wanted: Type) -> bool:
    """Whether a column is what a new table would have. A time with more digits than are asked for is."""
    if there.kind == wanted.kind and there.kind in TIMES:
        return fraction_digits(there) >= fraction_digits(wanted)
    return there == wanted
