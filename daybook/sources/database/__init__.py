"""`kind: database`: a table, a view or a query of MySQL, MariaDB or PostgreSQL.

Every module in this folder with a constant `URLS` reads databases. It has:

- `URLS`: an example URL of each database, with SQLAlchemy's dialect, the driver, and placeholders for the rest,
- `open_table(connection, config, table)`, which returns the opened `Source`,
- `read_error`, an `ErrorReader` for the exceptions of its driver.

To add a database, add a module.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from daybook.errors import SourceError
from daybook.sources.base import ConnectionProvider, Source, SourceKind
from daybook.sources.database.filters.fragment import PLACEHOLDERS
from daybook.sql.connection import connect
from daybook.yaml_model import OR_NULL

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

#: The two forms of `table:`.
_TABLE: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2}]
}
ZeroDates = Literal["fail", "null"]


def readers() -> dict[str, Any]:
    """Return the module that reads each of SQLAlchemy's dialects, by the dialect's name."""
    return {_dialect(url): module for module in _modules() for url in module.URLS}


def url_examples() -> tuple[str, ...]:
    """Return an example URL of each supported database, with placeholders: `postgresql+psycopg2://USER:…`."""
    return tuple(url for module in _modules() for url in module.URLS)


def _dialect(url: str) -> str:
    return url.partition("://")[0].partition("+")[0]


def _modules() -> list[Any]:
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return [module for module in modules if hasattr(module, "URLS")]


class Config(SourceKind):
    """A table or a query in a database: `source:` of a table file."""

    masks: ClassVar[bool] = True
    audited: ClassVar[bool] = True

    kind: Literal["database"]
    block: str = Field("production", description="The SqlAlchemyConnector block with the credentials.")
    table: Annotated[tuple[str, ...], WithJsonSchema(_TABLE)] = Field(
        default_factory=tuple,
        description="The table: schema.table, or [schema, table] if a name contains a dot. Required without `query`.",
    )
    query: str | None = Field(
        None,
        description="Instead of `table`: one SELECT, whose rows are loaded. {start} and {end} in its WHERE are the "
        "bounds of the interval, in the type of the cursor. They spare the source all other rows.",
    )
    where: str | None = Field(
        None,
        description="A condition in the source's SQL, such as country = 'DE'. Only rows that meet it are loaded, "
        "counted and audited.",
    )
    replica: str | None = Field(
        None,
        description="The block of a replica of the database. Audits read from it, loads do not. While the replica "
        "lags, audits report the latest intervals as `source changed since`.",
    )
    zero_dates: Annotated[ZeroDates, OR_NULL, WithJsonSchema({"enum": [*get_args(ZeroDates), None]})] = Field(
        "fail",
        description="What to do with MySQL's zero dates, such as 0000-00-00 and 2021-00-10, which no warehouse can "
        "store. fail: fail the load. null: load NULL. A row whose cursor is a zero date belongs to no interval: only a "
        "full refresh reads it.",
    )

    @field_validator("table", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        parts = value.split(".") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple) or not 1 <= len(parts) <= 2 or not all(parts):
            raise ValueError("expected schema.table, or [schema, table] if a name contains a dot")
        return tuple(parts)

    @field_validator("query", "where")
    @classmethod
    def _check_sql(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is None:
            return None
        from daybook.sources.database.filters import fragment_parser  # sqlglot takes long to import

        parse = fragment_parser.parse_query if info.field_name == "query" else fragment_parser.parse_where
        return fragment_parser.check(text, parse)

    @model_validator(mode="after")
    def _check_one(self) -> "Config":
        if self.table and self.query is not None:
            raise ValueError("table: and query: exclude each other: keep one of them. A filter of a table is where:")
        if not self.table and self.query is None:
            raise ValueError("table: is missing: add it (schema.table), or query: with a SELECT")
        return self

    def check(self, table: "TableSpec") -> None:
        """Check that a query with placeholders has a cursor. Raise a ValueError if it has not."""
        used = [name for name in PLACEHOLDERS if self.query is not None and name in self.query]
        if used and table.cursor is None:
            raise ValueError(f"source.query: {used[0]} is a bound of the interval, so it needs cursor: and interval:")

    @property
    def filter(self) -> str | None:
        """Return the query and the condition."""
        return "\n".join(text for text in (self.query, self.where) if text is not None) or None

    @property
    def is_filtered(self) -> bool:
        """Return True if the rows are those of a query, or of a table with a condition."""
        return self.query is not None or self.where is not None

    @property
    def title(self) -> str:
        """Return the table as the table file has it, or words for a query, for messages."""
        return ".".join(self.table) or "the query"

    @contextmanager
    def open(self, table: "TableSpec", keys: ConnectionProvider) -> Iterator[Source]:
        """Open a connection with a consistent snapshot, yield the source, and close the connection.

        Raises:
            SourceError: no module reads this kind of database, or the database has no such table.
            DatabaseError: the database failed.
        """
        with self._open(table, keys, self.block) as source:
            yield source

    @contextmanager
    def open_to_audit(self, table: "TableSpec", keys: ConnectionProvider) -> Iterator[Source]:
        """Open the table on the replica, if the table file has one. Raise as `open` does."""
        with self._open(table, keys, self.replica or self.block) as source:
            yield source

    @contextmanager
    def _open(self, table: "TableSpec", keys: ConnectionProvider, block: str) -> Iterator[Source]:
        engine = keys.engine(block)
        supported = readers()
        reader = supported.get(engine.dialect.name)
        if reader is None:
            raise SourceError(
                f"{table.name}: block {block!r} is a {engine.dialect.name} database, but Daybook only reads "
                f"{', '.join(sorted(supported))}. Correct block: in the table file, or the URL in the block"
            )
        with connect(engine, reader.read_error) as connection:
            yield reader.open_table(connection, self, table)
