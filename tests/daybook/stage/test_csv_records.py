"""The line in a warehouse's error leads to the row, compared with the line that PostgreSQL's COPY reports."""

import contextlib
import re

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from daybook.errors import StageError
from daybook.stage.base import Stage
from daybook.stage.manifest import Manifest
from daybook.stage.parts import PartsReader, find_row
from tests.support.csv_rows import Row, chunk, staged

TEXTS = [
    "plain",
    "",
    "two\nlines",
    "three\n\nlines",
    'quoted "\n"',
    "old\rmac",
    "dos\r\nlines\r\n",
    "\n",
    "\r",
    "é\n😀",
]


def copy(url: str, stage: Stage, manifest: Manifest) -> None:
    """Copy the parts into a temporary table of (id integer, comment text)."""
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with contextlib.closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE t (id integer, comment text)")
        with PartsReader(stage, manifest) as reader:
            cursor.copy_expert("COPY t FROM STDIN (FORMAT csv)", reader)
        cursor.execute("SELECT id::text, comment FROM t")
        assert len(cursor.fetchall()) == manifest.rows


def reported_line(url: str, stage: Stage, manifest: Manifest) -> int:
    with pytest.raises(psycopg2.errors.InvalidTextRepresentation) as refused:
        copy(url, stage, manifest)
    found = re.search(r"COPY t, line (\d+), column id", refused.value.diag.context or "")
    assert found
    return int(found[1])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=8),
    data=st.data(),
    part_bytes=st.sampled_from([1, 2**20]),
)
def test_the_line_that_postgresql_reports(
    stage: Stage, postgres_url: str, texts: list[str], data: st.DataObject, part_bytes: int
) -> None:
    wrong = data.draw(st.integers(0, len(texts) - 1))
    rows = [[f"{number}x" if number == wrong else str(number), text] for number, text in enumerate(texts)]
    manifest = staged(stage, *(chunk(row) for row in rows), part_bytes=part_bytes)
    assert find_row(stage, manifest, reported_line(postgres_url, stage, manifest)) == rows[wrong]


def test_rows_that_postgresql_accepts_are_copied(stage: Stage, postgres_url: str) -> None:
    manifest = staged(stage, *(chunk([str(number), text]) for number, text in enumerate(TEXTS * 100)), part_bytes=1_000)
    copy(postgres_url, stage, manifest)


def test_the_reader_keeps_the_error_that_psycopg2_loses(stage: Stage, postgres_url: str) -> None:
    manifest = staged(stage, chunk(["1", "x"]))
    stage.delete(manifest.parts[0].key)
    dsn = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with contextlib.closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE t (id integer, comment text)")
        reader = PartsReader(stage, manifest)
        with pytest.raises(psycopg2.errors.QueryCanceled):
            cursor.copy_expert("COPY t FROM STDIN (FORMAT csv)", reader)
        assert "part-00001" in str(reader.error)


def test_every_line_of_a_part(stage: Stage) -> None:
    rows: list[Row] = [[str(number), text] for number, text in enumerate(TEXTS * 2)]
    first, second = chunk(*rows[:9]), chunk(*rows[9:])
    manifest = staged(stage, first, second, part_bytes=1)
    key_of_row = [part.key for part in manifest.parts for _ in range(part.rows)]
    line: dict[str, int] = {}
    for row, part in zip(rows, key_of_row, strict=True):
        for _ in range(1 + str(row[1]).count("\n")):
            line[part] = line.get(part, 0) + 1
            assert find_row(stage, manifest, line[part], part) == row
    for part, last in line.items():
        with pytest.raises(StageError, match=f"{part} has no line {last + 1}"):
            find_row(stage, manifest, last + 1, part)


def test_a_line_in_a_missing_part(stage: Stage) -> None:
    with pytest.raises(StageError, match="elsewhere has no line 1"):
        find_row(stage, staged(stage, chunk(["1", "x"])), 1, "elsewhere")


def test_a_row_with_a_very_long_field_is_found(stage: Stage) -> None:
    long = "\n".join(["long"] * 200_000)
    manifest = staged(stage, chunk(["1", "x"], ["2", long], ["3", "y"]))
    assert find_row(stage, manifest, 200_002) == ["3", "y"]
    assert find_row(stage, manifest, 100_000) == ["2", long]
    assert find_row(stage, manifest, 1) == ["1", "x"]
