"""`python -m benchmarks.many_tables`: load 100 tables of 1,000 rows, by Daybook and by the databases' own programs.

It writes benchmarks/many_tables.md. MariaDB is the source, PostgreSQL the warehouse. Each way is a whole process, in
turns: first without the tables, then again, when nothing has changed, which is what a daily job does.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
from sqlalchemy import make_url

from benchmarks import machine, warehouse
from benchmarks.answers import connect
from benchmarks.environments import NotInstalled, python_of, requirements
from benchmarks.servers import Addresses, Servers, running_servers
from benchmarks.way_job import Job
from daybook.orchestration.local_stack.postgres.binaries import wheel_programs
from daybook.orchestration.local_stack.stack import UI_PORT, LocalStack
from tests.support.servers.install import COMMAND, find_program
from tests.support.servers.ports import free_port

HERE = Path(__file__).parent
TABLES, ROWS, ROUNDS = 100, 1_000, 3
SCHEMA = "raw_shop"
NAMES = [f"t{number:03}" for number in range(TABLES)]
_COLUMNS = "id bigint PRIMARY KEY, created_at timestamp, score smallint, note varchar(100)"
_LINE = "concat(id, '|', created_at, '|', score, '|', note)"
DAYBOOK, ONE_TABLE, LOOP, PIPE = "daybook load-tables", "daybook load-tables, one table", "shell loop", "one pipe"
DLT, SLING = "dlt", "Sling"


class Ways:
    """The ways to load all tables. Each replaces their rows, and needs no other preparation."""

    def __init__(self, addresses: Addresses, stack: LocalStack) -> None:
        self._source, self._target = make_url(addresses.source), make_url(addresses.warehouse)
        self._stack = stack
        mariadb = find_program("mariadb")
        if mariadb is None:
            raise SystemExit(f"the client program `mariadb` is not installed: {COMMAND}")
        source, target = self._source, self._target
        self._mariadb = (
            f"{mariadb} --no-defaults --quick --batch --skip-column-names --default-character-set=utf8mb4 "
            f"--host={source.host} --port={source.port} --user={source.username} {source.database}"
        )
        self._psql = (
            f"{wheel_programs() / 'psql'} --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --host={target.host} "
            f"--port={target.port} --username={target.username} {target.database}"
        )

    def daybook(self, tables: str = f"{SCHEMA}.*") -> None:
        """Load with one command, as a user types it, against a running Prefect server."""
        command = [sys.executable, "-m", "daybook", "load-tables", tables]
        done = subprocess.run(
            command, cwd=self._stack.root, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout.decode()[-3000:]}")

    def one_table(self) -> None:
        """Load one table with the same command: its start, and little else."""
        self.daybook(f"{SCHEMA}.{NAMES[0]}")

    def loop(self) -> None:
        """Start `mariadb` and `psql` for each table, one after the other."""
        self._shell(
            f'for name in {" ".join(NAMES)}; do {self._mariadb} --execute="SELECT * FROM $name" | {self._psql} '
            f'--single-transaction --command="CREATE TABLE IF NOT EXISTS {SCHEMA}.$name ({_COLUMNS})" '
            f'--command="DELETE FROM {SCHEMA}.$name" '
            f"--command=\"\\copy {SCHEMA}.$name FROM STDIN (NULL 'NULL')\" || exit 1; done"
        )

    def pipe(self) -> None:
        """Start `mariadb` and `psql` once. `sed` restores the ends of the tables, which `mariadb` escapes."""
        statements = [
            f"SELECT 'BEGIN; CREATE TABLE IF NOT EXISTS {SCHEMA}.{name} ({_COLUMNS}); DELETE FROM {SCHEMA}.{name}; "
            f"COPY {SCHEMA}.{name} FROM STDIN (NULL ''NULL'');'; SELECT * FROM {name}; "
            "SELECT '\\\\.'; SELECT 'COMMIT;';"
            for name in NAMES
        ]
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write("\n".join(statements))
            file.flush()
            self._shell(f"{self._mariadb} < {file.name} | sed 's/^\\\\\\\\\\.$/\\\\./' | {self._psql}")

    def dlt(self) -> None:
        """Load with dlt, which creates no keys: they are created after its run."""
        self._program("dlt", backend="connectorx")

    def sling(self) -> None:
        """Load with Sling, which creates the keys."""
        self._program("sling")

    def _program(self, name: str, **options: object) -> None:
        job = Job(
            source=self._source.render_as_string(hide_password=False),
            warehouse=self._target.render_as_string(hide_password=False),
            from_table="",
            schema=SCHEMA,
            columns=(),
            create="",
            key_and_index=("ALTER TABLE {table} ADD PRIMARY KEY (id)",),
            folder=str(self._stack.root / name),
            tables=tuple(NAMES),
            options=options,
        )
        command = [str(python_of(name)), "-m", f"benchmarks.way_{name}"]
        environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
        done = subprocess.run(
            command, input=job.json(), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode != 0:
            raise SystemExit(f"{name} failed:\n{done.stdout[-3000:]}")

    def _shell(self, script: str) -> None:
        subprocess.run(["bash", "-o", "pipefail", "-c", script], env=self._environment, check=True)

    @property
    def _environment(self) -> dict[str, str]:
        secrets = {"MYSQL_PWD": str(self._source.password), "PGPASSWORD": str(self._target.password)}
        return {
            **self._stack.environment,
            **secrets,
            "PGOPTIONS": "-c client_min_messages=warning",
            "PGCLIENTENCODING": "UTF8",
            "PYTHONPATH": str(HERE.parent),
        }


def make_source(url: str) -> None:
    """Create the tables."""
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        for number, name in enumerate(NAMES):
            cursor.execute(f"CREATE TABLE {name} ({_COLUMNS.replace('timestamp', 'datetime')})")
            cursor.execute(
                f"INSERT INTO {name} SELECT seq, '2026-01-01' + INTERVAL seq MINUTE, seq * 7 % 11, "
                f"concat('row ', seq, ' of table {number}') FROM seq_1_to_{ROWS}"
            )
        connection.commit()


def make_project(folder: Path, database: str) -> None:
    """Write a project with one file for all tables."""
    (folder / "tables").mkdir(parents=True)
    (folder / "daybook.yaml").write_text("name: shop\ndefaults: {owner: benchmarks}\n", encoding="utf-8")
    source = f"{{kind: database, block: production, tables: '{database}.*'}}"
    (folder / "tables/shop.yaml").write_text(f"source: {source}\nschema: {SCHEMA}\n", encoding="utf-8")
    lines = [f"  {name}: {{table: {database}.{name}, load: replace, key: [id]}}" for name in NAMES]
    (folder / "tables/shop.tables.yaml").write_text("\n".join(["tables:", *lines, ""]), encoding="utf-8")


def require_same(addresses: Addresses) -> None:
    """Exit with a message unless each table has the source's rows."""
    with contextlib.closing(connect(addresses.source)) as connection, connection.cursor() as cursor:
        for name in NAMES:
            cursor.execute(f"SELECT count(*), sum(crc32({_LINE})) FROM {name}")
            expected = tuple(map(int, cursor.fetchone() or ()))
            statement = f"SELECT count(*), sum(crc32(convert_to({_LINE}, 'UTF8'))) FROM {SCHEMA}.{name}"
            found = tuple(map(int, warehouse.run(addresses.warehouse, statement)[0]))
            if found != expected:
                raise SystemExit(f"{name} has {found}, but the source has {expected}")


@contextlib.contextmanager
def running_stack(addresses: Addresses) -> Iterator[LocalStack]:
    """Run a Prefect server for a project with the tables, until the block ends."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="daybook-bench-"))) / "project"
        make_project(folder, str(make_url(addresses.source).database))
        os.environ[UI_PORT] = str(free_port())
        local = LocalStack(folder)
        stack.callback(local.stop)
        local.start_server()
        local.wait_for_server()
        blocks = {
            "DAYBOOK_PRODUCTION_URL": addresses.source,
            "DAYBOOK_WAREHOUSE_URL": addresses.warehouse,
            "DAYBOOK_STAGE_URL": str(Path(addresses.folder) / "stage"),
        }
        environment = {**local.environment, **blocks, "PYTHONPATH": str(HERE.parent)}
        command = [sys.executable, "-m", "daybook", "blocks"]
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        yield local


def measured(servers: Servers, load: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds of a way, and the CPU seconds of its processes, without those of the databases."""
    own = psutil.Process()
    before, began = own.cpu_times(), time.perf_counter()
    load()
    seconds, after = time.perf_counter() - began, own.cpu_times()
    children = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, children


def main() -> None:
    """Measure all ways in turns, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_tables", description="Load 100 small tables.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"measurements of each way (default: {ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="one round; the page goes to standard output only")
    given = parser.parse_args()
    rounds = 1 if given.quick else given.rounds
    made = f"`python -m benchmarks.many_tables`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    load_before = os.getloadavg()[0]
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with running_servers() as servers:
        addresses = servers.addresses
        make_source(addresses.source)
        with running_stack(addresses) as stack:
            ways = Ways(addresses, stack)
            by_name = {PIPE: ways.pipe, LOOP: ways.loop, DAYBOOK: ways.daybook, ONE_TABLE: ways.one_table}
            versions = list[str]()
            for name, program, load in ((DLT, "dlt", ways.dlt), (SLING, "sling", ways.sling)):
                try:
                    python_of(program)
                except NotInstalled as error:
                    print(f"{name} is left out: {error}", file=sys.stderr)
                else:
                    by_name[name] = load
                    packages = (f"{package} {version}" for package, version in requirements(program).items())
                    versions.append(next(package for package in packages if package.startswith(program)))
            ways.one_table()  # every program has run once
            for number in range(rounds):
                for name, load in by_name.items():
                    if number and name in (DLT, SLING):
                        continue  # a minute each
                    for turn in ("first", "again"):
                        if turn == "first":
                            statements = (f"DROP SCHEMA IF EXISTS {SCHEMA}, daybook CASCADE", f"CREATE SCHEMA {SCHEMA}")
                            warehouse.run(addresses.warehouse, *statements, "CHECKPOINT")
                        found = measured(servers, load)
                        taken.setdefault((name, turn), []).append(found)
                        print(f"round {number + 1}, {name}, {turn}: {found[0]:.2f} s", file=sys.stderr, flush=True)
                    if name != ONE_TABLE:
                        require_same(addresses)
        found_versions = ", ".join([machine.versions(addresses), *versions])
    page = "\n".join(lines(taken, made, found_versions, load_before)) + "\n"
    print(page)
    if not given.quick:
        (HERE / "many_tables.md").write_text(page, encoding="utf-8")


def lines(
    taken: dict[tuple[str, str], list[tuple[float, float]]], made: str, versions: str, load_before: float
) -> Iterator[str]:
    """Yield the lines of the page."""

    def median(name: str, turn: str, place: int = 0) -> float:
        return statistics.median(one[place] for one in taken[name, turn])

    yield f"# {TABLES} tables of {ROWS:,} rows in one run\n"
    yield f"- {made}"
    yield f"- {machine.machine()}; load average {load_before:.1f} before it began"
    yield f"- {versions}; medians of {len(taken[PIPE, 'first'])}, in turns; dlt and Sling once\n"
    yield "| way | first: seconds | × | again: seconds | × | from – to | CPU seconds of its processes |"
    yield "|:--|--:|--:|--:|--:|--:|--:|"
    for name in dict.fromkeys(name for name, _ in taken):
        first, again = median(name, "first"), median(name, "again")
        spread = [one[0] for one in taken[name, "again"]]
        yield (
            f"| {name} | {first:.2f} | {first / median(PIPE, 'first'):.1f} | {again:.2f} | "
            f"{again / median(PIPE, 'again'):.1f} | {min(spread):.2f} – {max(spread):.2f} | "
            f"{median(name, 'again', 1):.1f} |"
        )
    one, all_of_them = median(ONE_TABLE, "again"), median(DAYBOOK, "again")
    most = 2 * median(LOOP, "again") + one
    yield ""
    yield f"Target: at most 2 × the SQL of the shell loop plus one start, that is {most:.1f} s:"
    yield f"{all_of_them:.1f} s, {'met' if all_of_them <= most else 'missed'}.\n"
    yield f"Beyond its start, Daybook takes {(all_of_them - one) / (TABLES - 1) * 1000:.0f} ms a table, and the one"
    yield f"pipe {median(PIPE, 'again') / TABLES * 1000:.0f} ms.\n"
    yield "- The table has a key and four columns. Each way replaces the rows of all tables, first without the tables,"
    yield "  then again, when nothing has changed."
    yield "- The shell loop starts `mariadb` and `psql` for each table; the one pipe starts both once. Each table is a"
    yield "  transaction. They check nothing, and have no ledger and no outcome of a table."
    yield "- dlt replaces the tables by its backend connectorx, and SQL creates their keys after it. Sling runs one"
    yield "  replication, and creates the keys. Both are whole processes."
    yield "- `daybook load-tables` is a whole process against a running Prefect server, with a folder as the stage."
    yield "  Each table has its own transaction, a row of the ledger, guards, a task run and an outcome."


if __name__ == "__main__":
    main()
