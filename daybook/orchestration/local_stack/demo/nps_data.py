"""Generate the demo's prod.nps: answers to "how likely are you to recommend us?", 2,500 a day for 60 days."""

import io
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, DateTime, Index, MetaData, SmallInteger, Table, func, select
from sqlalchemy.schema import CreateSchema

DAYS = 60
ANSWERS_A_DAY = 2500
WEEKDAY_SHARE = (1.15, 1.2, 1.2, 1.15, 1.05, 0.6, 0.65)  # fewer people answer on weekends

NPS = Table(
    "nps",
    MetaData(schema="prod"),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("created_at", DateTime, nullable=False),
    Column("score", SmallInteger, nullable=False),
    Index("nps_created_at", "created_at"),
)


def make_answers(production: Connection, yesterday: date) -> int:
    """Add answers to prod.nps up to and including `yesterday`, a UTC date. Return the number of new rows.

    The table is created if it does not exist. The first call adds 60 days, later calls the days since the last one. A
    day always has the same answers. `production` is a connection to PostgreSQL.
    """
    production.execute(CreateSchema("prod", if_not_exists=True))
    NPS.metadata.create_all(production)
    last_id, last = production.execute(select(func.max(NPS.c.id), func.max(NPS.c.created_at))).one()
    first_day = last.date() + timedelta(days=1) if last else yesterday - timedelta(days=DAYS - 1)
    rows = list(answers(first_day, (yesterday - first_day).days + 1, first_id=(last_id or 0) + 1))
    lines = io.StringIO("".join(f"{row['id']}\t{row['created_at']}\t{row['score']}\n" for row in rows))
    cursor: Any = production.connection.cursor()
    cursor.copy_expert("COPY prod.nps (id, created_at, score) FROM STDIN", lines)  # a tenth of the time of INSERT
    return len(rows)


def answers(first_day: date, days: int, first_id: int) -> Iterator[dict[str, object]]:
    """Yield 2,500 × `days` rows of prod.nps, ordered by `created_at` (UTC, no zone), with ids from `first_id`."""
    calendar = [first_day + timedelta(days=offset) for offset in range(days)]
    total = sum(WEEKDAY_SHARE[day.weekday()] for day in calendar)
    share, made = 0.0, 0
    for day in calendar:
        share += WEEKDAY_SHARE[day.weekday()]
        upto = round(share / total * ANSWERS_A_DAY * days)
        chance = random.Random(day.isoformat())
        moments = sorted(chance.randrange(86_400 * 10**6) for _ in range(upto - made))
        midnight = datetime.combine(day, time())
        for moment, score in zip(moments, _scores(chance, len(moments)), strict=True):
            yield {"id": first_id + made, "created_at": midnight + timedelta(microseconds=moment), "score": score}
            made += 1


def utc_yesterday() -> date:
    """Return the last complete day in UTC."""
    return datetime.now(UTC).date() - timedelta(days=1)


def _scores(chance: random.Random, count: int) -> list[int]:
    """Return the scores of one day, from 0 to 10. The shares of promoters and detractors vary from day to day."""
    promoters = chance.gauss(0.50, 0.03)
    detractors = chance.gauss(0.20, 0.02)
    weights = [detractors * share for share in (0.05, 0.03, 0.05, 0.10, 0.12, 0.25, 0.40)]
    weights += [(1 - promoters - detractors) * share for share in (0.40, 0.60)]
    weights += [promoters * share for share in (0.55, 0.45)]
    return chance.choices(range(11), weights, k=count)
