"""The part of a warehouse about where it keeps the rows of a table, and the field of table files that says so."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from daybook.warehouses.session import Session
from daybook.yaml_model import Strict


class Layout(Strict):
    """The base of the field that a warehouse adds to table files and summary files."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Return every column that the layout names, with the option that names it."""
        raise NotImplementedError


class Layouts(Protocol):
    """Where a warehouse keeps the rows of a table: how it distributes, sorts and compresses them.

    By default, a table has no such layout. The `layouts` of a table are the fields of its file, by the dialect of the
    warehouse that declares them.
    """

    #: The model of the field in table files and summary files that is named like the warehouse's dialect.
    layout: ClassVar[type[Layout] | None] = None

    def check_layout(self, table: str, columns: Collection[str], layouts: Mapping[str, Any]) -> None:
        """Check that the layout names only `columns` of the table.

        Raises:
            TableFileError: it names another column.
        """

    def layout_sql(self, layouts: Mapping[str, Any], cursor: str | None) -> str:
        """Return the SQL of the layout in CREATE TABLE, after the columns, or before the AS of a SELECT."""
        return ""

    def completed_layout(
        self, session: Session, table: str, layouts: Mapping[str, Any], cursor: str | None
    ) -> list[str]:
        """Return the statements that give a table made by CREATE TABLE AS what `layout_sql` could not declare."""
        return []

    def layout_changes(self, session: Session, table: str, layouts: Mapping[str, Any]) -> list[str]:
        """Return the statements, each to run outside of a transaction, that give the table the layout of its file."""
        return []

    def key_changes(
        self, session: Session, table: str, changed: Collection[str], dropped: Collection[str]
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Return the statements to run before and after these columns of the table are changed or dropped.

        The first ones remove the keys of the layout that use the columns. The others restore what remains of them.
        """
        return (), ()

    def layout_of(self, session: Session, table: str) -> Mapping[str, str]:
        """Return the layout of an existing table, for people: its parts by their names in a table file."""
        return {}

    def layout_warnings(
        self, session: Session, table: str, layouts: Mapping[str, Any], joins: Mapping[str, Collection[str]]
    ) -> list[str]:
        """Return what is wrong with the layout of an existing table. `joins` has the summaries by the joined column."""
        return []
