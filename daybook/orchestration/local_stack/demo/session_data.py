"""Generate the sessions of the demo's shop from November 2024 on: users, channels, times and purchases.

A few hundred users return through several channels. Some buy, some more than once, and some get a refund.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Boolean, Column, Connection, DateTime, Index, Integer, MetaData, String, Table, func, select
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateSchema

FIRST_DAY = date(2024, 11, 1)
SESSIONS_A_DAY = 6
FIRST_USER = 27
CHANNELS = {"Google": 30, "Organic": 22, "Naver": 16, "Youtube": 14, "Instagram": 10, "Facebook": 8}

_PROD = MetaData(schema="prod")
USER_SESSION_CHANNEL = Table(
    "user_session_channel",
    _PROD,
    Column("userid", Integer, nullable=False),
    Column("sessionid", String(32), primary_key=True),
    Column("channel", String(32), nullable=False),
)
SESSION_TIMESTAMP = Table(
    "session_timestamp",
    _PROD,
    Column("sessionid", String(32), primary_key=True),
    Column("ts", DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb"), nullable=False),
    Index("session_timestamp_ts", "ts"),
)
SESSION_TRANSACTION = Table(
    "session_transaction",
    _PROD,
    Column("sessionid", String(32), nullable=False, index=True),
    Column("refunded", Boolean, nullable=False),
    Column("amount", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Session:
    """One visit of a user. `ts` is in UTC without a zone. `bought` has (refunded, amount) for each transaction."""

    userid: int
    sessionid: str
    channel: str
    ts: datetime
    bought: tuple[tuple[bool, int], ...]


def make_sessions(production: Connection, yesterday: date) -> int:
    """Add sessions to the three tables up to and including `yesterday`. Return the number of new sessions.

    The tables are created if they do not exist. Later calls add the days since the last one. A day always has the same
    sessions.
    """
    production.execute(CreateSchema("prod", if_not_exists=True))
    _PROD.create_all(production)
    last = production.scalar(select(func.max(SESSION_TIMESTAMP.c.ts)))
    first_day = last.date() + timedelta(days=1) if last else FIRST_DAY
    made = list(sessions(first_day, (yesterday - first_day).days + 1))
    bought = [
        {"sessionid": session.sessionid, "refunded": refunded, "amount": amount}
        for session in made
        for refunded, amount in session.bought
    ]
    for table, rows in (
        (USER_SESSION_CHANNEL, [_row(session, "userid", "sessionid", "channel") for session in made]),
        (SESSION_TIMESTAMP, [_row(session, "sessionid", "ts") for session in made]),
        (SESSION_TRANSACTION, bought),
    ):
        if rows:
            production.execute(table.insert(), rows)
    return len(made)


def sessions(first_day: date, days: int) -> Iterator[Session]:
    """Yield the sessions of these days, ordered by `ts`: about six a day, and more over the years."""
    for day in (first_day + timedelta(days=offset) for offset in range(days)):
        chance = random.Random(f"sessions of {day}")
        age = (day - FIRST_DAY).days
        count = max(1, round(chance.gauss(SESSIONS_A_DAY * (0.7 + age / 1200), 1.5)))
        midnight = datetime.combine(day, time())
        for number, moment in enumerate(sorted(chance.randrange(86_400 * 10**3) for _ in range(count))):
            userid = FIRST_USER + int(chance.triangular(0, 60 + age * 0.6, age * 0.5))
            yield Session(
                userid,
                hashlib.md5(f"{day} {number}".encode(), usedforsecurity=False).hexdigest(),
                _channel(chance, userid),
                midnight + timedelta(milliseconds=moment),
                tuple(_bought(chance)),
            )


def _channel(chance: random.Random, userid: int) -> str:
    """Return a channel: half of the time the user's favourite, or else any."""
    favourite = random.Random(userid).choices(list(CHANNELS), list(CHANNELS.values()))[0]
    return favourite if chance.random() < 0.5 else chance.choices(list(CHANNELS), list(CHANNELS.values()))[0]


def _bought(chance: random.Random) -> Iterator[tuple[bool, int]]:
    """Yield the purchases of a visit: none in seven of ten visits, or else one to three. One in eight is refunded."""
    if chance.random() < 0.3:
        for _ in range(chance.choices((1, 2, 3), (80, 15, 5))[0]):
            yield chance.random() < 0.125, round(chance.lognormvariate(3.8, 0.6)) + 3


def _row(session: Session, *names: str) -> dict[str, object]:
    return {name: getattr(session, name) for name in names}
