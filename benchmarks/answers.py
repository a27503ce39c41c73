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


def make_answers(url: str, table: str, first: int, last: int, *, changed: int = 0, narrow: bool = False) -> None:
    """Create `table` in the MariaDB database at `url`, with the rows `first` to `last` and an index on created_at.

    Three in ten comments are NULL, one is empty, and the others have characters that CSV must quote. A row has 117
    bytes of CSV. Every `changed`th row has another score than without `changed`. A `narrow` table has only the columns
    id, created_at and score, and 31 bytes a row.
    """
    made = f"TIMESTAMP '{DAY_ONE} 00:00:00' + INTERVAL FLOOR(seq * {SECONDS_APART}) SECOND"
    comment = ", '. ', ".join(
        f"ELT(1 + FLOOR(seq * {step}) %% {len(choice)}, {', '.join(['%s'] * len(choice))})"
        for step, choice in zip((0.618, 0.414, 0.732), _COMMENTS, strict=True)
    )
    columns = {
        "id": ("BIGINT PRIMARY KEY", "seq"),
        "created_at": ("DATETIME NOT NULL", made),
        "score": ("TINYINT NOT NULL", f"(seq * 7 + {f'(seq %% {changed} = 0)' if changed else 0}) %% 11"),
    }
    if not narrow:
        comment = f"CASE WHEN seq %% 10 < 3 THEN NULL WHEN seq %% 10 = 3 THEN '' ELSE CONCAT({comment}, seq) END"
        columns |= {
            "user_id": ("BIGINT NOT NULL", "seq * 48271 %% 2147483647"),
            "comment": ("VARCHAR(500)", comment),
            "modified": ("DATETIME NOT NULL", f"{made} + INTERVAL seq * 31 %% 90000 SECOND"),
        }
    texts = [] if narrow else [text for choice in _COMMENTS for text in choice]
    defined = ", ".join(f"{name} {kind}" for name, (kind, _) in columns.items())
    values = ", ".join(value for _, value in columns.values())
    with contextlib.closing(connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} ({defined})")
        # An empty list of parameters still turns %% into %
        cursor.execute(f"INSERT INTO {table} SELECT {values} FROM seq_{first}_to_{last}", texts)
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
