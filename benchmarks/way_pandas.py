"""`python -m benchmarks.way_pandas`: load with pandas: `read_sql`, `to_csv` into a file, and COPY of that file.

A whole table is loaded under another name and then takes the old one's place. A day is replaced in one transaction.
"""

import contextlib
from pathlib import Path

import pandas
import psycopg2
from sqlalchemy import NullPool, create_engine

from benchmarks.way_job import KEY_AND_INDEX, Legs, plain, read_job


def main() -> None:
    """Load the job of standard input."""
    job, legs = read_job(), Legs()
    file = Path(job.folder) / "pandas.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    with legs.leg("read_sql"):
        frame = pandas.read_sql(job.query, create_engine(job.source, poolclass=NullPool))
    with legs.leg("to_csv"):
        frame.to_csv(file, index=False, header=False, na_rep="\\N")
    with (
        file.open("rb") as rows,
        contextlib.closing(psycopg2.connect(plain(job.warehouse))) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        into = job.target if job.day else f"{job.schema}.new_{job.table}"
        with legs.leg("COPY"):
            if job.day:
                cursor.execute(f"DELETE FROM {into} WHERE {job.condition}")
            else:
                cursor.execute(job.create.format(table=into))
            cursor.copy_expert(f"COPY {into} FROM STDIN (FORMAT csv, NULL '\\N')", rows)
        if not job.day:
            with legs.leg(KEY_AND_INDEX):
                for statement in job.key_and_index:
                    cursor.execute(statement.format(table=into))
            cursor.execute(f"DROP TABLE IF EXISTS {job.target}")
            cursor.execute(f"ALTER TABLE {into} RENAME TO {job.table}")
    file.unlink()
    legs.write()


if __name__ == "__main__":
    main()
