"""Generate the rows to load: answers in the source, a MariaDB. They are the same on every machine."""

import contextlib

import pymysql
from sqlalchemy import make_url

DAY_ONE = "2019-01-01"
A_DAY = 5000  # row n is from day n // A_DAY after DAY_ONE
SECONDS_APART = 86400 / A_DAY

_COMMENTS = (
    (
        "Quick help when I needed it",
        "The invoice came twice",
        'My colleague said "buy it", and she was right',
        "Pas mal, mais trop cher",
        "Loading takes\ntoo long",
        "Nothing to complain about",
        "Ich würde es wieder kaufen",
        "The path C:\\data\tdid not work",
    ),
    (
        "the search finds what I mean",
        "the app forgets my settings",
        "prices went up again",
        "the new report saves me an hour a week",
        "I wish there were an export",
        "on my phone the buttons are too small",
        "👍🎉",
    ),
    (
        "please call me back about order ",
        "support answered within the day, ticket ",
        "we shall stay for another year, contract ",
        "I would not recommend it yet, see ",
        "thanks to everybody who built this, number ",
    ),
)


def make_answers(url: str, table: str, first: int, last: int, *, other_scores: bool = False) -> None:
    """Create `table` in the MariaDB database at `url`, with the rows `first` to `last` and an index on created_at.

    Three in ten comments are NULL, one is empty, and the others have characters that CSV must quote. A row has 117
    bytes of CSV. `other_scores` gives every row a different score.
    """
    made = f"TIMESTAMP '{DAY_ONE} 00:00:00' + INTERVAL FLOOR(seq * {SECONDS_APART}) SECOND"
    comment = ", '. ', ".join(
        f"ELT(1 + FLOOR(seq * {step}) %% {len(choice)}, {', '.join(['%s'] * len(choice))})"
        for step, choice in zip((0.618, 0.414, 0.732), _COMMENTS, strict=True)
    )
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, created_at DATETIME NOT NULL, score TINYINT NOT NULL, "
            "user_id BIGINT NOT NULL, comment VARCHAR(500), modified DATETIME NOT NULL)"
        )
        cursor.execute(
            f"INSERT INTO {table} SELECT seq, {made}, (seq * 7 + {int(other_scores)}) %% 11, "
            "seq * 48271 %% 2147483647, "
            f"CASE WHEN seq %% 10 < 3 THEN NULL WHEN seq %% 10 = 3 THEN '' ELSE CONCAT({comment}, seq) END, "
            f"{made} + INTERVAL seq * 31 %% 90000 SECOND FROM seq_{first}_to_{last}",
            [text for choice in _COMMENTS for text in choice],
        )
        cursor.execute(f"CREATE INDEX {table}_created_at ON {table} (created_at)")


def connect(url: str) -> pymysql.Connection:
    """Return a connection in autocommit mode to the MariaDB database at `url`, a SQLAlchemy URL."""
    parts = make_url(url)
    assert parts.username and parts.password and parts.port
    return pymysql.connect(
        host=parts.host,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        database=parts.database,
        autocommit=True,
    )
