"""Amazon Redshift as a warehouse. Its SQL is documented at https://docs.aws.amazon.com/redshift/latest/dg/."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from daybook.errors import DaybookError, WarehouseError
from daybook.model.table_name import TableName
from daybook.model.target import Target
from daybook.model.types import INTEGERS, TIMES, Type
from daybook.stage.base import Stage
from daybook.stage.csv_format import CsvFormat
from daybook.stage.manifest import FilesInPlace, Manifest
from daybook.strategies.staged_rows import Ranges
from daybook.warehouses.lock_waits import LockHolder
from daybook.warehouses.redshift import checksum, lock_holders, table_lock
from daybook.warehouses.redshift.connections import Connections
from daybook.warehouses.redshift.copy_access import KEYS
from daybook.warehouses.redshift.copy_command import COMPRESSIONS, CopyCommand, explain
from daybook.warehouses.redshift.isolation import warn_if_serializable
from daybook.warehouses.redshift.layout import declared
from daybook.warehouses.redshift.session import RedshiftSession
from daybook.warehouses.redshift.storage import declared_slices, found_slices, ranges_of
from daybook.warehouses.redshift.tables import RedshiftTables
from daybook.warehouses.session import Session

if TYPE_CHECKING:
    from boto3 import Session as AwsSession

_LONGEST_TEXT = 65535  # bytes, of a VARCHAR
_LONGEST_BYTES = 16_777_216  # of a VARBYTE: r_VARBYTE_type.html
_LONGEST_SUPER = 16 * 2**20  # bytes of a SUPER: limitations-super.html
_SPELLED = {"double": "double precision", "jsonb": "super"}
#: Types that Redshift lacks. Their values are kept as text, and the number is the length of the VARCHAR.
_AS_TEXT = {"interval": 64, "uuid": 36, "json": _LONGEST_TEXT, "text": _LONGEST_TEXT, "native": _LONGEST_TEXT}
#: Kinds of columns that are no DISTKEY or SORTKEY (limitations-super.html), or have not been tried as one.
_NO_KEYS = {"jsonb", "bytes"}
#: The tables of external schemas, which pg_class lacks. This query is slow if there are many late-binding views.
_EXTERNAL_COLUMNS = (
    "SELECT table_schema, table_name, column_name, data_type FROM svv_columns WHERE table_schema IN ({schemas}) "
    "ORDER BY table_schema, table_name, ordinal_position"
)


class Redshift(RedshiftTables, Connections):
    """Redshift: `COPY … FROM 's3://…' MANIFEST`, no indexes, keys that are not enforced."""

    title = "Redshift"
    urls = ("redshift+psycopg2://USER:PASSWORD@HOST:5439/DATABASE",)
    options = frozenset({"copy_iam_role", "aws_session"})
    longest_name = 127
    lock_views = "svv_transactions, as a superuser"
    #: For other kinds, COPY truncates digits without a warning, or accepts spellings that Daybook refuses.
    reads_in_place = INTEGERS | {"double", "real", "varchar", "char", "text", "date"}
    ignores_trailing_blanks = True
    #: A SUPER does not differentiate integers and decimals of scale 0, and no page promises the order of an object's
    #: attributes: limitations-super.html, r_SUPER_type.html.
    incomparable = {  # noqa: RUF012
        "jsonb": "its SUPER in Redshift may keep numbers such as 1.0 and the order of keys in another way"
    }
    counts_bytes = True
    too_long = "String length exceeds DDL length"
    hashing = checksum

    def __init__(
        self, engine: Engine, copy_iam_role: str, aws_session: "Callable[[], AwsSession | None] | None" = None
    ) -> None:
        super().__init__(engine, aws_session)
        self._role = copy_iam_role
        self._slices = declared_slices(engine.url)
        host, query = (engine.url.host or "").lower(), engine.url.query
        self.sleeps = ".redshift-serverless." in host or "serverless_work_group" in query  # serverless-billing.html
        self.reclaims = not self.sleeps and (".redshift.amazonaws.com" in host or "cluster_identifier" in query)

    @classmethod
    def open(cls, engine: Engine, **options: Any) -> "Redshift":
        """Return the Redshift warehouse behind `engine`.

        Its COPY assumes the role in the option `copy_iam_role`: an ARN, several ARNs that are assumed in turn, or
        `default` for the cluster's default role. With `access_keys`, COPY has the stage's own keys. The option
        `aws_session` is that of `Connections`.

        Raises:
            WarehouseError: the role is missing, or the URL is wrong.
        """
        if not options.get("copy_iam_role"):
            raise WarehouseError(
                "Redshift has no role for COPY, with which it reads the stage itself: set DAYBOOK_COPY_IAM_ROLE to its "
                "ARN, to default or to access_keys, and run `daybook blocks`"
            )
        return cls(engine, options["copy_iam_role"], options.get("aws_session"))

    def csv_format(self) -> CsvFormat:
        """Return the format, with random markers for NULL and for empty binary values, which no data can contain.

        Redshift's manual does not say that a quoted field is never NULL. Except in CHAR and VARCHAR, an empty field is
        NULL even with quotes, so an empty binary value needs a marker, too.
        """
        return CsvFormat(null=f"\x1e{secrets.token_hex(6)}", bytes_prefix="", empty_bytes=secrets.token_hex(16))

    def type_sql(self, type: Type) -> str:
        """Return the SQL of a type. The length of a VARCHAR is in bytes, and a character has up to four."""
        if type.kind in ("varchar", "char"):
            return str(Type("varchar", min((type.size or _LONGEST_TEXT) * 4, _LONGEST_TEXT)))
        if type.kind in _AS_TEXT:
            return f"varchar({_AS_TEXT[type.kind]})"
        if type.kind == "bytes":
            return f"varbyte({_LONGEST_BYTES})"
        if type.kind == "decimal" and (type.size is None or type.size > 38 or (type.scale or 0) > 37):
            return "varchar(256)"  # the largest DECIMAL is (38,37), so the digits are kept as text
        if type.kind == "decimal" and type.size == 19:
            return str(Type("decimal", 20, type.scale))  # the maximum of DECIMAL(19) is 2^63 - 1, not 10^19 - 1
        if type.kind == "decimal":  # in PostgreSQL, the scale may be larger than the number of digits
            return str(Type("decimal", max(type.size or 0, type.scale or 0), type.scale))
        if type.kind in TIMES:
            return type.kind
        return str(Type(_SPELLED.get(type.kind, type.kind), type.size, type.scale))

    def slices(self, session: Session) -> int:
        """Return the number of slices: that of the URL, or that of the cluster, which is asked for once."""
        self._slices = self._slices or found_slices(session)
        return self._slices

    def longest_text(self, type: Type) -> int | None:
        """Return the maximum length in bytes. A SUPER has up to 16 MB, its text in a CSV may have more blanks."""
        return _LONGEST_SUPER if type.kind == "jsonb" else super().longest_text(type)

    def widens_in_place(self, existing: Type, wanted: Type) -> bool:
        """Return True for a longer VARCHAR (ALTER TABLE … ALTER COLUMN … TYPE). `is_fixed` has the exceptions."""
        return existing.kind == wanted.kind == "varchar"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session that reads Daybook's own tables on a second connection while it holds the lock of a table."""
        with ExitStack() as second, super().session() as session:
            plain = super().session
            yield RedshiftSession(session.connection, self.read_error, lambda: second.enter_context(plain()))

    def move_table_sql(self, table: str, to: str) -> list[str]:
        """Return the statements that rename a table. Redshift has no SET SCHEMA, so another schema gets a copy.

        The copy keeps the distribution and sort keys, and not the grants.
        """
        if TableName.parse(table).schema == TableName.parse(to).schema:
            return super().move_table_sql(table, to)
        old, new = self.table(table), self.table(to)
        return [
            f"CREATE TABLE {new} (LIKE {old} INCLUDING DEFAULTS)",
            f"INSERT INTO {new} SELECT * FROM {old}",
            f"DROP TABLE {old}",
        ]

    def lock_sql(self, table: str) -> str:
        """Return Redshift's only lock. It excludes readers, too."""
        return f"LOCK {self.table(table)}"

    def begin_locked(self, session: Session, table: str) -> bool:
        """Open a transaction that excludes every other load of `table`, but no reader: see `table_lock`."""
        warn_if_serializable(session)
        return table_lock.begin_locked(self, session, table)

    def forget_lock(self, session: Session, table: str) -> None:
        """Drop the companion of `table`. The next load of that name creates it again."""
        session.run(f"DROP TABLE IF EXISTS {table_lock.companion_sql(self, table)}")

    def lock_holders(self, session: Session, tables: Sequence[str]) -> list[LockHolder]:
        """Return other sessions that hold locks on these tables, as far as the user may see them."""
        return lock_holders.find(session, [self.folded(table) for table in tables])

    def reclaim(self, session: Session, table: str) -> None:
        """Delete the rows that a DELETE has only marked, without sorting, and update the statistics that plans use.

        A full refresh leaves as many dead rows as rows, which scans read until then. The automatic VACUUM DELETE waits
        for an idle cluster. VACUUM skips a table of which less than 5 % of the rows are deleted: r_VACUUM_command.html.
        """
        session.run(f"VACUUM DELETE ONLY {self.table(table)}")
        session.run(f"ANALYZE {self.table(table)} PREDICATE COLUMNS")

    def ranges(self, session: Session, target: Target, staged: str) -> Ranges:
        """Return the ranges of the key's columns and of the cursor, which let a join skip blocks of the target."""
        return ranges_of(session, self.quote, target, staged)

    def staging_options(self, target: Target) -> str:
        """Return the DISTKEY and the SORTKEY: the key, by which a load joins the staged rows with the table.

        If the table is distributed by this column, too, the join moves no rows between nodes
        (c_best-practices-best-dist-key.html), so the DISTKEY of the table file is taken if it is part of the key. Any
        other one of several columns may have few values, which would put all rows on few slices. Without these options,
        CREATE TABLE AS with a LIMIT chooses keys by its own plan
        (r_CTAS_usage_notes.html).
        """
        kinds = {column.type.kind for column in target.columns if column.name in target.key}
        if not target.key or kinds & _NO_KEYS:
            return ""
        keys = [self.quote(name) for name in target.key]
        distkey = self.folded(declared(target.layouts).distkey or "")
        shared = [name for name in target.key if self.folded(name) == distkey or len(keys) == 1]
        distributed = f"DISTKEY ({self.quote(shared[0])})" if shared else "DISTSTYLE EVEN"
        return f" {distributed} SORTKEY ({', '.join(keys)})"

    def reads_files(self, files: FilesInPlace) -> bool:
        """Return True if COPY supports the compression of the files, and a role reads both them and the stage.

        The stage's keys may not read the source's bucket, and a COPY takes one pair of keys.
        """
        return files.compression in COMPRESSIONS and self._role != KEYS

    def copy(self, session: Session, into: str, target: Target, stage: Stage, manifest: Manifest) -> int:
        """Run a COPY of the parts, or of the source's own files."""
        return CopyCommand(self, session, self._role, target, stage, manifest).run(into)

    def explain(self, error: BaseException, target: Target, stage: Stage, manifest: Manifest) -> DaybookError | None:
        """Return the error for a failed COPY, or None if no value caused it."""
        return explain(self, error, target, stage, manifest)

    def schema_columns(self, session: Session, tables: Iterable[str]) -> dict[str, Mapping[str, str]]:
        """Return the columns of `tables`, and of all other tables in their schemas, including external schemas."""
        found, wanted = super().schema_columns(session, tables), set(tables)
        missing = {TableName.parse(name).schema for name in wanted.difference(found)}
        return {**self.columns_by_table(session, _EXTERNAL_COLUMNS, missing), **found}

    def differs_sql(self, left: Sequence[str], right: Sequence[str]) -> str | None:
        """Return None, because all comparisons of Redshift ignore trailing blanks."""
        return None


WAREHOUSE = Redshift
