"""The tables that a full refresh reads: nps in MariaDB and in PostgreSQL, narrow and wide, and its later contents.

Each content is a table of its own, which is renamed to nps. So the source is the same in each round, and no update has
just left it with old versions of its rows.
"""

import contextlib
from dataclasses import dataclass
from typing import Literal, get_args

from benchmarks import warehouse
from benchmarks.answers import connect, make_answers
from benchmarks.servers import Addresses
from benchmarks.warehouse import Content
from benchmarks.way_job import Job
from benchmarks.way_pipe import copy
from benchmarks.ways import pipe_options

Engine = Literal["mariadb", "postgres"]
Shape = Literal["narrow", "wide"]
State = Literal["first", "unchanged", "some changed", "all changed"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
SHAPES: tuple[Shape, ...] = get_args(Shape)
STATES: tuple[State, ...] = get_args(State)
TABLE = "nps"

_COLUMNS = {
    "id": "bigint NOT NULL",
    "created_at": "timestamp",
    "score": "smallint",
    "user_id": "bigint",
    "comment": "varchar(500)",
    "modified": "timestamp",
}
_CHANGED = {"first": 0, "unchanged": 0, "some changed": 100, "all changed": 1}


def columns(shape: Shape) -> dict[str, str]:
    """Return the columns of the loaded table, with their types."""
    return {name: _COLUMNS[name] for name in list(_COLUMNS)[: 3 if shape == "narrow" else None]}


@dataclass
class Source:
    """The table nps of one engine, in one shape and of one size."""

    addresses: Addresses
    engine: Engine
    shape: Shape
    rows: int
    contents: dict[int, dict[int | None, Content]]
    """The content for each way to change it, of all rows (None) and of the first rows."""
    _now: int | None = None

    @property
    def url(self) -> str:
        """Return the SQLAlchemy URL of its database."""
        return self.addresses.source if self.engine == "mariadb" else self.addresses.postgres

    def become(self, state: State) -> None:
        """Give nps the rows of this state."""
        wanted = _CHANGED[state]
        if wanted != self._now:
            renames = [(_name(wanted), TABLE)]
            if self._now is not None:
                renames.insert(0, (TABLE, _name(self._now)))
            self._execute(*(f"ALTER TABLE {name} RENAME TO {other}" for name, other in renames))
            self._now = wanted

    def content(self, state: State, rows: int | None = None) -> Content:
        """Return the content of a state, or of its first `rows` rows."""
        return self.contents[_CHANGED[state]][rows]

    def drop(self) -> None:
        """Drop all tables."""
        self._execute(*(f"DROP TABLE IF EXISTS {name}" for name in (TABLE, *map(_name, self.contents))))

    def _execute(self, *statements: str) -> None:
        if self.engine == "postgres":
            warehouse.run(self.url, *statements)
            return
        with contextlib.closing(connect(self.url)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def make_source(
    addresses: Addresses, engine: Engine, shape: Shape, rows: int, states: tuple[State, ...], sizes: set[int | None]
) -> Source:
    """Create the tables for these states, and return the source. `sizes` are the numbers of rows to compare later."""
    contents: dict[int, dict[int | None, Content]] = {}
    for changed in dict.fromkeys(_CHANGED[state] for state in states):
        name = _name(changed)
        make_answers(addresses.source, name, 1, rows, changed=changed, narrow=shape == "narrow")
        contents[changed] = {
            size: warehouse.source_content(addresses.source, name, where(size), columns(shape)) for size in sizes
        }
        if engine == "postgres":
            _copy(addresses, name, shape)
    source = Source(addresses, engine, shape, rows, contents)
    source.become(states[0])
    return source


def where(rows: int | None) -> str:
    """Return the SQL condition for the first `rows` rows, or for all of them."""
    return "true" if rows is None else f"id <= {rows}"


def _copy(addresses: Addresses, name: str, shape: Shape) -> None:
    """Move a table from MariaDB to PostgreSQL."""
    defined = ", ".join(f"{column} {kind}" for column, kind in columns(shape).items())
    warehouse.run(addresses.postgres, f"CREATE TABLE {name} ({defined})")
    job = Job(
        addresses.source,
        addresses.postgres,
        name,
        "public",
        tuple(columns(shape)),
        "",
        (),
        folder=addresses.folder,
        table=name,
        options=pipe_options(),
    )
    copy(job, job.target)
    statements = [statement.format(table=name) for statement in warehouse.KEY_AND_INDEX]
    warehouse.run(addresses.postgres, *statements, f"VACUUM ANALYZE {name}")
    with contextlib.closing(connect(addresses.source)) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {name}")


def _name(changed: int) -> str:
    return f"nps_{changed}"
