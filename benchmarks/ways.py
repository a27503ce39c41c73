"""The ways to load from MariaDB into PostgreSQL that the benchmark compares.

Each starts without the table and ends with the same table: its rows, its primary key, and its index on created_at.
Daybook creates key and index after loading the rows, and so do the others.
"""

import contextlib
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, make_url

from benchmarks import warehouse
from benchmarks.meter import Meter
from benchmarks.servers import Addresses
from daybook.definitions.table import Table
from daybook.load.extraction.extract import extract
from daybook.load.load import load
from daybook.load.planning.plan import plan
from daybook.orchestration.local_stack.postgres.binaries import wheel_programs
from daybook.stage.base import Stage
from daybook.stage.folder import FolderStage
from daybook.stage.s3 import S3Stage
from daybook.warehouses.registry import open_warehouse
from tests.support.servers.install import COMMAND, find_program

KEY_AND_INDEX = "key and index"


class Keys:
    """A connection provider that opens the source under every name."""

    def __init__(self, url: str) -> None:
        self._url = url

    def engine(self, name: str) -> Engine:
        """Return a new engine for the source."""
        return create_engine(self._url, poolclass=NullPool)


def described(name: str, source: str, load: str) -> Table:
    """Return the table `name`, loaded from the source's table `source` with the strategy `load`."""
    return Table.model_validate(
        {
            "name": name,
            "description": "One answer a row.",
            "owner": "benchmarks",
            "source": {"kind": "database", "table": source},
            "key": ["id"],
            "cursor": "created_at",
            "interval": "day",
            "load": load,
        }
    )


def daybook_by_folder(addresses: Addresses, table: str, meter: Meter) -> None:
    """Load with Daybook, with a folder as the stage."""
    _daybook(addresses, table, meter, lambda: FolderStage(Path(addresses.folder) / "stage"))


def daybook_by_s3(addresses: Addresses, table: str, meter: Meter) -> None:
    """Load with Daybook, with S3 as the stage."""
    _daybook(addresses, table, meter, lambda: S3Stage(addresses.s3.client(), addresses.s3.bucket))


def _daybook(addresses: Addresses, table: str, meter: Meter, open_stage: Callable[[], Stage]) -> None:
    full = described(warehouse.TABLE, table, "replace_interval")
    with meter.leg("extract"):
        target = open_warehouse(create_engine(addresses.warehouse, poolclass=NullPool))
        stage = open_stage()
        extracted = extract(plan(full, full_refresh=True), Keys(addresses.source), target, stage)
    create_keys = target.create_keys

    def measured(*arguments: Any) -> None:
        with meter.leg(KEY_AND_INDEX, by_others=True):
            create_keys(*arguments)

    target.create_keys = measured  # type: ignore[method-assign, assignment]
    with meter.leg("load"):
        load(extracted, target, stage)
    part, whole = meter.legs[-2:]
    meter.legs[-2:] = [
        replace(whole, seconds=whole.seconds - part.seconds, cpu_seconds=whole.cpu_seconds - part.cpu_seconds),
        part,
    ]


def bare_pipe(addresses: Addresses, table: str, meter: Meter) -> None:
    r"""Load with `mariadb --quick | psql \copy`. Both programs escape special characters with a backslash.

    mariadb writes NULL as the word, so a comment "NULL" becomes NULL: the pipe cannot distinguish them.
    """
    source, target = make_url(addresses.source), make_url(addresses.warehouse)
    mariadb = find_program("mariadb")
    if mariadb is None:
        raise SystemExit(f"the client program `mariadb` is not installed: {COMMAND}")
    export = [
        *(mariadb, "--no-defaults", "--quick", "--batch", "--skip-column-names", "--default-character-set=utf8mb4"),
        *(f"--host={source.host}", f"--port={source.port}", f"--user={source.username}", str(source.database)),
        f"--execute=SELECT * FROM {table}",
    ]
    load = [
        *(str(wheel_programs() / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"),
        *(f"--host={target.host}", f"--port={target.port}", f"--username={target.username}", str(target.database)),
        f"--command=\\copy {warehouse.TABLE} FROM STDIN (NULL 'NULL')",
    ]
    warehouse.run(addresses.warehouse, warehouse.CREATE.format(table=warehouse.TABLE))
    with meter.leg("pipe", by_others=True):
        sending = subprocess.Popen(
            export, stdout=subprocess.PIPE, env={**os.environ, "MYSQL_PWD": str(source.password)}
        )
        with sending:
            environment = {**os.environ, "PGPASSWORD": str(target.password), "PGCLIENTENCODING": "UTF8"}
            subprocess.run(load, stdin=sending.stdout, env=environment, check=True)
    if sending.returncode != 0:
        raise SystemExit(f"mariadb ended with exit code {sending.returncode}")
    _make_key_and_index(addresses, meter)


def pandas(addresses: Addresses, table: str, meter: Meter) -> None:
    """Load with pandas: `read_sql`, `to_csv` into a file, and `COPY` of that file."""
    import pandas  # type: ignore[import-untyped]

    file = Path(addresses.folder) / "pandas.csv"
    with meter.leg("read_sql"):
        frame = pandas.read_sql(f"SELECT * FROM {table}", create_engine(addresses.source, poolclass=NullPool))
    with meter.leg("to_csv"):
        frame.to_csv(file, index=False, header=False, na_rep="\\N")
    warehouse.run(addresses.warehouse, warehouse.CREATE.format(table=warehouse.TABLE))
    with (
        meter.leg("COPY"),
        file.open("rb") as rows,
        contextlib.closing(warehouse.connect(addresses.warehouse)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.copy_expert(f"COPY {warehouse.TABLE} FROM STDIN (FORMAT csv, NULL '\\N')", rows)
    file.unlink()
    _make_key_and_index(addresses, meter)


def _make_key_and_index(addresses: Addresses, meter: Meter) -> None:
    with meter.leg(KEY_AND_INDEX, by_others=True):
        statements = [statement.format(table=warehouse.TABLE) for statement in warehouse.KEY_AND_INDEX]
        warehouse.run(addresses.warehouse, *statements)


#: The ways by name. Each takes the addresses, the source's table, and a meter for its legs.
WAYS: dict[str, Callable[[Addresses, str, Meter], None]] = {
    "Daybook, folder": daybook_by_folder,
    "Daybook, S3": daybook_by_s3,
    "mariadb | psql": bare_pipe,
    "pandas": pandas,
}
