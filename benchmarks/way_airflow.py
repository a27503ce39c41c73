"""`python -m benchmarks.way_airflow`: load with Airflow's GenericTransfer, as a worker's task does.

It runs the operator alone, without Airflow's scheduler, its metadata and the start of a task, which would come on top.
GenericTransfer reads all rows into memory and inserts them. Its preoperator commits first, so readers see an empty
table until the rows are there.
"""

import json
import os
from pathlib import Path
from urllib.parse import unquote

from benchmarks.way_job import Legs, database, password, read_job, server


def main() -> None:
    """Load the job of standard input."""
    job, legs = read_job(), Legs()
    home = Path(job.folder) / "airflow"
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW_CONN_SOURCE=_connection(job.source),
        AIRFLOW_CONN_WAREHOUSE=_connection(job.warehouse),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
    )
    from airflow.providers.common.sql.operators.generic_transfer import (  # type: ignore[import-not-found]
        GenericTransfer,
    )

    if job.day:
        before = [f"DELETE FROM {job.target} WHERE {job.condition}"]
    else:  # the table has its key and its index while the rows are inserted
        made = [job.create, *job.key_and_index]
        before = [f"DROP TABLE IF EXISTS {job.target}", *(statement.format(table=job.target) for statement in made)]
    transfer = GenericTransfer(
        task_id="load",
        sql=job.query,
        destination_table=job.target,
        source_conn_id="source",
        destination_conn_id="warehouse",
        preoperator=before,
        insert_args={"commit_every": 10_000, "fast_executemany": True},
    )
    with legs.leg("execute"):
        transfer.execute({})
    legs.write()


def _connection(address: str) -> str:
    url = server(address)
    mariadb = url.scheme.startswith("mysql")
    return json.dumps(
        {
            "conn_type": "mysql" if mariadb else "postgres",
            "host": url.hostname,
            "port": url.port,
            "login": unquote(url.username or ""),
            "password": password(address),
            "schema": database(address),
            "extra": {"client": "mysql-connector-python", "charset": "utf8mb4"} if mariadb else {},
        }
    )


if __name__ == "__main__":
    main()
