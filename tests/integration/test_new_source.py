"""A database source is its reader, its types and its checksum: three files, which nothing else names."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine

from daybook.audit.interval_audit import audit
from daybook.definitions.describe import describe
from daybook.errors import SourceError
from daybook.model.interval import Interval
from daybook.sources import database
from daybook.sources.database import readers, url_examples
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of

ROOT = Path(__file__).parents[2]
FILES = ROOT / "tests" / "support" / "sqlite_source"
START = datetime(2021, 2, 5)

pytestmark = pytest.mark.servers  # the fixture `ends` below starts PostgreSQL


class SQLite(Database):
    """A SQLite file, spoken to past Daybook."""

    def __init__(self, path: Path) -> None:
        # an audit asks both sides at the same moment, each in a thread of its own
        self.engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"check_same_thread": False})
        self.url, self.namespace = str(self.engine.url), "main"

    def run(self, sql: str, values: object = ()) -> list[tuple[object, ...]]:
        with self.connection() as connection:
            rows = connection.execute(sql, values).fetchall()
            connection.commit()
            return rows  # type: ignore[no-any-return]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The three files are in the package of the databases."""
    monkeypatch.setattr(database, "__path__", [*database.__path__, str(FILES)])
    yield
    for path in FILES.glob("*.py"):
        sys.modules.pop(f"daybook.sources.database.{path.stem}", None)
        vars(database).pop(path.stem, None)


@pytest.fixture
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """SQLite with twenty answers on each of three days, and PostgreSQL."""
    source = SQLite(tmp_path / "shop.sqlite")
    source.run("CREATE TABLE nps (id integer PRIMARY KEY, created_at datetime, score integer, note text)")
    for number in range(60):
        moment = START + timedelta(days=number // 20, minutes=number)
        note = None if number % 7 == 0 else f'"{number}", é'
        source.run("INSERT INTO nps VALUES (?, ?, ?, ?)", (number, str(moment), number % 11, note))
    with ends_of(source, "postgres-folder", request, tmp_path) as both:
        yield both


def test_its_files_are_counted() -> None:
    assert sorted(path.name for path in FILES.glob("*.py")) == ["sqlite.py", "sqlite_checksum.py", "sqlite_types.py"]
    files = [path for folder in ("daybook", "flows", "blocks") for path in (ROOT / folder).rglob("*.py")]
    files = [path for path in files if "local_stack" not in path.parts]  # Prefect's own database is a SQLite
    assert len(files) > 200
    assert not [str(path) for path in files if "sqlite" in path.read_text(encoding="utf-8").lower()]


def test_without_its_files_it_is_refused(ends: Endpoints) -> None:
    with pytest.raises(SourceError, match=r"is a sqlite database, but Daybook only reads mariadb, mysql, postgresql\."):
        ends.load(ends.table("nps", key=["id"]))


@pytest.mark.usefixtures("installed")
def test_it_is_read_by_every_strategy_and_compared(ends: Endpoints) -> None:
    assert "sqlite" in readers() and "sqlite:///PATH" in url_examples()
    expected = [(number, datetime.fromisoformat(at), score, note) for number, at, score, note in at_source(ends)]
    for load in ("replace_interval", "upsert", "replace"):
        fields = {} if load == "replace" else {"cursor": "created_at", "interval": "day", "start": START.date()}
        table = ends.table("nps", load=load, key=["id"], **fields)
        report = ends.load(table, *(() if load == "replace" else ("2021-02-05", "2021-02-08")))
        assert report.rows == 60
        assert ends.rows(table) == expected
        ends.destination.run(f"DELETE FROM {ends.name(table)} WHERE id = 7")
        if load != "replace":
            days = [_day(number) for number in range(3)]
            found = audit(table, days, ends.warehouse, ends)
            assert [str(one.verdict) for one in found] == ["warehouse altered", "equal", "equal"]
            assert found[0].differences.added_keys == ("id=7",)


@pytest.mark.usefixtures("installed")
def test_its_failures_are_told_in_plain_words(ends: Endpoints) -> None:
    with pytest.raises(SourceError, match="the source has no table 'missing'"):
        ends.load(ends.table("missing", key=["id"]))
    with pytest.raises(SourceError, match="cannot be described"):
        describe(ends, "production", "main.nps")


def at_source(ends: Endpoints) -> list[tuple[int, str, int, str | None]]:
    return ends.source.run("SELECT * FROM nps ORDER BY id")  # type: ignore[union-attr, return-value]


def _day(number: int) -> Interval:
    start = (START + timedelta(days=number)).replace(tzinfo=UTC)
    return Interval(start, start + timedelta(days=1))
