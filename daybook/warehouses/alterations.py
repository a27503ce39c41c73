"""The part of a warehouse that changes the columns of existing tables."""

import secrets
from collections.abc import Collection
from typing import Protocol

from daybook.model.table_name import TableName
from daybook.model.target import Target
from daybook.model.types import Column, Type
from daybook.warehouses.session import Session


class Alterations(Protocol):
    """How a warehouse changes the columns of a table. Statements for people are separated by `; `."""

    def add_column_sql(self, target: Target, column: Column) -> str:
        """Return the statement that adds a nullable column to the table. It is NULL in the existing rows."""
        ...

    def drop_column_sql(self, session: Session, table: str, column: str, gone: Collection[str] = ()) -> str:
        """Return the statements that drop a column of `table` (`schema.table`), for a person to run.

        `gone` are columns that the person drops first.
        """
        ...

    def allow_null_sql(self, session: Session, table: str, column: str) -> str:
        """Return the statements that make a NOT NULL column nullable and keep its values, for a person to run."""
        ...

    def retype_sql(self, session: Session, target: Target, column: Column, type: Type, zone: str = "UTC") -> str:
        """Return the statements that change the type of a column and convert its values, for a person to run.

        `zone` is the time zone of times without one.
        """
        ...

    def refused_retype_sql(self, session: Session, target: Target, column: Column, type: Type) -> str:
        """Return the statements for a person to run if the warehouse has refused those of `retype_sql`."""
        return self.retype_sql(session, target, column, type)

    def retype_empty_sql(self, table: str, column: str, type: str) -> list[str]:
        """Return the statements that change the type of a column in an empty `table` (quoted), in a transaction."""
        ...

    def enforced_key_sql(self, session: Session, target: Target) -> list[str]:
        """Return the statements that give an existing table the key of its file, for a person to run.

        The list is empty if the table has that key, or if the warehouse enforces none. No load changes a key.
        """
        return []

    def widens_in_place(self, existing: Type, wanted: Type) -> bool:
        """Return True if the warehouse can widen a column from `existing` to `wanted` without rewriting rows."""
        ...

    def move_table_sql(self, table: str, to: str) -> list[str]:
        """Return the statements that rename `table` to `to` (`schema.table`), in a transaction. The schema exists."""
        ...

    def is_fixed(self, session: Session, table: str, column: str) -> bool:
        """Return True if the warehouse refuses to alter the type of this column. By default, it refuses none."""
        return False


class SqlAlterations(Alterations):
    """The statements that most warehouses share."""

    def quote(self, *names: str) -> str:
        """Return names as a quoted, dotted identifier."""
        raise NotImplementedError

    def table(self, name: str) -> str:
        """Return `schema.table` as a quoted identifier."""
        raise NotImplementedError

    def type_sql(self, type: Type) -> str:
        """Return the SQL of a type."""
        raise NotImplementedError

    def add_column_sql(self, target: Target, column: Column) -> str:
        """Return the statement that adds a column."""
        return (
            f"ALTER TABLE {self.table(target.name)} ADD COLUMN {self.quote(column.name)} {self.type_sql(column.type)}"
        )

    def drop_column_sql(self, session: Session, table: str, column: str, gone: Collection[str] = ()) -> str:
        """Return the statement that drops a column of `table` (`schema.table`)."""
        return f"ALTER TABLE {self.table(table)} DROP COLUMN {self.quote(column)}"

    def allow_null_sql(self, session: Session, table: str, column: str) -> str:
        """Return the statement that makes a NOT NULL column nullable."""
        return f"ALTER TABLE {self.table(table)} ALTER COLUMN {self.quote(column)} DROP NOT NULL"

    def retype_sql(self, session: Session, target: Target, column: Column, type: Type, zone: str = "UTC") -> str:
        """Return the statement that changes the type of a column. The warehouse decides how to convert its values."""
        return (
            f"ALTER TABLE {self.table(target.name)} ALTER COLUMN {self.quote(column.name)} TYPE {self.type_sql(type)}"
        )

    def move_table_sql(self, table: str, to: str) -> list[str]:
        """Return the statements that rename `table` to `to`, in a transaction. It keeps its grants and its views."""
        old, new = TableName.parse(table), TableName.parse(to)
        statements, schema = list[str](), old.schema
        between = old.table
        if new.schema != old.schema:
            if new.table != old.table:  # neither schema may have a table in the way
                between = f"daybook_moving_{secrets.token_hex(4)}"
                statements.append(f"ALTER TABLE {self.table(table)} RENAME TO {self.quote(between)}")
            schema = new.schema
            statements.append(f"ALTER TABLE {self.quote(old.schema, between)} SET SCHEMA {self.quote(schema)}")
        if new.table != between:
            statements.append(f"ALTER TABLE {self.quote(schema, between)} RENAME TO {self.quote(new.table)}")
        return statements

    def retype_empty_sql(self, table: str, column: str, type: str) -> list[str]:
        """Return the statements that change the type of a column in an empty `table` (quoted), in a transaction."""
        name = self.quote(column)
        return [f"ALTER TABLE {table} DROP COLUMN {name}", f"ALTER TABLE {table} ADD COLUMN {name} {type}"]
