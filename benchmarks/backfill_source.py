"""The source of the backfill: prod.nps on MariaDB, 400 days of 5,000 answers, and then a day without answers."""

import contextlib
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import make_url

from benchmarks import warehouse
from benchmarks.answers import A_DAY, DAY_ONE, connect, make_answers
from benchmarks.warehouse import Content
from daybook.definitions.table_files import read_table

TABLE = "raw_data.nps"
DAYS = 400
_LINE = "concat(id, '|', created_at, '|', score)"


def first_day() -> date:
    """Return the first day of raw_data.nps, from its table file."""
    start = read_table(TABLE).start
    assert start is not None
    return date(start.year, start.month, start.day)


def day(number: int) -> date:
    """Return a day by its number, from 0. day(DAYS) is the empty day and the exclusive end of the range."""
    return first_day() + timedelta(days=number)


def make_production(url: str) -> str:
    """Create the database `prod` with its table nps on the MariaDB at `url`. Return the URL of that database."""
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE prod CHARACTER SET utf8mb4")
    production = make_url(url).set(database="prod").render_as_string(hide_password=False)
    first = (first_day() - date.fromisoformat(DAY_ONE)).days * A_DAY
    make_answers(production, "nps", first, first + DAYS * A_DAY - 1)
    return production


def require_same(source: str, target: str, days: range) -> None:
    """Exit with a message unless raw_data.nps has exactly the source's rows of these days."""
    span = f"created_at >= '{day(days.start)}' AND created_at < '{day(days.stop)}'"
    with contextlib.closing(connect(source)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), sum(crc32({_LINE})) FROM nps WHERE {span}")
        expected = _content(cursor.fetchone() or (0, 0))
    of_all = f"SELECT count(*), coalesce(sum(crc32(convert_to({_LINE}, 'UTF8'))), 0) FROM {TABLE}"
    found = _content(warehouse.run(target, of_all)[0])
    if found != expected:
        raise SystemExit(f"{TABLE} has {found} after {len(days)} days, but the source has {expected}")


def _content(row: Sequence[int]) -> Content:
    return Content(int(row[0]), int(row[1]))
