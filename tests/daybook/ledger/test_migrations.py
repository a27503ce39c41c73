"""The schema `daybook` of every release is upgraded, and a worker that is older than the schema is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from daybook import __version__
from daybook.cli.project.upgrade import main
from daybook.ledger import migrations, schema_version
from daybook.ledger.errors import SchemaOutdated, WorkerOutdated
from daybook.ledger.ledger import COLUMNS, Ledger
from daybook.ledger.schema_version import VERSION, record_version, recorded_version
from daybook.project import VARIABLE
from daybook.scaffold.new_project import NewProject, write_file
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database

pytestmark = pytest.mark.servers

OLDEST = """\
CREATE TABLE daybook.ledger (table_name varchar(255) NOT NULL, interval_start timestamptz, interval_end timestamptz NOT
NULL, rows_loaded bigint NOT NULL, strategy varchar(32) NOT NULL, flow_run_id varchar(64), loaded_at timestamptz NOT
NULL, load_id varchar(36) NOT NULL"""
SNAPSHOT = f"{OLDEST}, snapshot_at timestamptz NOT NULL"
VERSIONS = f"{SNAPSHOT}, version varchar(1024), missing varchar(4000)"
CHECKSUM = f"{VERSIONS}, checksum varchar(64)"
#: The DDL of each shape that the ledger has had. Never change one: warehouses have them.
SHAPES = {
    "without a snapshot": OLDEST,
    "without versions of files": SNAPSHOT,
    "without checksums": VERSIONS,
    "without the table's identity": CHECKSUM,
    "without a version of the schema": f"{CHECKSUM}, table_id varchar(64), table_rows bigint, counts_from timestamptz",
}
WAREHOUSES = ["postgres-folder", "redshift-s3", "duckdb-folder"]
AT = datetime(2021, 2, 6, 9, tzinfo=UTC)


@pytest.fixture(params=WAREHOUSES)
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with source_database("postgres", request) as source, ends_of(source, request.param, request, tmp_path) as both:
        source.run("CREATE TABLE things (id int PRIMARY KEY, at timestamp)")
        source.run("INSERT INTO things VALUES (1, '2021-02-05 10:00'), (2, '2021-02-06 10:00')")
        both.destination.run("DROP SCHEMA IF EXISTS daybook CASCADE")  # the stand-in of Redshift is shared by tests
        yield both
        both.destination.run("DROP SCHEMA IF EXISTS daybook CASCADE")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project: its files are those of this release."""
    for name, text in NewProject("shop").files().items():
        write_file(tmp_path / "shop", name, text)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "shop"))
    return tmp_path / "shop"


def old_ledger(ends: Endpoints, shape: str) -> None:
    """Create the ledger as an older release did, with one row of one day."""
    ends.destination.run("CREATE SCHEMA daybook")
    ends.destination.run(f"{SHAPES[shape]})")
    names = ["table_name", "interval_start", "interval_end", "rows_loaded", "strategy", "loaded_at", "load_id"]
    values = ["raw.t", datetime(2021, 2, 5, tzinfo=UTC), datetime(2021, 2, 6, tzinfo=UTC), 7, "upsert", AT, "one"]
    if "snapshot_at" in SHAPES[shape]:
        names, values = [*names, "snapshot_at"], [*values, AT]
    places = ", ".join(["%s"] * len(names))
    ends.destination.run(f"INSERT INTO daybook.ledger ({', '.join(names)}) VALUES ({places})", values)


def upgrade(ends: Endpoints, *arguments: str) -> int:
    return main(list(arguments), warehouse=lambda: ends.warehouse)


def version(ends: Endpoints) -> int:
    with ends.warehouse.session() as session:
        return recorded_version(ends.warehouse, session)


@pytest.mark.parametrize(
    ("ends", "shape"),
    [*(("duckdb-folder", shape) for shape in SHAPES), *((one, "without a snapshot") for one in WAREHOUSES[:2])],
    indirect=["ends"],
)
def test_every_shape_is_upgraded_and_keeps_its_rows(
    ends: Endpoints, shape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old_ledger(ends, shape)
    assert upgrade(ends, "--dry-run") == 1
    assert "schema daybook: would be upgraded to version 1" in capsys.readouterr().out
    assert version(ends) == 0
    assert upgrade(ends) == 0
    assert "schema daybook: upgraded to version 1" in capsys.readouterr().out
    assert version(ends) == VERSION
    with ends.warehouse.session() as session:
        (entry,) = Ledger(ends.warehouse).newest(session, "raw.t")
        assert set(ends.warehouse.existing_columns(session, "daybook.ledger")) == set(COLUMNS)
    assert (entry.rows, entry.snapshot_at, entry.checksum) == (7, AT, None)
    assert upgrade(ends, "--dry-run") == upgrade(ends) == 0, "a second time, there is nothing to do"
    assert f"Everything is at Daybook {__version__}" in capsys.readouterr().out
    table = ends.table(load="upsert", key=["id"], cursor="at", interval="day")
    assert ends.load(table, "2021-02-05").rows == 1


@pytest.mark.parametrize("ends", ["duckdb-folder"], indirect=True)
def test_a_schema_that_a_load_cannot_upgrade_names_the_command(ends: Endpoints) -> None:
    old_ledger(ends, "without a snapshot")
    table = ends.table(load="upsert", key=["id"], cursor="at", interval="day")
    with pytest.raises(SchemaOutdated, match=r"daybook.ledger has no column snapshot_at.*`daybook upgrade`"):
        ends.load(table, "2021-02-05")


def test_the_first_load_records_the_version_and_an_older_worker_is_refused_before_it_reads(ends: Endpoints) -> None:
    table = ends.table(load="upsert", key=["id"], cursor="at", interval="day")
    ends.load(table, "2021-02-05")
    assert version(ends) == VERSION
    assert upgrade(ends, "--dry-run") == 0
    with ends.warehouse.session() as session, pytest.MonkeyPatch.context() as newer:
        newer.setattr(schema_version, "__version__", "7.0.0")
        record_version(ends.warehouse, session, 7)
    staged = ends.staged_keys()
    expected = (
        rf"has version 7, from Daybook 7\.0\.0\. This worker has Daybook {__version__}.*pip install -r requirements.txt"
    )
    with pytest.raises(WorkerOutdated, match=expected):
        ends.load(table, "2021-02-06")
    assert ends.staged_keys() == staged
    with pytest.raises(SystemExit, match=expected):
        upgrade(ends)


@pytest.mark.parametrize("ends", ["duckdb-folder"], indirect=True)
def test_migrations_run_in_their_order_and_an_interrupted_one_is_run_again(
    ends: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_ledger(ends, "without checksums")
    ran = list[int]()

    def second(warehouse: object, session: object) -> None:
        ran.append(2)
        if len(ran) == 1:
            raise RuntimeError("the connection is lost")

    step = migrations.Migration(2, "the second", second)
    for module in (migrations, schema_version):
        monkeypatch.setattr(module, "VERSION", 2)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, step))
    with pytest.raises(RuntimeError):
        upgrade(ends)
    assert version(ends) == 1
    assert upgrade(ends) == 0
    assert (version(ends), ran) == (2, [2, 2])


@pytest.mark.parametrize("ends", ["duckdb-folder"], indirect=True)
def test_the_files_of_the_project_follow_the_release(
    ends: Endpoints, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pins = project / "requirements.txt"
    pins.write_text("daybook[redshift]==0.0.9  # ours\npandas==2.2.0\ndaybook-plugin==0.0.9\n")
    (project / "tables" / "schema.json").write_text("{}")
    assert main(["--files-only", "--dry-run"]) == 1
    assert "0.0.9" in pins.read_text()
    assert main(["--files-only"]) == 0
    ours = f"prefect-daybook[redshift]=={__version__}  # ours"
    assert pins.read_text() == f"{ours}\npandas==2.2.0\ndaybook-plugin==0.0.9\n"
    assert "title" in (project / "tables" / "schema.json").read_text()
    assert "tables/schema.json: updated\nrequirements.txt: updated\n" in capsys.readouterr().out
    assert main(["--files-only", "--dry-run"]) == 0
