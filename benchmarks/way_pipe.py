r"""`python -m benchmarks.way_pipe`: load with `mariadb --quick | psql`, or with `psql | psql` from PostgreSQL.

mariadb writes NULL as the word, so a comment "NULL" becomes NULL: that pipe cannot distinguish them. The table is
loaded under another name and then takes the place of the old one, so that readers see all rows or none of the new ones.
"""

import os
import subprocess
from urllib.parse import unquote

from benchmarks.way_job import KEY_AND_INDEX, Job, Legs, database, password, read_job, server


def main() -> None:
    """Load the job of standard input."""
    job, legs = read_job(), Legs()
    if job.day is not None:
        with legs.leg("pipe"):
            copy(job, job.target, ("BEGIN", f"DELETE FROM {job.target} WHERE {job.condition}"), ("COMMIT",))
    else:
        new = f"{job.schema}.new_{job.table}"
        with legs.leg("pipe"):
            copy(job, new, (f"DROP TABLE IF EXISTS {new}", job.create.format(table=new)))
        with legs.leg(KEY_AND_INDEX):
            psql(job, *(statement.format(table=new) for statement in job.key_and_index))
        with legs.leg("swap"):
            swapped = f"DROP TABLE IF EXISTS {job.target}", f"ALTER TABLE {new} RENAME TO {job.table}"
            psql(job, "BEGIN", *swapped, "COMMIT")
    legs.write()


def copy(job: Job, into: str, before: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> None:
    """Copy the rows of the job into a table, in the psql session of the statements `before` and `after`."""
    from_mariadb = job.source.startswith("mysql")
    export, environment = _mariadb(job) if from_mariadb else _postgres(job)
    null = "NULL" if from_mariadb else "\\N"
    copying = f"\\copy {into} ({', '.join(job.columns)}) FROM STDIN (NULL '{null}')"
    with subprocess.Popen(export, stdout=subprocess.PIPE, env=environment) as sending:
        psql(job, *before, copying, *after, rows=sending)
    if sending.returncode != 0:
        raise SystemExit(f"{export[0]} ended with exit code {sending.returncode}")


def psql(job: Job, *statements: str, rows: "subprocess.Popen[bytes] | None" = None) -> None:
    """Run statements in one session of psql, with `rows` as its standard input."""
    command = [*_psql(job.warehouse, job), *(f"--command={statement}" for statement in statements)]
    stdin = subprocess.DEVNULL if rows is None else rows.stdout
    subprocess.run(command, stdin=stdin, env=_environment(job.warehouse), check=True)


def _mariadb(job: Job) -> tuple[list[str], dict[str, str]]:
    url = server(job.source)
    export = [
        *(job.options["mariadb"], "--no-defaults", "--quick", "--batch", "--skip-column-names"),
        *("--default-character-set=utf8mb4", f"--host={url.hostname}", f"--port={url.port}"),
        *(f"--user={unquote(url.username or '')}", f"--execute={job.query}", database(job.source)),
    ]
    return export, {**os.environ, "MYSQL_PWD": password(job.source)}


def _postgres(job: Job) -> tuple[list[str], dict[str, str]]:
    return [*_psql(job.source, job), f"--command=COPY ({job.query}) TO STDOUT"], _environment(job.source)


def _psql(address: str, job: Job) -> list[str]:
    url = server(address)
    return [
        *(job.options["psql"], "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--host={url.hostname}"),
        *(f"--port={url.port}", f"--username={unquote(url.username or '')}", f"--dbname={database(address)}"),
    ]


def _environment(address: str) -> dict[str, str]:
    notices = "-c client_min_messages=warning"
    return {**os.environ, "PGPASSWORD": password(address), "PGCLIENTENCODING": "UTF8", "PGOPTIONS": notices}


if __name__ == "__main__":
    main()
