"""The layout of an existing table, from Redshift's catalog, and the statements that change it.

Redshift refuses to drop the column of a distribution key or a sort key, and to alter the type of some columns
(dg/r_ALTER_TABLE.html). So a change of such a column first removes the key, and restores it at the end.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from daybook.model.table_name import TableName
from daybook.warehouses.redshift.layout import RedshiftLayout
from daybook.warehouses.session import Session

_NOT_ALTERED = frozenset({"bytedict", "runlength", "text255", "text32k"})
_AUTO = {10: "auto(all)", 11: "auto(even)", 12: "auto(key)"}
_STYLES = {0: "even", 1: "key", 8: "all", **_AUTO}
#: The catalog calls it `none` if a column is not compressed (dg/r_PG_TABLE_DEF.html).
_RAW = {"none": "raw"}

# SVV_REDSHIFT_COLUMNS needs no search_path, unlike PG_TABLE_DEF, and every user may read it.
_COLUMNS = (
    "SELECT column_name, encoding, distkey, sortkey FROM svv_redshift_columns "
    "WHERE database_name = %s AND schema_name = %s AND table_name = %s ORDER BY ordinal_position"
)
_DEFAULTS = (
    "SELECT a.attname, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d "
    "JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum "
    "JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = %s AND c.relname = %s"
)
_KEYED = (
    "SELECT a.attname FROM pg_constraint k "
    "JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey) "
    "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = %s AND c.relname = %s AND k.contype IN ('p', 'u', 'f')"
)
_STYLE = (
    "SELECT i.releffectivediststyle FROM pg_class_info i JOIN pg_namespace n ON n.oid = i.relnamespace "
    "WHERE n.nspname = %s AND i.relname = %s"
)
#: Only superusers may read SVV_TABLE_INFO, unless it is granted to others (dg/r_SVV_TABLE_INFO.html).
_MAY_READ_INFO = "SELECT has_table_privilege('svv_table_info', 'select')"
_INFO = 'SELECT {} FROM svv_table_info WHERE "schema" = %s AND "table" = %s'


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column in the catalog. `sortkey` is its place in the sort key, from 1; 0: it is not part of it."""

    name: str
    encoding: str
    distkey: bool
    sortkey: int
    default: str | None
    """The expression of its default."""
    keyed: bool
    """True if a primary, unique or foreign key is declared on it."""

    @property
    def is_fixed(self) -> bool:
        """Return True if Redshift refuses to alter the type of the column."""
        return self.default is not None or self.keyed or self.encoding in _NOT_ALTERED


@dataclass(frozen=True, slots=True)
class StoredLayout:
    """The layout of a table (quoted), by its columns in the catalog."""

    table: str
    columns: Mapping[str, StoredColumn]
    diststyle: str
    interleaved: bool
    sort_auto: bool | None
    """True if Redshift has chosen the sort key, or may choose it; None if that is unknown."""

    @property
    def distkey(self) -> str | None:
        """Return the column of the distribution key."""
        return next((column.name for column in self.columns.values() if column.distkey), None)

    @property
    def sortkey(self) -> list[str]:
        """Return the columns of the sort key in their order."""
        found = (column for column in self.columns.values() if column.sortkey)
        return [column.name for column in sorted(found, key=lambda column: column.sortkey)]

    def around(
        self, changed: Collection[str], dropped: Collection[str], gone: Collection[str] = ()
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Return the statements before and after these columns are changed or dropped: see `Layouts.key_changes`.

        No key is restored with a column in `gone`, which is dropped before.

        An interleaved sort key cannot be restored, and excludes a change of the distribution: it becomes compound.
        """
        touched, before, after = {*changed, *dropped}, list[str](), list[str]()
        moves_rows = self.distkey in touched
        if touched.intersection(self.sortkey) or (moves_rows and self.interleaved):
            before.append(self.alter("SORTKEY NONE"))
            remaining = [name for name in self.sortkey if name not in dropped and name not in gone]
            if self.sort_auto:
                after.append(self.alter("SORTKEY AUTO"))
            elif remaining:
                note = " /* Redshift cannot make it INTERLEAVED again: that needs a new table */"
                after.append(self.alter(sortkey_sql(remaining)) + (note if self.interleaved else ""))
        if moves_rows:
            before.append(self.alter("DISTSTYLE EVEN"))
            kept = self.diststyle == "key" and self.distkey not in dropped
            after.append(
                self.alter(f"DISTSTYLE KEY DISTKEY {quoted(self.distkey or '')}" if kept else "DISTSTYLE AUTO")
            )
        return before, after

    def changes(self, wanted: RedshiftLayout, folded: Mapping[str, str]) -> list[str]:
        """Return the statements that give the table the layout `wanted`. What it does not declare stays as it is.

        `folded` has the catalog's name of each column that `wanted` names. `impossible` has the rest.
        """
        found = list[str]()
        sortkey, distkey = [folded[name] for name in wanted.sort_columns], folded.get(wanted.distkey or "")
        interleaved = wanted.sort_type == "interleaved"
        sorts = bool(sortkey) and (sortkey != self.sortkey or interleaved != self.interleaved or self.sort_auto is True)
        if wanted.sort_word == "none" and (self.sortkey or self.sort_auto):
            found.append(self.alter("SORTKEY NONE"))
        elif wanted.sort_word == "auto" and self.sort_auto is False:
            found.append(self.alter("SORTKEY AUTO"))
        elif sorts and not interleaved:
            found.append(self.alter(sortkey_sql(sortkey)))
        if self.interleaved and not found:
            return []
        if distkey and (self.diststyle, self.distkey) != ("key", distkey):
            found.append(self.alter(f"DISTSTYLE KEY DISTKEY {quoted(distkey)}"))
        elif wanted.diststyle not in (None, "key") and self.diststyle.partition("(")[0] != wanted.diststyle:
            found.append(self.alter(f"DISTSTYLE {str(wanted.diststyle).upper()}"))
        for name, encoding in wanted.encode.items():
            if self.columns[folded[name]].encoding != encoding:
                found.append(self.alter(f"COLUMN {quoted(folded[name])} ENCODE {encoding}"))
        return found

    def impossible(self, wanted: RedshiftLayout, folded: Mapping[str, str]) -> str | None:
        """Return what the layout `wanted` needs that no ALTER can do, or None."""
        compound = replace(self, interleaved=False)
        if wanted.sort_type == "interleaved" and not self.interleaved:
            return "no ALTER makes a sort key interleaved"
        if self.interleaved and not self.changes(wanted, folded) and compound.changes(wanted, folded):
            return "a table with an interleaved sort key keeps its distribution and encodings"
        return None

    def alter(self, what: str) -> str:
        """Return the ALTER TABLE that alters `what`."""
        return f"ALTER TABLE {self.table} ALTER {what}"


def quoted(name: str) -> str:
    """Return a name as a quoted identifier. A percent sign is doubled, as statements have bind values."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def sortkey_sql(columns: Sequence[str], kind: str = "COMPOUND") -> str:
    """Return the clause of a sort key."""
    return f"{kind} SORTKEY ({', '.join(map(quoted, columns))})"


def read_layout(session: Session, quoted_table: str, name: TableName) -> StoredLayout:
    """Read the layout of a table. `name` is its schema and its table as the catalog keeps them."""
    database = session.one("SELECT current_database()")
    defaults = dict(session.rows(_DEFAULTS, tuple(name)))
    keyed = {column for (column,) in session.rows(_KEYED, tuple(name))}
    columns, signs = dict[str, StoredColumn](), list[int]()
    for column, encoding, distkey, sortkey in session.rows(_COLUMNS, (database, *name)):
        signs.append(sortkey)
        spelled = _RAW.get(encoding, encoding)
        default, key = defaults.get(column), column in keyed
        columns[column] = StoredColumn(column, spelled, distkey, abs(sortkey), default, key)
    style = _STYLES.get(session.one(_STYLE, tuple(name)), "unknown")  # only the owner sees it
    return StoredLayout(quoted_table, columns, style, min(signs, default=0) < 0, _is_auto(session, name))


def _is_auto(session: Session, name: TableName) -> bool | None:
    if not session.one(_MAY_READ_INFO):
        return None
    found = session.rows(_INFO.format("sortkey1"), tuple(name))  # it has no row about an empty table
    return (found[0][0] or "").upper().startswith("AUTO") if found else None


def rows_info(session: Session, name: TableName) -> tuple[float | None, float | None] | None:
    """Return the skew (the ratio of the fullest slice to the emptiest) and the share of unsorted rows in percent.

    Returns None if the user may not read them, and two None for an empty table.
    """
    if not session.one(_MAY_READ_INFO):
        return None
    found = session.rows(_INFO.format("skew_rows, unsorted"), tuple(name))
    skew, unsorted = found[0] if found else (None, None)
    return (None if skew is None else float(skew)), (None if unsorted is None else float(unsorted))
