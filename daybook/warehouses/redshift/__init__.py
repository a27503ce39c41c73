"""Amazon Redshift as a warehouse."""

import json
import secrets
from collections.abc import Sequence

from sqlalchemy import Engine

from daybook.errors import DaybookError, ValueRefused, WarehouseError
from daybook.model.target import Target
from daybook.model.types import INTEGERS, TIMES, Column, Type
from daybook.sql.retries import first_line
from daybook.stage.base import Stage
from daybook.stage.csv_format import CsvFormat
from daybook.stage.manifest import Manifest
from daybook.warehouses.postgres_family import SqlWarehouse, resized
from daybook.warehouses.session import Session

URLS = ("redshift+psycopg2://USER:PASSWORD@HOST:5439/DATABASE",)

_LONGEST_TEXT = 65535  # bytes, of a VARCHAR
_LONGEST_BYTES = 1024000  # of a VARBYTE
_SPELLED = {"double": "double precision", "jsonb": "super"}
#: What Redshift has no column for is kept as the text that it came as.
_AS_TEXT = {"interval": 64, "uuid": 36, "json": _LONGEST_TEXT, "text": _LONGEST_TEXT, "native": _LONGEST_TEXT}
_CORRECT = "Correct the file, or the column's type in the table file"
_COMPRESSIONS = {"gzip": "GZIP", "bzip2": "BZIP2", "zstd": "ZSTD", None: ""}
_DATE = "^ *([0-9]{4}-[0-9]{2}-[0-9]{2})? *$"


def open(engine: Engine, copy_iam_role: str | None = None) -> "Redshift":
    """The Redshift behind `engine`, whose COPY assumes `copy_iam_role`.

    Raises:
        WarehouseError: no role is given.
    """
    if not copy_iam_role:
        raise WarehouseError(
            "Redshift reads the stage itself, under a role: set DAYBOOK_COPY_IAM_ROLE to its ARN and "
            "run `python -m blocks`"
        )
    return Redshift(engine, copy_iam_role)


class Redshift(SqlWarehouse):
    """Redshift: `COPY … FROM 's3://…' MANIFEST`, no indexes, keys that nobody enforces."""

    dialect = "Redshift"
    longest_name = 127
    copies_into_new_tables = False
    #: Of the others COPY cuts digits in silence, or takes spellings that we do not.
    reads_in_place = INTEGERS | {"double", "real", "varchar", "char", "text", "date"}

    def __init__(self, engine: Engine, copy_iam_role: str) -> None:
        super().__init__(engine)
        self._role = copy_iam_role

    def folded(self, name: str) -> str:
        """Even a quoted name is kept in lower case (ASCII letters) unless the cluster is told otherwise."""
        return "".join(letter.lower() if letter.isascii() else letter for letter in name)

    def csv_format(self) -> CsvFormat:
        """Nothing says that a quoted field is never NULL, so the markers are such as no data can know beforehand.

        An empty field is NULL, quoted or not, in all but CHAR and VARCHAR: a value of no bytes has a marker too.
        """
        return CsvFormat(null=f"\x1e{secrets.token_hex(6)}", bytes_prefix="", empty_bytes=secrets.token_hex(16))

    def type_sql(self, type: Type) -> str:
        """A type as Redshift spells it. VARCHAR counts bytes, of which a character has up to four."""
        if type.kind in ("varchar", "char"):
            return str(Type("varchar", resized(type, 4, _LONGEST_TEXT).size))
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
        """Sorted by the cursor, so that an interval is found without reading the whole table."""
        return f" SORTKEY ({self.quote(target.cursor.column)})" if target.cursor else ""

    def retype_sql(self, target: Target, column: Column, type: Type, zone: str = "UTC") -> str:
        """Redshift alters the length of a VARCHAR, and no other type: the values move to a new column."""
        if column.type.kind == "varchar" and self.spelled(type).kind == "varchar":
            return super().retype_sql(target, column, type, zone)
        table, name, new = self.table(target.name), self.quote(column.name), self.quote(f"{column.name}_new")
        return (
            f"ALTER TABLE {table} ADD COLUMN {new} {self.type_sql(type)}; UPDATE {table} SET {new} = "
            f"{name}::{self.type_sql(type)}; ALTER TABLE {table} DROP COLUMN {name}; "
            f"ALTER TABLE {table} RENAME COLUMN {new} TO {name} /* ALTER COLUMN TYPE is for a VARCHAR alone */"
        )

    def widens_in_place(self, there: Type, wanted: Type) -> bool:
        """A VARCHAR that may be longer, and nothing else (ALTER TABLE … ALTER COLUMN … TYPE)."""
        return there.kind == wanted.kind == "varchar"

    def lock_sql(self, table: str) -> str:
        """Everybody waits: Redshift has no weaker lock. So it is taken late, when all rows have been staged."""
        return f"LOCK {self.table(table)}"

    def copy(self, session: Session, into: str, target: Target, stage: Stage, manifest: Manifest) -> int:
        """Let Redshift read the parts, by a manifest of its own: a prefix would take neighbours along."""
        if not manifest.parts and not manifest.in_place:
            return 0  # a manifest without entries is an error to COPY
        if not stage.uri(manifest.prefix).startswith("s3://"):
            raise WarehouseError(
                f"{target.name}: Redshift reads the stage itself, from S3, and the stage is {stage}: set "
                "DAYBOOK_STAGE_URL to s3://bucket/prefix and run `python -m blocks`"
            )
        uris = manifest.in_place.uris if manifest.in_place else [stage.uri(part.key) for part in manifest.parts]
        entries = [{"url": uri, "mandatory": True} for uri in uris]
        stage.put(manifest.copy_key, json.dumps({"entries": entries}).encode())
        if manifest.in_place:
            return self._copy_in_place(session, into, target, stage.uri(manifest.copy_key), manifest)
        columns = ", ".join(self.quote(name) for name in target.column_names)
        session.run(
            f"COPY {into} ({columns}) FROM %s IAM_ROLE %s MANIFEST ZSTD FORMAT AS CSV NULL AS %s "
            "DATEFORMAT 'auto' TIMEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF",
            (stage.uri(manifest.copy_key), self._role, manifest.format.null),
        )
        rows: int = session.one("SELECT pg_last_copy_count()")
        if manifest.format.empty_bytes:
            self._restore_empty_bytes(session, into, target, manifest.format.empty_bytes)
        return rows

    def _copy_in_place(self, session: Session, into: str, target: Target, uri: str, manifest: Manifest) -> int:
        """Let Redshift read the source's files. Dates land as texts: COPY would cut a time of day off in silence."""
        files, landed = manifest.in_place, self.quote("daybook_landed")
        assert files is not None
        dates = {column.name for column in target.columns if column.type.kind == "date"}
        columns = ", ".join(
            f"{self.quote(column.name)} {'varchar(10)' if column.name in dates else self.type_sql(column.type)}"
            for column in target.columns
        )
        session.run(f"CREATE TEMP TABLE {landed} ({columns})")
        options, values = "FORMAT AS JSON 'auto'", list[object]()
        if files.format == "csv":
            options = "FORMAT AS CSV DELIMITER %s NULL AS %s EMPTYASNULL IGNOREBLANKLINES IGNOREHEADER AS %s"
            values = [files.delimiter, manifest.format.null, int(files.header)]
        session.run(
            f"COPY {landed} ({', '.join(map(self.quote, files.columns))}) FROM %s IAM_ROLE %s MANIFEST "
            f"{_COMPRESSIONS[files.compression]} {options} COMPUPDATE OFF STATUPDATE OFF",
            (uri, self._role, *values),
        )
        rows: int = session.one("SELECT pg_last_copy_count()")
        for name in dates:
            wrong = session.one(
                f"SELECT {self.quote(name)} FROM {landed} WHERE {self.quote(name)} !~ %s LIMIT 1", (_DATE,)
            )
            if wrong is not None:
                raise ValueRefused(
                    f"{target.name}, column {name}: {wrong!r} is no date as in 2021-02-05. Correct the file"
                )
        names = [self.quote(column.name) for column in target.columns]
        fields = [
            f"CAST(NULLIF(TRIM({name}), '') AS DATE)" if column.name in dates else name
            for name, column in zip(names, target.columns, strict=True)
        ]
        session.run(f"INSERT INTO {into} ({', '.join(names)}) SELECT {', '.join(fields)} FROM {landed}")
        session.run(f"DROP TABLE {landed}")
        return rows

    def _restore_empty_bytes(self, session: Session, into: str, target: Target, marker: str) -> None:
        """Make what was staged as the marker the value of no bytes that it stands for.

        FROM_HEX takes a literal, and gives VARBYTE: https://docs.aws.amazon.com/redshift/latest/dg/r_FROM_HEX.html.
        In a VARCHAR, which an older table may keep binary values in, they are the hex digits themselves.
        """
        binary = [column for column in target.columns if column.type.kind == "bytes"]
        existing = self.existing_columns(session, target.name) if binary else {}
        for column in binary:
            kept = existing.get(self.folded(column.name), column).type.kind
            name, value = self.quote(column.name), "FROM_HEX(%s)" if kept == "bytes" else "%s"
            session.run(f"UPDATE {into} SET {name} = {value} WHERE {name} = {value}", ("", marker))

    def explain(self, error: BaseException, target: Target, stage: Stage, manifest: Manifest) -> DaybookError | None:
        """Redshift writes the file, the line and the column into a system table, and says only that there is one."""
        if "load_error" not in str(error):
            return None
        files = manifest.in_place
        with self.session() as session:
            for view, columns in (
                ("sys_load_error_detail", "file_name, line_number, column_name, error_message"),
                ("stl_load_errors", "filename, line_number, colname, err_reason"),
            ):
                time = "start_time" if view.startswith("sys") else "starttime"
                try:
                    found = session.rows(
                        f"SELECT {columns} FROM {view} WHERE {columns.split(',')[0]} LIKE %s "
                        f"ORDER BY {time} DESC LIMIT 1",
                        (f"{files.uris[0].rpartition('/')[0]}%" if files else f"%{manifest.prefix}%",),
                    )
                except session.connection.Error:
                    continue
                if found:
                    file, line, column, reason = (str(value).strip() for value in found[0])
                    if files:
                        return ValueRefused(
                            f"{target.name}, {file}, line {line}, column {column}: {reason}. {_CORRECT}"
                        )
                    part = next((p.key for p in manifest.parts if file.endswith(p.key)), None)
                    return self.refused(reason, target, stage, manifest, int(line) if part else None, part, column)
        return WarehouseError(f"{target.name}: {first_line(error)}")

    def differs_sql(self, left: Sequence[str], right: Sequence[str]) -> str | None:
        """None: comparisons ignore trailing blanks, so none of them is exact."""
        return None
