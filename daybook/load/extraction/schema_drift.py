"""Schema drift: find changes of the source's columns since the last load, before a row is read.

Daybook adds, ignores or refuses new columns, as the table file says. It always refuses a column that is gone, renamed,
narrower or of another type, and the error has the statement that alters the warehouse's table. Once the table fits
exactly, Daybook accepts the new shape. If a column has become wider, Daybook widens it in the warehouse, too, unless
the warehouse would have to rewrite rows.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial

from daybook.definitions.table import Table
from daybook.errors import SchemaMismatch
from daybook.ledger.source_columns import KnownColumn, SourceColumnHistory
from daybook.model.target import Target
from daybook.model.types import NO_TYPE, TIMES, Column, Type, fraction_digits
from daybook.sql.database_error import Condition, DatabaseError, is_transient, meets
from daybook.warehouses.base import Warehouse
from daybook.warehouses.lock_waits import retry_while_locked
from daybook.warehouses.session import Session

logger = logging.getLogger(__name__)

_WIDER = ("smallint", "integer", "bigint")


def widens(old: Type, new: Type) -> bool:
    """Return True if `new` can hold every value of `old`, and more values."""
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
    """The columns of a table in the source and in the warehouse, and those that the source had at the last load."""

    session: Session
    warehouse: Warehouse
    table: Table
    found: Mapping[str, Column]
    """The source's current columns, after masking, by name."""
    existing: Mapping[str, Column]
    """The warehouse's columns, by their names in its catalog; empty if the table does not exist."""
    recorded: Mapping[str, KnownColumn]
    """The source's columns at the last load, by name."""

    @classmethod
    def of(cls, session: Session, warehouse: Warehouse, table: Table, found: Sequence[Column]) -> "SchemaDiff":
        """Return the diff for the source's columns `found`, with the other columns read from the warehouse."""
        existing = warehouse.existing_columns(session, table.name)
        recorded = SourceColumnHistory(warehouse).newest(session, table.name) if existing else {}
        return cls(session, warehouse, table, {column.name: column for column in found}, existing, recorded)

    def accepted_columns(self) -> list[Column]:
        """Return the source's columns without those that have no type, and the new ones that the table file ignores.

        Raises:
            SchemaMismatch: the source has changed in a way that needs a person's decision. The error has the statements
                to run.
        """
        typed = [column for column in self.found.values() if column.type != NO_TYPE]
        if not self.existing:
            return typed
        problems = [*self._retyped(), *self._lost(), *self._unlisted()]
        if problems:
            lines = "\n".join(f"- {problem}" for problem in problems).replace("%%", "%")
            raise SchemaMismatch(
                f"{self.table.name}: the source has changed since the last load; nothing was read:\n{lines}"
            )
        if self.table.new_columns != "ignore" or self.table.columns is not None:
            return typed
        new = [
            column.name
            for column in typed
            if not self.has(column.name) and column.name not in self.table.named and not self.awaits_type(column.name)
        ]
        if new:
            logger.info("%s: new columns of the source are ignored: %s", self.table.name, ", ".join(new))
        return [column for column in typed if column.name not in new]

    def planned_alterations(self, target: Target) -> dict[str, str]:
        """Return the columns that a load adds or widens before it loads rows, each with its statement."""
        statements = dict[str, str]()
        for column in target.columns if self.existing else ():
            existing = self.existing.get(self.warehouse.folded(column.name))
            if existing is None:
                if self.table.new_columns == "add" or self.awaits_type(column.name):
                    statements[column.name] = self.warehouse.add_column_sql(target, column)
            elif self._widened(column.name) and self._in_place(existing, self.warehouse.spelled(column.type)):
                statements[column.name] = self.warehouse.retype_sql(self.session, target, existing, column.type)
        return statements

    def apply(self, session: Session, target: Target, label: str) -> None:
        """Add new columns, if the table file says so, and widen columns that have become wider.

        `label` is the interval or range of the load, for the error.

        Raises:
            SchemaMismatch: the warehouse refused a statement.
            TableLocked: other sessions use the table, in each of several tries.
        """
        for name, statement in self.planned_alterations(target).items():
            self._run(session, target, name, statement, label)

    def _run(self, session: Session, target: Target, column: str, statement: str, label: str) -> None:
        readable, name = statement.replace("%%", "%"), self.table.name
        alter = partial(self.warehouse.alter, session, statement)
        try:
            retry_while_locked(self.warehouse, session, [name], f"{name} {label}: {readable}", alter)
        except DatabaseError as error:
            if meets(error, Condition.DUPLICATE_COLUMN):  # another load has added it at the same moment
                return
            if is_transient(error):
                raise
            raise SchemaMismatch(
                f"{self.table.name}: the source has changed, but the warehouse refused to change the table: "
                f"{error.message}. Run it by hand: {self._by_hand(session, target, column, statement)}"
            ) from error
        logger.warning(
            "%s: the source has changed, so the table in the warehouse was changed: %s", self.table.name, readable
        )

    def _by_hand(self, session: Session, target: Target, name: str, statement: str) -> str:
        """Return what a person can run after the warehouse has refused the `statement` that alters a column."""
        existing = self.existing.get(self.warehouse.folded(name))
        if existing is not None:
            type = next(column.type for column in target.columns if column.name == name)
            statement = self.warehouse.refused_retype_sql(session, target, existing, type)
        return statement.replace("%%", "%")

    def _lost(self) -> Iterator[str]:
        """Yield a problem for each loaded column that is still in the warehouse, but no longer in the source."""
        folded, table = self.warehouse.folded, self._quoted
        current = {folded(name) for name in self.found}
        new = [column for name, column in self.found.items() if name not in self.recorded and not self.has(name)]
        gone = list[str]()
        for old in self.recorded.values():
            if not old.loaded or folded(old.name) in current or not self.has(old.name):
                continue
            drop = self.warehouse.drop_column_sql(self.session, self.table.name, old.name, gone)
            gone.append(old.name)
            alike = [column for column in new if column.type == old.type]
            listed = ", and correct columns: in the table file" if old.name in (self.table.columns or ()) else ""
            if not alike:
                yield f"its column {old.name!r} is gone: {drop}{listed}{self._or_keep(old)}"
                continue
            other = max(alike, key=lambda column: SequenceMatcher(None, old.name, column.name).ratio())
            new.remove(other)
            yield (
                f"its column {old.name!r} is gone, and {other.name!r} of the same type is new. If it was renamed: "
                f"ALTER TABLE {table} RENAME COLUMN {self.warehouse.quote(old.name)} TO "
                f"{self.warehouse.quote(other.name)}{listed}. If it is another column: {drop}{self._or_keep(old)}"
            )

    def _retyped(self) -> Iterator[str]:
        """Yield a problem for each loaded column whose new type does not fit the warehouse's column."""
        for old in self.recorded.values():
            new, existing = self.found.get(old.name), self.existing.get(self.warehouse.folded(old.name))
            if not old.loaded or new is None or existing is None or new.type == old.type:
                continue
            type = self._declared(new) if widens(old.type, new.type) else new.type
            spelled = self.warehouse.spelled(type)
            if fits(existing.type, spelled):
                continue
            if widens(old.type, new.type) and (widens(spelled, existing.type) or self._in_place(existing, spelled)):
                continue
            wider, narrower = widens(old.type, new.type), widens(new.type, old.type)
            how = "wider" if wider else "narrower" if narrower else "another type"
            target = Target(self.table.name, ())
            alter = self.warehouse.retype_sql(self.session, target, existing, type, self.table.timezone)
            listed = f", and declare {new.type} under columns:" if old.name in (self.table.columns or ()) else ""
            yield (
                f"its column {old.name!r} was {old.type} and is {new.type}, which is {how}: {alter}{listed}"
                f"{self._or_keep(old)}"
            )

    def _unlisted(self) -> Iterator[str]:
        """Yield a problem for each new column that `columns:` does not list, with `on_new_column: fail`."""
        if self.table.columns is None or self.table.new_columns != "fail" or not self.recorded:
            return
        for name, column in self.found.items():
            if name not in self.recorded and name not in self.table.columns:
                add = self.warehouse.add_column_sql(Target(self.table.name, (), layouts=self.table.layouts), column)
                yield (
                    f"{name!r} ({column.type}) is new, and columns: does not list it. List it in the table file and "
                    f"run {add}; or set on_new_column: ignore"
                )

    def _or_keep(self, old: KnownColumn) -> str:
        """Return the alternative remedy, which keeps the warehouse's column unchanged."""
        name, table = old.name.replace("'", "''"), self.table.name.replace("'", "''")
        history = SourceColumnHistory(self.warehouse).name
        return (
            f"; or keep the column unchanged: DELETE FROM {history} WHERE table_name = '{table}' AND column_name = "
            f"'{name}'"
        )

    def has(self, name: str) -> bool:
        """Return True if the table in the warehouse has the column."""
        return self.warehouse.folded(name) in self.existing

    def awaits_type(self, name: str) -> bool:
        """Return True if a load left the column out because it had no type yet. It is not new when it has one."""
        recorded = self.recorded.get(name)
        return recorded is not None and recorded.type == NO_TYPE

    def _declared(self, column: Column) -> Type:
        return (self.table.declared_types or {}).get(column.name, column.type)

    def _widened(self, name: str) -> bool:
        old, new = self.recorded.get(name), self.found.get(name)
        return old is not None and new is not None and old.loaded and widens(old.type, new.type)

    def _in_place(self, existing: Column, wanted: Type) -> bool:
        return (
            widens(existing.type, wanted)
            and self.warehouse.widens_in_place(existing.type, wanted)
            and not self.warehouse.is_fixed(self.session, self.table.name, existing.name)
        )

    @property
    def _quoted(self) -> str:
        return self.warehouse.table(self.table.name)


def fits(existing: Type, wanted: Type) -> bool:
    """Return True if a column has the type of a new table's column. A time may have more fraction digits."""
    if existing.kind == wanted.kind and existing.kind in TIMES:
        return fraction_digits(existing) >= fraction_digits(wanted)
    return existing == wanted
