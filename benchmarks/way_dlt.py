"""`python -m benchmarks.way_dlt`: load with dlt, which is not installed with Daybook but in an environment of its own.

dlt reads the table as Arrow, through connectorx or SQLAlchemy, writes Parquet files, and loads them by ADBC. It creates
no primary key and no index of its own, so both are created afterwards, as a user would do by hand.
"""

import os
from pathlib import Path

from benchmarks.way_job import KEY_AND_INDEX, Job, Legs, plain, read_job


def main() -> None:
    """Load the job of standard input."""
    job, legs = read_job(), Legs()
    os.environ.update(
        DLT_DATA_DIR=str(Path(job.folder) / "dlt"),
        RUNTIME__DLTHUB_TELEMETRY="false",
        RUNTIME__LOG_LEVEL="ERROR",
        LOAD__WORKERS="2",  # of as many cores
        # The fastest way to replace a table again: the default, truncate-and-insert, maintains the indexes row by row
        DESTINATION__REPLACE_STRATEGY="staging-optimized",
        NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION="true",
    )
    import dlt  # type: ignore[import-not-found]

    destination = dlt.destinations.postgres(credentials=plain(job.warehouse))
    pipeline = dlt.pipeline(f"nps_{job.schema}", destination=destination, dataset_name=job.schema)
    with legs.leg("run"):
        pipeline.run(_rows(job), loader_file_format="parquet").raise_on_failed_jobs()
    with legs.leg(KEY_AND_INDEX), pipeline.sql_client() as client:
        for table in (f"{job.schema}.{name}" for name in job.tables or (job.table,)):
            if not client.execute_sql(f"SELECT 1 FROM pg_index WHERE indrelid = '{table}'::regclass"):
                for statement in job.key_and_index:
                    client.execute_sql(statement.format(table=table))
    legs.write()


def _rows(job: Job):  # type: ignore[no-untyped-def]
    from dlt.sources.sql_database import sql_database, sql_table  # type: ignore[import-not-found]
    from sqlalchemy import text

    backend = job.options["backend"]
    arguments = {}
    if backend == "connectorx":
        # connectorx has its own drivers, and names them by the scheme
        arguments["conn"] = plain(job.source)
        arguments["return_type"] = "arrow"
        if partitions := job.options.get("partitions"):
            arguments |= {"partition_on": "id", "partition_num": partitions}
    if job.tables:
        every = sql_database(job.source, table_names=list(job.tables), backend=backend, backend_kwargs=arguments)
        for resource in every.resources.values():
            resource.apply_hints(write_disposition="replace")
        return every
    rows = sql_table(
        credentials=job.source,
        table=job.from_table,
        included_columns=list(job.columns),
        backend=backend,
        backend_kwargs=arguments,
        chunk_size=100_000,
        query_adapter_callback=(lambda query, table: text(job.query)) if job.day else None,
    )
    if job.day is None:
        rows.apply_hints(table_name=job.table, write_disposition="replace")
    else:
        # dlt merges by deleting the rows with the keys of the new ones
        merge = {"disposition": "merge", "strategy": "delete-insert"}
        rows.apply_hints(table_name=job.table, write_disposition=merge, primary_key="id")
    return rows


if __name__ == "__main__":
    main()
