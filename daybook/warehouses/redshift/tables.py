"""Redshift's tables: create them with their layout, and change their columns within the limits of its ALTER TABLE."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from daybook.errors import TableFileError
from daybook.model.table_name import TableName
from daybook.model.target import Target
from daybook.model.types import Column, Type
from daybook.suggestions import did_you_mean
from daybook.warehouses.layouts import Layout
from daybook.warehouses.postgres_family import PostgresFamily
from daybook.warehouses.redshift.layout import FIELD, RedshiftLayout, declared, misfit
from daybook.warehouses.redshift.stored_layout import StoredLayout, read_layout, read_styles, rows_info, sortkey_sql
from daybook.warehouses.session import Session

_SKEW = 4  # the fullest slice has so many times the rows of the emptiest
_UNSORTED = 20  # percent of the rows


class RedshiftTables(PostgresFamily):
    """The part of Redshift about DDL: dg/r_CREATE_TABLE_NEW.html, dg/r_CREATE_TABLE_AS.html, dg/r_ALTER_TABLE.html."""

    layout: ClassVar[type[Layout] | None] = RedshiftLayout

    def check_layout(self, table: str, columns: Collection[str], layouts: Mapping[str, Any]) -> None:
        """Check that `redshift:` names only columns of the table.

        Raises:
            TableFileError: it names another column.
        """
        known = {self.folded(name): name for name in columns}
        for name, option in declared(layouts).columns.items():
            if self.folded(name) not in known:
                near = did_you_mean(name, columns, "correct the file")
                listed = ", ".join(columns)
                raise TableFileError(f"{table}: {FIELD}.{option} names {name!r}, but the columns are {listed}{near}")

    def layout_sql(self, layouts: Mapping[str, Any], cursor: str | None) -> str:
        """Return DISTSTYLE, DISTKEY and SORTKEY. Without them, CREATE TABLE AS picks keys by the plan of its SELECT.

        The default sort key is the cursor, so that Redshift finds an interval without reading the whole table.
        CREATE TABLE AS has no SORTKEY AUTO and no encodings, so `layout_changes` sets these.
        """
        wanted = declared(layouts)
        style = "KEY" if wanted.distkey else (wanted.diststyle or "auto").upper()
        clauses = [f"DISTSTYLE {style}"] + ([f"DISTKEY ({self.quote(wanted.distkey)})"] if wanted.distkey else [])
        columns = wanted.sort_columns or ((cursor,) if cursor and wanted.sortkey is None else ())
        if columns:
            clauses.append(sortkey_sql(columns, wanted.sort_type.upper()))
        return " " + " ".join(clauses)

    def check(self, session: Session, target: Target, *, altered: Mapping[str, str] | None = None) -> None:
        """Check that the table can hold the rows of the target, and that the layout of a new table fits its types.

        Raises:
            SchemaMismatch: see `SqlWarehouse.check`.
            TableFileError: the layout names a column that the table does not have, or one of an unsuitable type.
        """
        super().check(session, target, altered=altered)
        if self.exists(session, target.name):
            return
        wanted, types = declared(target.layouts), {self.folded(c.name): self.type_sql(c.type) for c in target.columns}
        if problem := misfit(wanted, {name: types[self.folded(name)] for name in wanted.columns}):
            raise TableFileError(f"{target.name}: {FIELD}.{problem}. Correct the file")

    def create(self, session: Session, target: Target) -> None:
        """Create the schema, if it is missing, and the table with its layout, in the open transaction."""
        super().create(session, target)
        if declared(target.layouts).sort_word == "none":  # CREATE TABLE cannot say so: its default is AUTO
            session.run(f"ALTER TABLE {self.table(target.name)} ALTER SORTKEY NONE")

    def column_sql(self, target: Target, column: Column) -> str:
        """Return the definition of a new table's column, with its encoding."""
        return super().column_sql(target, column) + self._encode_sql(target, column)

    def add_column_sql(self, target: Target, column: Column) -> str:
        """Return the statement that adds a column, with its encoding."""
        return super().add_column_sql(target, column) + self._encode_sql(target, column)

    def _encode_sql(self, target: Target, column: Column) -> str:
        encoding = {self.folded(name): code for name, code in declared(target.layouts).encode.items()}
        code = encoding.get(self.folded(column.name))
        return f" ENCODE {code}" if code else ""

    def table_options(self, target: Target) -> str:
        """Return the layout of a new table. SORTKEY AUTO is the default of CREATE TABLE."""
        return self.layout_sql(target.layouts, target.cursor.column if target.cursor else None)

    # --- columns of an existing table

    def drop_column_sql(self, session: Session, table: str, column: str, gone: Collection[str] = ()) -> str:
        """Return the DROP COLUMN, between the statements that remove and restore the keys with this column."""
        before, after = self._around(session, table, [], [column], gone)
        return "; ".join([*before, super().drop_column_sql(session, table, column), *after])

    def allow_null_sql(self, session: Session, table: str, column: str) -> str:
        """Return statements that move the values to a nullable column: Redshift has no DROP NOT NULL."""
        name = self.folded(column)
        return self._moved_sql(session, table, name, self.column_types(session, table)[name], self.quote(name))

    def retype_sql(self, session: Session, target: Target, column: Column, type: Type, zone: str = "UTC") -> str:
        """Return an ALTER for the length of a VARCHAR, or statements that move the values to a new column."""
        both_text = column.type.kind == "varchar" and self.spelled(type).kind == "varchar"
        if both_text and not self.is_fixed(session, target.name, column.name):
            return super().retype_sql(session, target, column, type, zone)
        return self.refused_retype_sql(session, target, column, type, zone)

    def refused_retype_sql(
        self, session: Session, target: Target, column: Column, type: Type, zone: str = "UTC"
    ) -> str:
        """Return statements that move the values to a new column."""
        name, wanted = self.quote(column.name), self.type_sql(type)
        clocks = {column.type.kind, self.spelled(type).kind} == {"timestamp", "timestamptz"}
        value = f"{name} AT TIME ZONE '{zone}'" if clocks else f"{name}::{wanted}"
        return self._moved_sql(session, target.name, column.name, wanted, value)

    def is_fixed(self, session: Session, table: str, column: str) -> bool:
        """Return True for a column with a default, a declared key or an encoding that Redshift does not alter."""
        found = self._stored(session, table).columns.get(self.folded(column))
        return found is not None and found.is_fixed

    def key_changes(
        self, session: Session, table: str, changed: Collection[str], dropped: Collection[str]
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Return ALTER SORTKEY NONE and ALTER DISTSTYLE, and what restores the keys: see `StoredLayout.around`."""
        return self._around(session, table, changed, dropped, ()) if changed or dropped else ((), ())

    def _moved_sql(self, session: Session, table: str, column: str, type: str, value: str) -> str:
        """Return the statements that move a column to a new one of another `type`, which gets its name and default."""
        stored, quoted = self._stored(session, table), self.table(table)
        found = stored.columns.get(self.folded(column))
        default = f" DEFAULT {found.default}".replace("%", "%%") if found and found.default is not None else ""
        name, new = self.quote(column), self.quote(f"{column}_new")
        before, after = self._around(session, table, [column], [], ())
        moved = [
            f"ALTER TABLE {quoted} ADD COLUMN {new} {type}{default}",
            f"UPDATE {quoted} SET {new} = {value}",
            f"ALTER TABLE {quoted} DROP COLUMN {name}",
            f"ALTER TABLE {quoted} RENAME COLUMN {new} TO {name}",
        ]
        return "; ".join([*before, *moved, *after]) + " /* Redshift cannot alter this column in place */"

    # --- the layout of an existing table

    def layout_changes(self, session: Session, table: str, layouts: Mapping[str, Any]) -> list[str]:
        """Return the ALTERs that give the table the layout of its file."""
        wanted = declared(layouts)
        self.check_layout(table, self.column_types(session, table), layouts)
        return self._styled(session, table).changes(wanted, self._folded(wanted))

    def completed_layout(
        self, session: Session, table: str, layouts: Mapping[str, Any], cursor: str | None
    ) -> list[str]:
        """Return the ALTERs for encodings, and for a sort key that is not the choice of a plan."""
        wanted, stored = declared(layouts), self._stored(session, table)
        word = wanted.sort_word or ("auto" if wanted.sortkey is None and cursor is None else None)
        sorts = word == "none" or (word == "auto" and stored.sortkey)  # the plan's choice
        keys = [stored.alter(f"SORTKEY {str(word).upper()}")] if sorts else []
        encodings = [] if stored.interleaved else stored.encode_changes(wanted, self._folded(wanted))
        return [*keys, *encodings]

    def layout_of(self, session: Session, table: str) -> Mapping[str, str]:
        """Return diststyle, distkey, sortkey, sort_type and encode of the table."""
        stored = self._styled(session, table)
        auto = stored.styles.sort_auto
        sortkey = ", ".join(stored.sortkey) or {True: "auto", False: "none", None: "none or auto"}[auto]
        found = {
            "diststyle": stored.styles.diststyle,
            "distkey": stored.distkey,
            "sortkey": f"{sortkey} (chosen by auto)" if stored.sortkey and auto else sortkey,
            "sort_type": ("interleaved" if stored.interleaved else "compound") if stored.sortkey else None,
            "encode": ", ".join(f"{name} {column.encoding}" for name, column in stored.columns.items()),
        }
        return {name: value for name, value in found.items() if value is not None}

    def layout_warnings(
        self, session: Session, table: str, layouts: Mapping[str, Any], joins: Mapping[str, Collection[str]]
    ) -> list[str]:
        """Return warnings about the rows of the table, a better DISTKEY, and what no ALTER can do."""
        wanted, stored = declared(layouts), self._styled(session, table)
        found, impossible = list[str](), stored.impossible(wanted, self._folded(wanted))
        if impossible:
            found.append(
                f"{impossible}: create the table again with CREATE TABLE AS, or a full refresh after DROP TABLE"
            )
        info = rows_info(session, self._parts(table))
        if info is None:
            user = self.quote(session.one("SELECT current_user")).replace("%%", "%")
            found.append(
                f"skew and unsorted rows are unknown: run, as a superuser, GRANT SELECT ON svv_table_info TO {user}"
            )
        skew, unsorted = info or (None, None)
        if skew is not None and skew > _SKEW:
            found.append(
                f"skew_rows is {skew:g}: the fullest slice has {skew:g} times the rows of the emptiest, so it works "
                "longest on each query. Choose a distkey with more values, or diststyle: even"
            )
        if unsorted is not None and unsorted > _UNSORTED:
            readable = self.table(table).replace("%%", "%")
            found.append(f"{unsorted:g} % of the rows are unsorted: run VACUUM SORT ONLY {readable}")
        best = max(joins, key=lambda column: len(joins[column]), default=None)
        style = stored.styles.diststyle
        if best and style in ("even", "auto(even)", "key") and stored.distkey not in joins:
            found.append(
                f"{', '.join(sorted(joins[best]))} joins it on {best}, but its rows are distributed by "
                f"{stored.distkey or style}, so each join moves rows between nodes: try distkey: {best}"
            )
        return found

    def _around(
        self, session: Session, table: str, changed: Collection[str], dropped: Collection[str], gone: Collection[str]
    ) -> tuple[Sequence[str], Sequence[str]]:
        changed, dropped, gone = (list(map(self.folded, names)) for names in (changed, dropped, gone))
        if not self._stored(session, table).uses([*changed, *dropped]):
            return (), ()
        return self._styled(session, table).around(changed, dropped, gone)

    def _styled(self, session: Session, table: str) -> StoredLayout:
        """Return the layout with its styles, which need queries of their own."""
        stored, parts = self._stored(session, table), self._parts(table)
        found = session.remembered(f"{table} (styles)", lambda: read_styles(session, parts, stored))
        return replace(stored, styles=found)

    def _stored(self, session: Session, table: str) -> StoredLayout:
        key = f"{table} (layout)"
        return session.remembered(key, lambda: read_layout(session, self.table(table), self._parts(table)))

    def _parts(self, table: str) -> TableName:
        return TableName(*map(self.folded, TableName.parse(table)))

    def _folded(self, wanted: RedshiftLayout) -> dict[str, str]:
        return {name: self.folded(name) for name in wanted.columns}
