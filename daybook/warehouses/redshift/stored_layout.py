"""The layout of an existing table, from Redshift's catalog, and the statements that change it.

Redshift refuses to drop the column of a distribution key or a sort key, and to alter the type of some columns
(dg/r_ALTER_TABLE.html). So a change of such a column first removes the key, and restores it at the end.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from daybook.model.table_name import TableName
from daybook.warehouses.redshift.layout import RedshiftLayout
from daybook.warehouses.session import Session

_NOT_ALTERED = frozenset({"bytedict", "runlength", "text255", "text32k"})
#: RELEFFECTIVEDISTSTYLE in PG_CLASS_INFO (dg/r_PG_CLASS_INFO.html).
_STYLES = {0: "even", 1: "key", 8: "all", 10: "auto(all)", 11: "auto(even)", 12: "auto(key)"}
#: The catalog calls it `none` if a column is not compressed (dg/r_PG_TABLE_DEF.html).
_RAW = {"none": "raw"}

#: It shows only the tables of schemas in the search path (dg/r_PG_TABLE_DEF.html).
_COLUMNS = 'SELECT "column", encoding, distkey, sortkey FROM pg_table_def WHERE schemaname = %s AND tablename = %s'
_SEARCH_PATH = "SELECT set_config('search_path', %s, false)"
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
class Styles:
    """What the catalog does not have by column."""

    diststyle: str = "unknown"
    sort_auto: bool | None = None
    """True if Redshift has chosen the sort key, or may choose it; None if that is unknown."""


@dataclass(frozen=True, slots=True)
class StoredLayout:
    """The layout of a table (quoted), by its columns in the catalog."""

    table: str
    columns: Mapping[str, StoredColumn]
    interleaved: bool
    styles: "Styles"

    @property
    def distkey(self) -> str | None:
        """Return the column of the distribution key."""
        return next((column.name for column in self.columns.values() if column.distkey), None)

    @property
    def sortkey(self) -> list[str]:
        """Return the columns of the sort key in their order."""
        found = (column for column in self.columns.values() if column.sortkey)
        return [column.name for column in sorted(found, key=lambda column: column.sortkey)]

    def uses(self, names: Collection[str]) -> bool:
        """Return True if a key has one of these columns."""
        return bool({self.distkey, *self.sortkey}.intersection(names))

    def encode_changes(self, wanted: RedshiftLayout, folded: Mapping[str, str]) -> list[str]:
        """Return the statements that give the columns the declared encodings."""
        return [
            self.alter(f"COLUMN {quoted(folded[name])} ENCODE {encoding}")
            for name, encoding in wanted.encode.items()
            if self.columns[folded[name]].encoding != encoding
        ]

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
            if self.styles.sort_auto:
                after.append(self.alter("SORTKEY AUTO"))
            elif remaining:
                note = " /* Redshift cannot make it INTERLEAVED again: that needs a new table */"
                after.append(self.alter(sortkey_sql(remaining)) + (note if self.interleaved else ""))
        if moves_rows:
            before.append(self.alter("DISTSTYLE EVEN"))
            kept = self.styles.diststyle == "key" and self.distkey not in dropped
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
        sorts = bool(sortkey) and (
            sortkey != self.sortkey or interleaved != self.interleaved or self.styles.sort_auto is True
        )
        if wanted.sort_word == "none" and (self.sortkey or self.styles.sort_auto):
            found.append(self.alter("SORTKEY NONE"))
        elif wanted.sort_word == "auto" and self.styles.sort_auto is False:
            found.append(self.alter("SORTKEY AUTO"))
        elif sorts and not interleaved:
            found.append(self.alter(sortkey_sql(sortkey)))
        if self.interleaved and not found:
            return []
        if distkey and (self.styles.diststyle, self.distkey) != ("key", distkey):
            found.append(self.alter(f"DISTSTYLE KEY DISTKEY {quoted(distkey)}"))
        elif wanted.diststyle not in (None, "key") and self.styles.diststyle.partition("(")[0] != wanted.diststyle:
            found.append(self.alter(f"DISTSTYLE {str(wanted.diststyle).upper()}"))
        return [*found, *self.encode_changes(wanted, folded)]

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
    """Read the keys and encodings of a table. `name` is its schema and its table as the catalog keeps them."""
    defaults = dict(session.rows(_DEFAULTS, tuple(name)))
    keyed = {column for (column,) in session.rows(_KEYED, tuple(name))}
    columns, signs = dict[str, StoredColumn](), list[int]()
    for column, encoding, distkey, sortkey in _columns(session, name):
        signs.append(sortkey)
        spelled = _RAW.get(encoding, encoding)
        default, key = defaults.get(column), column in keyed
        columns[column] = StoredColumn(column, spelled, distkey, abs(sortkey), default, key)
    return StoredLayout(quoted_table, columns, min(signs, default=0) < 0, Styles())


def _columns(session: Session, name: TableName) -> list[tuple[str, str, bool, int]]:
    usual = session.one("SELECT current_setting('search_path')")
    session.one(_SEARCH_PATH, (quoted(name.schema).replace("%%", "%"),))
    found = session.rows(_COLUMNS, tuple(name))
    session.one(_SEARCH_PATH, (usual,))
    return found


def read_styles(session: Session, name: TableName, layout: StoredLayout) -> Styles:
    """Read the distribution style of a table, and find out if AUTO has chosen its sort key."""
    if session.one(_MAY_READ_INFO):
        for diststyle, sortkey in session.rows(_INFO.format("diststyle, sortkey1"), tuple(name)):
            style = re.sub(r"key\(.*?\)", "key", diststyle.lower())
            return Styles(style, (sortkey or "").upper().startswith("AUTO"))
    if layout.distkey:  # an empty table, or a user who may not read more
        return Styles("key")
    return Styles(_STYLES.get(session.one(_STYLE, tuple(name)), "unknown"))  # only the owner sees it


def rows_info(session: Session, name: TableName) -> tuple[float | None, float | None] | None:
    """Return the skew (the ratio of the fullest slice to the emptiest) and the share of unsorted rows in percent.

    Returns None if the user may not read them, and two None for an empty table.
    """
    if not session.one(_MAY_READ_INFO):
        return None
    found = session.rows(_INFO.format("skew_rows, unsorted"), tuple(name))
    skew, unsorted = found[0] if found else (None, None)
    return (None if skew is None else float(skew)), (None if unsorted is None else float(unsorted))
