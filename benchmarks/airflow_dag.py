"""The DAG that Airflow backfills. It replaces a day's rows in PostgreSQL by those of MariaDB, in one transaction.

Airflow runs it with the packages of its own environment. `benchmarks.airflow_server` copies it to the DAGs folder.
"""

import contextlib
import csv
import io
import json
import os
from datetime import datetime, timedelta

import psycopg2
import pymysql
import pymysql.cursors
from airflow.sdk import dag, task  # type: ignore[import-not-found]

#: The scheduler starts no runs: the last day is in the past, and catchup is off.
FIRST_DAY, END = (datetime.fromisoformat(day) for day in json.loads(os.environ["BENCHMARK_DAYS"]))


@dag(dag_id="nps", schedule="@daily", start_date=FIRST_DAY, end_date=END, catchup=False)
def nps() -> None:
    """Run one task for each day."""

    @task
    def load_day(ds: str | None = None) -> int:
        """Load the day `ds`, which Airflow passes, and return its rows."""
        assert ds is not None
        day = datetime.fromisoformat(ds)
        span = (day, day + timedelta(days=1))
        with (
            contextlib.closing(pymysql.connect(**json.loads(os.environ["BENCHMARK_SOURCE"]))) as source,
            source.cursor(pymysql.cursors.SSCursor) as rows,
            contextlib.closing(psycopg2.connect(os.environ["BENCHMARK_WAREHOUSE"])) as warehouse,
            warehouse,
            warehouse.cursor() as cursor,
        ):
            rows.execute("SELECT id, created_at, score FROM nps WHERE created_at >= %s AND created_at < %s", span)
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            text.seek(0)
            cursor.execute("DELETE FROM raw_data.nps WHERE created_at >= %s AND created_at < %s", span)
            cursor.copy_expert("COPY raw_data.nps (id, created_at, score) FROM STDIN (FORMAT csv)", text)
            return int(cursor.rowcount)

    load_day()


nps()
