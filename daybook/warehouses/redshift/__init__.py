"""Amazon Redshift as a warehouse. How a statement works: https://docs.aws.amazon.com/redshift/latest/dg/."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from daybook.errors import DaybookError, WarehouseError
from daybook.extras import extra
from daybook.model.table_name import TableName
from daybook.model.target import Target
from daybook.model.types import INTEGERS, TIMES, Column, Type
from daybook.sql.database_error import DatabaseError
from daybook.stage.base import Stage
from daybook.stage.csv_format import CsvFormat
from daybook.stage.manifest import FilesInPlace, Manifest
from daybook.warehouses.postgres_family import PostgresFamily
from daybook.warehouses.redshift import checksum
from daybook.warehouses.redshift.copy_command import COMPRESSIONS, CopyCommand, explain
from daybook.warehouses.session import Session

URLS = ("redshift+psycopg2://USER:PASSWORD@HOST:5439/DATABASE",)

_LONGEST_TEXT = 65535  # bytes, of a VARCHAR
_LONGEST_BYTES = 1024000  # of a VARBYTE
_SPELLED = {"double": "double precision", "jsonb": "super"}
#: What Redshift has no column for is kept as the text that it came as.
_AS_TEXT = {"interval": 64, "uuid": 36, "json": _LONGEST_TEXT, "text": _LONGEST_TEXT, "native": _LONGEST_TEXT}
#: What pg_class lacks: the tables of external schemas. It is slow where there are many late-binding views.
_EXTERNAL_COLUMNS = (
    "SELECT table_schema, table_name, column_name, data_type FROM svv_columns WHERE table_schema IN ({schemas}) "
    "ORDER BY table_schema, table_name, ordinal_position"
)


class Redshift(PostgresFamily):
    """Redshift: `COPY … FROM 's3://…' MANIFEST`, no indexes, keys that nobody enforces."""

    title = "Redshift"
    urls = ("redshift+psycopg2://USER:PASSWORD@HOST:5439/DATABASE",)
    options = frozenset({"copy_iam_role"})
    sqlglot_dialect = "redshift"
    longest_name = 127
    #: COPY cuts digits of the other kinds without a warning, or takes spellings that Daybook does not.
    reads_in_place = INTEGERS | {"double", "real", "varchar", "char", "text", "date"}
    hashing = checksum
    dbt_type, dbt_port = "redshift", 5439
    dbt_options = frozenset({"sslmode", "connect_timeout"})

    def __init__(self, engine: Engine, copy_iam_role: str) -> None:
        super().__init__(engine)
        self._role = copy_iam_role

    @classmethod
    def open(cls, engine: Engine, **options: Any) -> "Redshift":
        """Return the Redshift behind `engine`, whose COPY assumes the option `copy_iam_role`.

        Raises:
            WarehouseError: no role is given.
        """
        if not options.get("copy_iam_role"):
            raise WarehouseError(
                "Redshift reads the stage itself, under a role: set DAYBOOK_COPY_IAM_ROLE to its ARN and "
                "run `daybook blocks`"
            )
        return cls(engine, options["copy_iam_role"])

    @classmethod
    def check_installed(cls) -> None:
        """Check that SQLAlchemy has Redshift's dialect. Raises ExtraMissing."""
        with extra("redshift"):
            import sqlalchemy_redshift  # noqa: F401

    @staticmethod
    def read_error(error: BaseException) -> DatabaseError | None:
        """Return what a driver's exception says; None for any other exception.

        A serialization failure is an internal error whose text begins with its own number, 1023; what it is, and of
        which table, is in its detail.
        """
        found = PostgresFamily.read_error(error)
        if found is not None:
            state = getattr(error, "pgcode", None)
            found.transient = found.transient or (state in ("XX000", None) and "1023" in str(found)[:80])
            if found.message.isdigit():
                found.message = f"{found.message}: {found.detail or 'no detail'}".split("\n")[0]
        return found

    def folded(self, name: str) -> str:
        """Return the name with its ASCII letters in lower case: by default, Redshift folds a quoted name, too."""
        return "".join(letter.lower() if letter.isascii() else letter for letter in name)

    def csv_format(self) -> CsvFormat:
        """Return markers that no data can know: nothing in Redshift's manual says that a quoted field is never NULL.

        An empty field is NULL, quoted or not, in all but CHAR and VARCHAR: a value of no bytes has a marker too.
        """
        return CsvFormat(null=f"\x1e{secrets.token_hex(6)}", bytes_prefix="", empty_bytes=secrets.token_hex(16))

    def type_sql(self, type: Type) -> str:
        """Return the SQL of a type. VARCHAR counts bytes, of which a character has up to four."""
        if type.kind in ("varchar", "char"):
            return str(Type("varchar", min((type.size or _LONGEST_TEXT) * 4, _LONGEST_TEXT)))
        if type.kind in _AS_TEXT:
            return f"varchar({_AS_TEXT[type.kind]})"
        if type.kind == "bytes":
            return f"varbyte({_LONGEST_BYTES})"
        if type.kind == "decimal" and (type.size is None or type.size > 38 or (type.scale or 0) > 37):
            return "varchar(256)"  # DECIMAL ends at (38,37): the digits are kept as text
        if type.kind == "decimal" and type.size == 19:
            return str(Type("decimal", 20, type.scale))  # up to 19 digits it ends at 2^63 - 1, not at 10^19 - 1
        if type.kind == "decimal":  # PostgreSQL's scale may be larger than the number of digits
            return str(Type("decimal", max(type.size or 0, type.scale or 0), type.scale))
        if type.kind in TIMES:
            return type.kind
        return str(Type(_SPELLED.get(type.kind, type.kind), type.size, type.scale))

    def table_options(self, target: Target) -> str:
        """Sort by the cursor, so that an interval is found without reading the whole table."""
        return f" SORTKEY ({self.quote(target.cursor.column)})" if target.cursor else ""

    def retype_sql(self, target: Target, column: Column, type: Type, zone: str = "UTC") -> str:
        """Return statements that move the values to a new column: Redshift alters the length of a VARCHAR alone."""
        if column.type.kind == "varchar" and self.spelled(type).kind == "varchar":
            return super().retype_sql(target, column, type, zone)
        table, name, new = self.table(target.name), self.quote(column.name), self.quote(f"{column.name}_new")
        return (
            f"ALTER TABLE {table} ADD COLUMN {new} {self.type_sql(type)}; UPDATE {table} SET {new} = "
            f"{name}::{self.type_sql(type)}; ALTER TABLE {table} DROP COLUMN {name}; "
            f"ALTER TABLE {table} RENAME COLUMN {new} TO {name} /* ALTER COLUMN TYPE is for a VARCHAR alone */"
        )

    def widens_in_place(self, there: Type, wanted: Type) -> bool:
        """Return True for a VARCHAR that may be longer (ALTER TABLE … ALTER COLUMN … TYPE)."""
        return there.kind == wanted.kind == "varchar"

    def lock_sql(self, table: str) -> str:
        """Return the only lock of Redshift, for which readers wait, too: a load takes it once its rows are staged."""
        return f"LOCK {self.table(table)}"

    def reads_files(self, files: FilesInPlace) -> bool:
        """Return True for the compressions that COPY takes."""
        return files.compression in COMPRESSIONS

    def copy(self, session: Session, into: str, target: Target, stage: Stage, manifest: Manifest) -> int:
        """Let Redshift read the parts, or the source's own files."""
        return CopyCommand(self, session, self._role, target, stage, manifest).run(into)

    def explain(self, error: BaseException, target: Target, stage: Stage, manifest: Manifest) -> DaybookError | None:
        """Return what a failed COPY means; None where it is not about what was loaded."""
        return explain(self, error, target, stage, manifest)

    def schema_columns(self, session: Session, tables: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Return the columns of `tables`, and of whatever else is in their schemas, external ones among them."""
        found, wanted = super().schema_columns(session, tables), set(tables)
        missing = {TableName.parse(name).schema for name in wanted.difference(found)}
        return {**self.columns_by_table(session, _EXTERNAL_COLUMNS, missing), **found}

    def differs_sql(self, left: Sequence[str], right: Sequence[str]) -> str | None:
        """Return None: no comparison is exact, as each of them ignores trailing blanks."""
        return None


WAREHOUSE = Redshift
