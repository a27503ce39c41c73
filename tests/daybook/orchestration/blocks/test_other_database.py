"""A stored block keeps its database, and each target has blocks of its own."""

from pathlib import Path

import pytest
from prefect_sqlalchemy import SqlAlchemyConnector
from sqlalchemy.engine import make_url

from daybook.orchestration.blocks import database_url, other_database
from daybook.orchestration.blocks import open as open_
from daybook.orchestration.blocks.errors import BlockUnusable
from daybook.orchestration.blocks.stored_blocks import load
from daybook.sql.database_error import DatabaseError
from daybook.stage.folder import FolderStage
from tests.support.block_fixtures import RunBlocks

#: Two databases that are the same one, and others that only look alike.
SAME = [
    ("postgresql://db/dwh", "postgresql+psycopg2://DB:5432/dwh"),
    ("postgresql://ann:x@db/dwh?sslmode=require", "postgresql://bob@db/dwh"),
    ("postgresql:///dwh?host=/run/pg", "postgresql://ann@/dwh?host=/run/pg&port=5432"),
]
OTHERS = [
    ("postgresql://db/dwh", "postgresql://db:5433/dwh"),
    ("postgresql://db:5433/dwh", "postgresql://db/dwh"),
    ("postgresql:///dwh?host=/run/prod", "postgresql:///dwh?host=/run/dev"),
    ("postgresql:///dwh?service=prod", "postgresql:///dwh?service=dev"),
    ("mysql+pymysql:///shop?unix_socket=/run/a", "mysql+pymysql:///shop?unix_socket=/run/b"),
    ("postgresql://db/dwh", "postgresql://db/dwh?dbname=dev"),
]
PROD = "postgresql+psycopg2://loader:hunter2@prod.example/dwh"
DEV = "postgresql+psycopg2://loader:hunter2@dev.example/dwh"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "daybook.yaml").write_text(
        'targets: {dev: {blocks: {production: production}}, twin: {schema_prefix: ""}, qa: {}}'
    )
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.delenv("DAYBOOK_TARGET", raising=False)


def test_another_database_in_a_stored_block_is_refused_without_force(
    run_blocks: RunBlocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_blocks(DAYBOOK_WAREHOUSE_URL=PROD).returncode == 0
    refused = run_blocks(DAYBOOK_WAREHOUSE_URL=DEV, DAYBOOK_PRODUCTION_URL=PROD)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Nothing was saved" in refused.stderr and "hunter2" not in refused.stderr
    assert (
        "SqlAlchemyConnector/warehouse is postgresql+psycopg2://prod.example/dwh, and this is "
        "postgresql+psycopg2://dev.example/dwh. All runs of target prod would use this database"
    ) in refused.stderr
    assert open_.engine("warehouse").url.host == "prod.example"
    with pytest.raises(BlockUnusable, match="SqlAlchemyConnector/production is missing"):
        open_.engine("production")

    renewed = run_blocks(DAYBOOK_WAREHOUSE_URL=PROD.replace("hunter2", "hunter3"))  # only the password
    assert (renewed.returncode, "updated" in renewed.stdout) == (0, True)

    from blocks.__main__ import main

    assert main({"DAYBOOK_WAREHOUSE_URL": DEV}, force=True) == 0
    assert open_.engine("warehouse").url.host == "dev.example"


@pytest.mark.parametrize(("one", "other"), [*SAME, *OTHERS])
def test_which_urls_are_the_same_database(one: str, other: str) -> None:
    assert other_database._same(make_url(one), make_url(other)) is ((one, other) in SAME)


def test_a_block_that_was_made_in_the_ui_from_a_url_is_compared_too(
    run_blocks: RunBlocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqlAlchemyConnector(connection_info=PROD).save("warehouse")  # type: ignore[arg-type]
    refused = run_blocks(DAYBOOK_WAREHOUSE_URL=DEV)
    assert refused.returncode == 1 and "hunter2" not in refused.stderr
    assert "SqlAlchemyConnector/warehouse is postgresql+psycopg2://prod.example/dwh, and this is" in refused.stderr


def test_a_wrong_password_does_not_replace_a_right_one(
    run_blocks: RunBlocks, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from blocks.__main__ import main

    run_blocks(DAYBOOK_WAREHOUSE_URL=PROD)
    wrong = PROD.replace("hunter2", "hunter3")
    monkeypatch.setattr(database_url, "_log_in", lambda _: (_ for _ in ()).throw(refusal()))
    assert main({"DAYBOOK_WAREHOUSE_URL": wrong}, check=True) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and "Nothing was saved" in printed.err and "refuses the login" in printed.err
    assert open_.engine("warehouse").url.password == "hunter2"
    assert main({"DAYBOOK_WAREHOUSE_URL": wrong}) == 0  # --no-check
    assert open_.engine("warehouse").url.password == "hunter3"


def refusal() -> DatabaseError:
    text = 'password authentication failed for user "loader"'
    return DatabaseError(text, text)


def test_a_target_has_blocks_of_its_own(run_blocks: RunBlocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_blocks(DAYBOOK_WAREHOUSE_URL=PROD, DAYBOOK_PRODUCTION_URL=PROD, DAYBOOK_STAGE_URL=str(tmp_path))

    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    with pytest.raises(
        BlockUnusable, match=r"SqlAlchemyConnector/warehouse-dev is missing: .*daybook blocks --target dev"
    ):
        open_.engine("warehouse")
    assert open_.engine("production").url.host == "prod.example"  # as daybook.yaml says
    made = run_blocks(DAYBOOK_WAREHOUSE_URL=DEV, DAYBOOK_STAGE_URL=str(tmp_path))
    assert made.stdout.split()[::3][:1] == ["SqlAlchemyConnector/warehouse-dev"]
    assert open_.engine("warehouse").url.host == "dev.example"
    stage = open_.stage()
    assert isinstance(stage, FolderStage) and stage.path == tmp_path / "dev"
    changed = run_blocks(DAYBOOK_PRODUCTION_URL=DEV)  # dev shares this block with prod
    assert changed.returncode == 1 and "SqlAlchemyConnector/production is" in changed.stderr

    monkeypatch.delenv("DAYBOOK_TARGET")
    assert open_.engine("warehouse").url.host == "prod.example"


def test_two_targets_may_share_a_warehouse_only_with_different_schemas(
    run_blocks: RunBlocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_blocks(DAYBOOK_WAREHOUSE_URL=PROD)
    monkeypatch.setenv("DAYBOOK_TARGET", "twin")
    refused = run_blocks(DAYBOOK_WAREHOUSE_URL=PROD)
    assert refused.returncode == 1
    assert (
        "is the warehouse of target prod (SqlAlchemyConnector/warehouse), and target twin has the same"
        in refused.stderr
    )
    # A person puts prod's database into the block in the UI: a load of either target is refused.
    assert run_blocks(DAYBOOK_WAREHOUSE_URL=DEV).returncode == 0
    open_.warehouse()
    block = load(SqlAlchemyConnector, "warehouse-twin")
    block.connection_info.host = "prod.example"  # type: ignore[union-attr]
    block.save("warehouse-twin", overwrite=True)
    for target in ("twin", "prod"):
        monkeypatch.setenv("DAYBOOK_TARGET", target)
        with pytest.raises(BlockUnusable, match=r"are the same database, .*prod\.example/dwh.* write the same tables"):
            open_.warehouse()
    monkeypatch.setenv("DAYBOOK_TARGET", "qa")
    assert run_blocks(DAYBOOK_WAREHOUSE_URL=PROD).returncode == 0
