"""Compare the columns, the key and the layout of a table in the warehouse with its file and its source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from daybook.definitions.table import Table
from daybook.diff.diff_report import ColumnChange, DatasetDiff
from daybook.errors import DaybookError, SchemaMismatch
from daybook.load.extraction.file_types import settled
from daybook.load.extraction.schema_drift import SchemaDiff
from daybook.load.extraction.target_shape import target_of
from daybook.model.masks import masked
from daybook.model.target import Target
from daybook.model.types import NO_TYPE, Column, holds
from daybook.shell import command
from daybook.sources.base import Source, TypedByFiles
from daybook.warehouses.base import Warehouse
from daybook.warehouses.session import Session


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of the warehouse's table after the next load."""

    exists: bool
    """True if the warehouse has the table now."""
    columns: Mapping[str, str]
    """The types by the names in the warehouse's catalog. Empty: unknown."""


def compare_columns(
    session: Session, warehouse: Warehouse, table: Table, source: Source | None, diff: DatasetDiff
) -> Shape:
    """Add what differs to `diff`, and return the shape of the table after the next load.

    `source` is None if it cannot be read: then the columns are those that the file declares, if it declares any.

    Raises:
        SourceError: the source does not have what the file names.
        DatabaseError: the source or the warehouse failed.
    """
    existing = warehouse.existing_columns(session, table.name)
    current = {name: str(column.type) for name, column in existing.items()}
    if source is None and table.declared_types is None:
        return Shape(bool(existing), current)
    found = masked(table, source.columns() if source else _declared(table))
    drift = SchemaDiff.of(session, warehouse, table, found)
    if isinstance(source, TypedByFiles) and table.columns is None:
        drift = settled(drift, source)
    refused, accepted = list[str](), list(drift.found.values())
    if source:  # otherwise, nothing says which columns the source has lost
        try:
            accepted = drift.accepted_columns()
        except SchemaMismatch as error:
            refused.append(_remedies(error))
    target = target_of(table, [column for column in accepted if column.type != NO_TYPE])
    altered = drift.planned_alterations(target)
    try:
        warehouse.check(session, target, altered=altered)
    except DaybookError as error:
        if not refused:  # the drift has the same columns, with better remedies
            refused.append(_remedies(error))
    changes = list(_changes(drift, target, altered, has_source=source is not None))
    diff.columns += changes
    diff.refused += refused
    if not existing:
        listed = (
            f"{one.name} {warehouse.spelled(one.type)}{f' ({one.mask})' if one.mask else ''}" for one in target.columns
        )
        diff.notes.append(f"it gets the columns {', '.join(listed)}")
    else:
        diff.statements += [one.replace("%%", "%") for one in warehouse.enforced_key_sql(session, target)]
        add_layout(session, warehouse, table.name, table.layouts, diff)
    gone = {warehouse.folded(one.column) for one in changes if one.action == "drop"}
    after = {name: text for name, text in current.items() if name not in gone}
    after |= {warehouse.folded(column.name): str(warehouse.spelled(column.type)) for column in target.columns}
    return Shape(bool(existing), after)


def add_layout(
    session: Session, warehouse: Warehouse, name: str, layouts: Mapping[str, object], diff: DatasetDiff
) -> None:
    """Add the statements that give an existing table the layout of its file: keys that sort and distribute its rows."""
    if warehouse.layout is None:
        return
    if changes := warehouse.layout_changes(session, name, layouts):
        diff.statements.append(command("daybook", "layout", name, "--apply"))
        diff.notes += [f"its layout differs from its file: {one.replace('%%', '%')}" for one in changes]


def _remedies(error: DaybookError) -> str:
    """Return the lines of an error that say what differs and what to run, not that a load failed."""
    first, *lines = str(error).splitlines()
    return "\n".join(lines) or first


def _declared(table: Table) -> Sequence[Column]:
    """Return the columns that the file declares, as a source would have them before masking."""
    return [Column(name, type) for name, type in (table.declared_types or {}).items()]


def _changes(
    drift: SchemaDiff, target: Target, altered: Mapping[str, str], *, has_source: bool
) -> Iterator[ColumnChange]:
    warehouse, written = drift.warehouse, set[str]()
    for column in target.columns if drift.existing else ():
        name = warehouse.folded(column.name)
        written.add(name)
        found, wanted = drift.existing.get(name), warehouse.spelled(column.type)
        if found is None:
            yield ColumnChange(column.name, "add", None, str(wanted))
        elif column.name in altered:
            yield ColumnChange(column.name, "widen", str(found.type), str(wanted))
        elif not holds(found.type, wanted) or _is_retyped(drift, column, found):
            yield ColumnChange(column.name, "change", str(found.type), str(wanted))
    loaded = {warehouse.folded(one.name) for one in drift.recorded.values() if one.loaded}
    at_source = {warehouse.folded(name) for name in drift.found}
    for name, found in drift.existing.items():
        if name in loaded and name not in written:  # others, such as a person's own column, were never loaded
            gone = has_source and name not in at_source
            yield ColumnChange(name, "drop" if gone else "leave", str(found.type), None)


def _is_retyped(drift: SchemaDiff, column: Column, found: Column) -> bool:
    """Return True if the type of a column has changed since the last load, such as by a mask, but its values fit."""
    recorded = drift.recorded.get(column.name)
    if recorded is None or not recorded.loaded:
        return False
    return recorded.type != drift.found[column.name].type and found.type != drift.warehouse.spelled(column.type)
