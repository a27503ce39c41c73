"""Where Redshift keeps the rows of loaded tables and of summaries: applied, compared, changed on request."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daybook.cli.layout import main
from daybook.definitions.table import Table
from daybook.errors import BuildFailed, TableFileError
from daybook.warehouses.redshift import stored_layout
from tests.support.source_and_warehouse import Database, Endpoints
from tests.support.source_warehouse_fixtures import ends_of, source_database
from tests.support.summary_cli import Desk

pytestmark = pytest.mark.servers

LAYOUT = {"distkey": "id", "sortkey": ["word", "id"], "encode": {"word": "zstd", "score": "raw"}}
FILE = """\
description: Things.
owner: tests
key: [id]
load: replace
source: {{kind: database, block: production, table: public.things}}
redshift: {layout}
"""
SUMMARY = "description: Joined.\nowner: tests\nkey: [id]\n"


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Iterator[Database]:
    with source_database("postgres", request) as database:
        database.run("CREATE TABLE things (id int PRIMARY KEY, at timestamp, score smallint, word varchar(20))")
        database.insert("things", [(n, f"2021-02-0{5 + n // 3} 01:00:00", n, f"word {n}") for n in range(6)])
        yield database


@pytest.fixture
def ends(source: Database, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    with ends_of(source, "redshift-s3", request, tmp_path) as both:
        yield both


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with ends_of(None, "redshift-s3", request, tmp_path) as both:
        yield Desk(both, both.destination.namespace)


def columns(database: Database, name: str) -> dict[str, tuple[str, bool, int]]:
    rows = database.run(
        "SELECT column_name, encoding, distkey, sortkey FROM svv_redshift_columns "
        "WHERE schema_name = %s AND table_name = %s",
        name.split("."),
    )
    return {column: rest for column, *rest in rows}  # type: ignore[misc]


def style(database: Database, name: str) -> tuple[str, str | None]:
    sql = 'SELECT diststyle, sortkey1 FROM svv_table_info WHERE "schema" = %s AND "table" = %s'
    return database.run(sql, name.split("."))[0]  # type: ignore[return-value]


def show(ends: Endpoints, folder: Path, capsys: pytest.CaptureFixture[str], layout: str, *arguments: str) -> list[str]:
    """Return the lines of `daybook layout` for the table with this layout in its file."""
    schema = folder / ends.destination.namespace
    schema.mkdir(parents=True, exist_ok=True)
    (schema / "things.yaml").write_text(FILE.format(layout=layout), encoding="utf-8")
    main([f"{ends.destination.namespace}.things", *arguments], warehouse=lambda: ends.warehouse, folder=folder)
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("load", ["replace", "upsert", pytest.param("replace_interval", marks=pytest.mark.full)])
def test_a_load_creates_the_table_with_it(ends: Endpoints, load: str) -> None:
    intervals = {} if load == "replace" else {"cursor": "at", "interval": "day"}
    table = ends.table(load=load, key=["id"], redshift=LAYOUT, **intervals)
    for _ in range(2):
        ends.load(table)
    assert columns(ends.destination, table.name) == {
        "id": ["none", True, 2],
        "at": ["az64", False, 0],
        "score": ["none", False, 0],
        "word": ["zstd", False, 1],
    }
    assert style(ends.destination, table.name) == ("KEY(id)", "word")
    assert len(ends.rows(table)) == 6


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (None, ("AUTO(EVEN)", "at")),
        ({"diststyle": "all"}, ("ALL", "at")),
        ({"diststyle": "even", "sortkey": "none"}, ("EVEN", None)),
        ({"sortkey": "auto"}, ("AUTO(EVEN)", "AUTO(SORTKEY)")),
        ({"sortkey": ["at", "id"], "sort_type": "interleaved"}, ("AUTO(EVEN)", "INTERLEAVED")),
        ({"distkey": "ID", "sortkey": "WORD"}, ("KEY(id)", "word")),
    ],
)
def test_the_default_and_each_style(ends: Endpoints, layout: Any, expected: tuple[str, str | None]) -> None:
    table = ends.table(load="upsert", key=["id"], cursor="at", interval="day", redshift=layout)
    ends.load(table)
    assert style(ends.destination, table.name) == expected


def test_a_column_that_the_table_lacks_is_found_before_a_row_is_read(ends: Endpoints) -> None:
    table = ends.table(key=["id"], redshift={"distkey": "wrod"})
    with pytest.raises(TableFileError, match=r"redshift.distkey names 'wrod', but .*; did you mean 'word'\?"):
        ends.load(table)
    assert ends.staged_keys() == []


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ({"encode": {"word": "az64"}}, "encode gives 'word' az64, but a varchar supports only raw, bytedict, lzo"),
        ({"encode": {"Score": "text255"}}, "encode gives 'Score' text255, but a smallint supports only raw, az64"),
        ({"distkey": "doc"}, "distkey names 'doc', but a super cannot be part of a key"),
        ({"sortkey": ["id", "doc"]}, "sortkey names 'doc', but a super cannot be part of a key"),
    ],
)
def test_a_type_that_does_not_support_it_is_found_before_a_row_is_read(ends: Endpoints, layout: Any, said: str) -> None:
    ends.source.run("ALTER TABLE things ADD doc jsonb")  # type: ignore[union-attr]
    with pytest.raises(TableFileError, match=f"redshift.{said}"):
        ends.load(ends.table(key=["id"], redshift=layout))
    assert ends.staged_keys() == []


def test_a_column_that_a_load_adds_has_its_encoding(ends: Endpoints) -> None:
    table = ends.table(key=["id"], on_new_column="add", redshift={"encode": {"colour": "bytedict"}})
    with pytest.raises(TableFileError, match="colour"):
        ends.load(table)
    ends.load(ends.table(key=["id"]))
    ends.source.run("ALTER TABLE things ADD colour varchar(9)")  # type: ignore[union-attr]
    ends.load(table)
    assert columns(ends.destination, table.name)["colour"] == ["bytedict", False, 0]


def test_a_wrong_file_does_not_hide_the_others(
    ends: Endpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends.load(ends.table(key=["id"]))
    show(ends, tmp_path, capsys, "{distkey: id}")
    schema = tmp_path / ends.destination.namespace
    (schema / "a.yaml").write_text(FILE.format(layout="{distkeys: id}"), encoding="utf-8")
    ends.destination.run(f"CREATE TABLE {ends.destination.namespace}.b (id int)")
    (schema / "b.yaml").write_text(FILE.format(layout="{distkey: gone}"), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main([], warehouse=lambda: ends.warehouse, folder=tmp_path)
    printed = capsys.readouterr().out
    assert ended.value.code == 1
    assert "unknown field; did you mean 'distkey'?" in printed and "redshift.distkey names 'gone'" in printed
    assert "differs from its file" in printed


def test_another_warehouse_ignores_it(
    source: Database, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with ends_of(source, "postgres-folder", request, tmp_path) as ends:
        ends.load(ends.table(key=["id"], redshift=LAYOUT))
        shown = show(ends, tmp_path, capsys, "{distkey: id}")
    assert shown == ["PostgreSQL has no layouts, so it ignores redshift: in the files"]


def test_the_command_shows_the_difference_and_changes_it(
    ends: Endpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = ends.table(key=["id"])
    quoted = ends.name(table)
    assert "does not exist yet" in show(ends, tmp_path, capsys, "{distkey: id}")[1]
    ends.load(table)
    before = columns(ends.destination, table.name)
    layout = "{distkey: id, sortkey: [word, id], encode: {word: zstd}}"
    wanted = [
        f'ALTER TABLE {quoted} ALTER COMPOUND SORTKEY ("word", "id")',
        f'ALTER TABLE {quoted} ALTER DISTSTYLE KEY DISTKEY "id"',
        f'ALTER TABLE {quoted} ALTER COLUMN "word" ENCODE zstd',
    ]
    shown = show(ends, tmp_path, capsys, layout)
    assert [line for line in shown if "ALTER" in line] == [f"differs from its file: {sql}" for sql in wanted]
    assert columns(ends.destination, table.name) == before
    shown = show(ends, tmp_path, capsys, layout, "--apply")
    assert [line for line in shown if "ALTER" in line] == [f"changed: {sql}" for sql in wanted]
    assert style(ends.destination, table.name) == ("KEY(id)", "word")
    assert {"distkey: id", "sortkey: word, id"} <= set(shown)
    assert not [line for line in show(ends, tmp_path, capsys, layout, "--apply") if "ALTER" in line]
    ends.load(ends.table(key=["id"], redshift=LAYOUT))


@pytest.mark.parametrize(
    ("before", "layout", "expected"),
    [
        ("DISTSTYLE ALL", "{diststyle: auto}", ["DISTSTYLE AUTO"]),
        ("DISTKEY (id)", "{diststyle: even}", ["DISTSTYLE EVEN"]),
        ("SORTKEY (id)", "{sortkey: none}", ["SORTKEY NONE"]),
        ("SORTKEY (id)", "{sortkey: auto}", ["SORTKEY AUTO"]),
        ("SORTKEY (id)", "{sortkey: id}", []),
        ("INTERLEAVED SORTKEY (id, score)", "{sortkey: [id, score]}", ['COMPOUND SORTKEY ("id", "score")']),
        ("INTERLEAVED SORTKEY (id, score)", "{sortkey: [id, score], sort_type: interleaved}", []),
        ("DISTKEY (id) SORTKEY (score)", "{}", []),
    ],
)
def test_each_change(
    ends: Endpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, layout: str, expected: list[str]
) -> None:
    table = ends.table(key=["id"])
    ends.destination.run(f"CREATE TABLE {ends.name(table)} (id int, score int) {before}")
    ends.destination.run(f"INSERT INTO {ends.name(table)} VALUES (1, 1)")
    for again in (False, True):
        shown = show(ends, tmp_path, capsys, layout, "--apply")
        changed = [line.partition('things" ALTER ')[2] for line in shown if line.startswith("changed")]
        assert changed == ([] if again else expected)


def test_what_no_alter_can_do_is_said(ends: Endpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = ends.table(key=["id"])
    ends.destination.run(f"CREATE TABLE {ends.name(table)} (id int, score int) SORTKEY (id)")
    shown = show(ends, tmp_path, capsys, "{sortkey: [id, score], sort_type: interleaved}", "--apply")
    assert any("warning: no ALTER makes a sort key interleaved" in line for line in shown)
    ends.destination.run(f"DROP TABLE {ends.name(table)}")
    ends.destination.run(f"CREATE TABLE {ends.name(table)} (id int, score int) INTERLEAVED SORTKEY (id, score)")
    shown = show(ends, tmp_path, capsys, "{distkey: id, sortkey: [id, score], sort_type: interleaved}", "--apply")
    assert any("interleaved sort key keeps its distribution" in line for line in shown)


def test_warnings(ends: Endpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw, table = ends.destination.namespace, ends.table(key=["id"], redshift={"distkey": "score"})
    ends.load(table)
    (tmp_path / raw).mkdir()
    (tmp_path / raw / "joined.yaml").write_text(SUMMARY, encoding="utf-8")
    joined = f"select t.id from {raw}.things t join {raw}.others o on o.thing_id = t.id"
    (tmp_path / raw / "joined.sql").write_text(joined, encoding="utf-8")
    (warning,) = [line for line in show(ends, tmp_path, capsys, "{distkey: score}") if "warning" in line]
    assert warning.startswith(f"warning: {raw}.joined joins it on id, but its rows are distributed by score")
    assert warning.endswith("try distkey: id")
    ends.destination.run(f"SELECT redshift_standin.set_health('{table.name}', 4.01, 20.5)")
    skew, unsorted = [line for line in show(ends, tmp_path, capsys, "{distkey: id}", "--apply") if "warning" in line]
    assert "skew_rows is 4.01" in skew and "20.5 % of the rows are unsorted" in unsorted
    with ends.warehouse.session() as session:
        session.run(unsorted[unsorted.index("VACUUM") :])
    ends.destination.run(f"SELECT redshift_standin.set_health('{table.name}', 4, 20)")
    assert not [line for line in show(ends, tmp_path, capsys, "{distkey: id}") if "warning" in line]


def test_a_user_who_may_not_read_the_statistics(
    ends: Endpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only superusers may read svv_table_info. The emulator has one user, who may."""
    monkeypatch.setattr(stored_layout, "_MAY_READ_INFO", "SELECT has_table_privilege('pg_authid', 'select')")
    table = ends.table(key=["id"], redshift={"distkey": "id"})
    ends.load(table)
    shown = show(ends, tmp_path, capsys, "{distkey: id, sortkey: auto}")
    (warning,) = [line for line in shown if "warning" in line]
    assert warning.startswith("warning: skew and unsorted rows are unknown") and "sortkey: none or auto" in shown
    ends.destination.run(warning[warning.index("GRANT") :])


# --- summaries -----------------------------------------------------------------------------------------------------


def answers(desk: Desk) -> None:
    desk.run("CREATE TABLE {raw}.answers (id int, at timestamp, score int) DISTKEY (score) SORTKEY (score)")
    desk.answer((1, "2021-02-05 01:00:00", 5), (2, "2021-02-06 01:00:00", 7), load="2021-02-05", until="2021-02-07")


def test_a_summary_has_the_layout_of_its_file(desk: Desk) -> None:
    answers(desk)
    sql = "select id, at, score, 'x'::varchar(9) as word from {raw}.answers"
    layout = {"distkey": "id", "sortkey": ["word", "at"], "encode": {"score": "zstd"}}
    desk.build(desk.summary("named", sql, key=["id"], redshift=layout))
    assert columns(desk.database, f"{desk.raw}.named") == {
        "id": ["az64", True, 0],
        "at": ["none", False, 2],
        "score": ["zstd", False, 0],
        "word": ["none", False, 1],
    }


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (None, ("AUTO(EVEN)", "AUTO(SORTKEY)")),
        ({"sortkey": "none", "diststyle": "all"}, ("ALL", None)),
        ({"sortkey": "auto", "diststyle": "even"}, ("EVEN", "AUTO(SORTKEY)")),
        (
            {"sortkey": ["score", "id"], "sort_type": "interleaved", "encode": {"id": "zstd"}},
            ("AUTO(EVEN)", "INTERLEAVED"),  # no ALTER can encode its columns
        ),
    ],
)
def test_a_summary_does_not_inherit_keys(desk: Desk, layout: Any, expected: tuple[str, str | None]) -> None:
    """CREATE TABLE AS picks keys by its plan: here, those of the input."""
    answers(desk)
    desk.build(desk.summary("plain", "select id, score from {raw}.answers", key=["id"], redshift=layout))
    found = style(desk.database, f"{desk.raw}.plain")
    assert found[0] == expected[0]
    assert found[1] in (expected[1], "AUTO(SORTKEY(score))")


def test_the_cursor_of_a_summary_is_its_sort_key(desk: Desk) -> None:
    answers(desk)
    summary = desk.summary()
    desk.build(summary)
    assert style(desk.database, summary.name) == ("AUTO(EVEN)", "day")


def test_a_column_that_a_summary_does_not_return(desk: Desk) -> None:
    answers(desk)
    with pytest.raises(TableFileError, match=r"redshift.sortkey names 'scores', but .*; did you mean 'score'\?"):
        desk.build(desk.summary("s", "select id, score from {raw}.answers", key=["id"], redshift={"sortkey": "scores"}))


@pytest.mark.parametrize("layout", [None, {"distkey": "score", "sortkey": ["score", "id"]}, {"sortkey": "auto"}])
def test_a_summary_changes_the_columns_of_its_keys(desk: Desk, layout: Any) -> None:
    """The swap drops a column of a key, and gives another one a new type, also if keys were made by hand or by AUTO."""
    answers(desk)
    texts = [
        "select id, score, at from {raw}.answers",
        "select id, score::bigint as score, at from {raw}.answers",
        "select id::varchar(9) as id, at from {raw}.answers",
    ]
    for number, text in enumerate(texts):
        fields = {"redshift": layout} if number < 2 else {}
        desk.build(desk.summary("s", text, key=["id"], **fields), full_refresh=True)
        if number == 0 and layout is None:
            desk.run("ALTER TABLE {raw}.s ALTER DISTKEY score")
            desk.run("ALTER TABLE {raw}.s ALTER SORTKEY (at, score)")
            desk.run("ALTER TABLE {raw}.s ALTER SORTKEY AUTO")
        if number == 1 and layout and "distkey" in layout:
            found = {name: rest[1:] for name, rest in columns(desk.database, f"{desk.raw}.s").items() if any(rest[1:])}
            assert found == {"score": [True, 1], "id": [False, 2]}
    assert len(desk.rows("s")) == 2
    assert set(columns(desk.database, f"{desk.raw}.s")) == {"id", "at"}


def test_a_failed_build_keeps_the_keys(desk: Desk) -> None:
    answers(desk)
    first = desk.summary("s", "select id, score from {raw}.answers", key=["id"], redshift={"distkey": "score"})
    desk.build(first)
    before = columns(desk.database, first.name), desk.rows("s")
    with pytest.raises(BuildFailed):
        desk.build(desk.summary("s", "select id, 'x'::int as score from {raw}.answers", key=["id"]), full_refresh=True)
    assert (columns(desk.database, first.name), desk.rows("s")) == before


def test_the_layout_is_not_part_of_a_tables_version() -> None:
    """Another layout does not load a table again whose source has not changed."""
    from daybook.load.extraction.source_version import _fingerprint

    given: dict[str, Any] = {"name": "a.b", "description": "x", "owner": "x", "load": "replace"}
    source = {"kind": "csv", "url": "https://example.com/x.csv"}
    assert _fingerprint(Table(**given, source=source)) == _fingerprint(
        Table(**given, source=source, redshift={"diststyle": "all"})
    )
