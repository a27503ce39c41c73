"""Open the cluster, the stage and the source of one run."""

import os
import secrets

from sqlalchemy import URL, NullPool, create_engine, make_url

from daybook.extras import extra
from daybook.stage.cleanup import RecordedStage
from daybook.verify.recorder import Recorder
from daybook.verify.workbench import Workbench
from daybook.warehouses.registry import find_warehouse, open_warehouse


def open_workbench(*, cluster: URL, role: str, bucket: str, prefix: str, source: str, rows: int) -> Workbench:
    """Return the place where the checks of one run work. No connection is opened yet.

    Args:
        cluster: the URL of the cluster.
        role: the role that COPY assumes.
        bucket: the bucket of the stage.
        prefix: the prefix of the stage. The run stages its rows below it, in a folder of its own.
        source: the URL of a PostgreSQL.
        rows: the number of rows to generate for timings.

    Raises:
        ExtraMissing: the extra `redshift` is not installed.
        WarehouseError: an option of the cluster is wrong.
    """
    find_warehouse("redshift").check_installed()
    with extra("s3"):
        import boto3
        from botocore.config import Config

        from daybook.stage.s3 import S3Stage
    schema, recorder = f"daybook_verify_{secrets.token_hex(4)}", Recorder()
    engine = create_engine(
        cluster,
        hide_parameters=True,
        poolclass=NullPool,
        connect_args={"cursor_factory": recorder.cursor_factory()},
    )
    client = boto3.client("s3", region_name=os.environ.get("AWS_REGION"), config=Config(max_pool_connections=50))
    return Workbench(
        schema=schema,
        source=create_engine(make_url(source), hide_parameters=True, poolclass=NullPool),
        cluster=engine,
        warehouse=open_warehouse(engine, copy_iam_role=role),
        stage=RecordedStage(S3Stage(client, bucket, f"{prefix}/{schema}".strip("/"))),
        client=client,
        bucket=bucket,
        recorder=recorder,
        rows=rows,
    )
