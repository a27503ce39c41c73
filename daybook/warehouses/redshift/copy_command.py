"""Redshift's COPY, which reads the stage or a source's own files from S3, and the errors for a failed one."""

import json

from daybook.errors import DaybookError, ValueRefused, WarehouseError
from daybook.model.target import Target
from daybook.sql.database_error import DatabaseError, first_line
from daybook.stage.base import Stage
from daybook.stage.manifest import FilesInPlace, Manifest
from daybook.warehouses.postgres_family import PostgresFamily
from daybook.warehouses.redshift.copy_access import run_copy
from daybook.warehouses.session import Session

#: COPY's options for the compressions of files.
COMPRESSIONS = {"gzip": "GZIP", "bzip2": "BZIP2", "zstd": "ZSTD", None: ""}
_CORRECT = "Correct the file, or the column's type in the table file"
_DATE = "^ *([0-9]{4}-[0-9]{2}-[0-9]{2})? *$"


class CopyCommand:
    """The COPY of one load. `role` is a role, or one of the other values of the option `copy_iam_role`."""

    def __init__(
        self, warehouse: PostgresFamily, session: Session, role: str, target: Target, stage: Stage, manifest: Manifest
    ) -> None:
        self._warehouse, self._session, self._role = warehouse, session, role
        self._target, self._stage, self._manifest = target, stage, manifest
        self._quote = warehouse.quote

    def run(self, into: str) -> int:
        """Copy the parts into the table `into` (quoted). Return the row count that Redshift reports.

        COPY reads a manifest that lists the files, because a prefix would match other files, too. It collects the
        statistics of the staging table (STATUPDATE, t_Analyzing_tables.html). Otherwise, the joins of the load are
        planned without any, because automatic analyze waits for an idle cluster.

        Raises:
            WarehouseError: the stage is not on S3.
            ValueRefused: a file has a value that is not a date.
        """
        session, target, stage, manifest = self._session, self._target, self._stage, self._manifest
        if not manifest.parts and not manifest.in_place:
            return 0  # COPY fails for a manifest without entries
        if not stage.uri(manifest.prefix).startswith("s3://"):
            raise WarehouseError(
                f"{target.name}: the stage is {stage}, but Redshift can read the stage only from S3: set "
                "DAYBOOK_STAGE_URL to s3://bucket/prefix and run `daybook blocks`"
            )
        uris = manifest.in_place.uris if manifest.in_place else [stage.uri(part.key) for part in manifest.parts]
        entries = [{"url": uri, "mandatory": True} for uri in uris]
        stage.put(manifest.copy_key, json.dumps({"entries": entries}).encode())
        if manifest.in_place:
            return self._run_in_place(into, manifest.in_place)
        columns = ", ".join(self._quote(name) for name in target.column_names)
        self._copy(
            f"{into} ({columns})",
            "ZSTD FORMAT AS CSV NULL AS %s DATEFORMAT 'auto' TIMEFORMAT 'auto' COMPUPDATE OFF STATUPDATE ON",
            [manifest.format.null],
        )
        rows: int = session.one("SELECT pg_last_copy_count()")
        if manifest.format.empty_bytes:
            self._restore_empty_bytes(into, manifest.format.empty_bytes)
        return rows

    def _run_in_place(self, into: str, files: FilesInPlace) -> int:
        """Copy the source's own files. Dates are copied as texts first, because COPY would cut off a time of day."""
        session, target, landed = self._session, self._target, self._quote("daybook_landed")
        dates = {column.name for column in target.columns if column.type.kind == "date"}
        types = {column.name: self._warehouse.type_sql(column.type) for column in target.columns}
        types |= dict.fromkeys(dates, "varchar(10)")
        columns = ", ".join(f"{self._quote(name)} {type}" for name, type in types.items())
        session.run(f"CREATE TEMP TABLE {landed} ({columns})")
        options, values = "FORMAT AS JSON 'auto'", list[object]()
        if files.format == "csv":
            options = "FORMAT AS CSV DELIMITER %s NULL AS %s EMPTYASNULL IGNOREBLANKLINES IGNOREHEADER AS %s"
            values = [files.delimiter, self._manifest.format.null, int(files.header)]
        self._copy(
            f"{landed} ({', '.join(map(self._quote, files.columns))})",
            f"{COMPRESSIONS[files.compression]} {options} COMPUPDATE OFF STATUPDATE OFF",
            values,
        )
        rows: int = session.one("SELECT pg_last_copy_count()")
        for name in dates:
            wrong = session.one(
                f"SELECT {self._quote(name)} FROM {landed} WHERE {self._quote(name)} !~ %s LIMIT 1", (_DATE,)
            )
            if wrong is not None:
                raise ValueRefused(
                    f"{target.name}, column {name}: {wrong!r} is not a date such as 2021-02-05. Correct the file"
                )
        names = [self._quote(column.name) for column in target.columns]
        fields = [
            f"CAST(NULLIF(TRIM({name}), '') AS DATE)" if column.name in dates else name
            for name, column in zip(names, target.columns, strict=True)
        ]
        session.run(f"INSERT INTO {into} ({', '.join(names)}) SELECT {', '.join(fields)} FROM {landed}")
        session.run(f"ANALYZE {into}")
        session.run(f"DROP TABLE {landed}")
        return rows

    def _copy(self, into: str, options: str, values: list[object]) -> None:
        files = self._manifest.in_place
        uris = [self._stage.uri(self._manifest.copy_key), *(files.uris if files else ())]
        run_copy(self._session, into, options, values, self._role, self._stage, uris)

    def _restore_empty_bytes(self, into: str, marker: str) -> None:
        """Replace the marker of empty binary values by empty values.

        FROM_HEX takes a literal and returns a VARBYTE:
        https://docs.aws.amazon.com/redshift/latest/dg/r_FROM_HEX.html. An older table may keep binary values in a
        VARCHAR, which has the hex digits themselves.
        """
        session, target = self._session, self._target
        binary = [column for column in target.columns if column.type.kind == "bytes"]
        existing = self._warehouse.existing_columns(session, target.name) if binary else {}
        for column in binary:
            kept = existing.get(self._warehouse.folded(column.name), column).type.kind
            name, value = self._quote(column.name), "FROM_HEX(%s)" if kept == "bytes" else "%s"
            session.run(f"UPDATE {into} SET {name} = {value} WHERE {name} = {value}", ("", marker))


def explain(
    warehouse: PostgresFamily, error: BaseException, target: Target, stage: Stage, manifest: Manifest
) -> DaybookError | None:
    """Return the error for a failed COPY, or None if its message does not refer to Redshift's table of load errors.

    Redshift writes the file, the line and the column into that system table.
    """
    if "load_error" not in str(error):
        return None
    files = manifest.in_place
    with warehouse.session() as session:
        for view, columns in (
            ("sys_load_error_detail", "file_name, line_number, column_name, error_message"),
            ("stl_load_errors", "filename, line_number, colname, err_reason"),
        ):
            time = "start_time" if view.startswith("sys") else "starttime"
            try:
                found = session.rows(
                    f"SELECT {columns} FROM {view} WHERE {columns.split(',')[0]} LIKE %s ORDER BY {time} DESC LIMIT 1",
                    (f"{files.uris[0].rpartition('/')[0]}%" if files else f"%{manifest.prefix}%",),
                )
            except DatabaseError:
                continue
            if found:
                file, line, column, reason = (str(value).strip() for value in found[0])
                if files:
                    return ValueRefused(f"{target.name}, {file}, line {line}, column {column}: {reason}. {_CORRECT}")
                part = next((p.key for p in manifest.parts if file.endswith(p.key)), None)
                return warehouse.refused(reason, target, stage, manifest, int(line) if part else None, part, column)
    return WarehouseError(f"{target.name}: {first_line(error)}")
