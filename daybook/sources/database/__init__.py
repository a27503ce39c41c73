"""`kind: database`: a table or a view of MySQL, MariaDB or PostgreSQL."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, WithJsonSchema, field_validator

from daybook.errors import SourceError
from daybook.sources.base import ConnectionProvider, Source, SourceKind
from daybook.sql.connection import connect

if TYPE_CHECKING:
    from daybook.model.table_spec import TableSpec

#: SQLAlchemy's name of a dialect: the module here that speaks it.
DIALECTS = {"mysql": "mysql", "mariadb": "mysql", "postgresql": "postgresql"}
#: What a person may write for a table.
_TABLE: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2}]
}


class Config(SourceKind):
    """What a table file says of a table in a database."""

    masks: ClassVar[bool] = True
    audited: ClassVar[bool] = True

    kind: Literal["database"]
    block: str = Field("production", description="The SqlAlchemyConnector block with the credentials.")
    table: Annotated[tuple[str, ...], WithJsonSchema(_TABLE)] = Field(
        description="The table: schema.table, or [schema, table] where a name holds a dot."
    )
    replica: str | None = Field(
        None,
        description="The block of a replica of that database, from which an audit reads; loads never do. While it lags "
        "behind, the intervals that were loaded lately are told as `source changed since`.",
    )
    zero_dates: Literal["fail", "null"] = Field(
        "fail", description="What becomes of MySQL's 0000-00-00, which no warehouse can hold: stop, or NULL."
    )

    @field_validator("table", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        parts = value.split(".") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple) or not 1 <= len(parts) <= 2 or not all(parts):
            raise ValueError("expected schema.table, or [schema, table] where a name holds a dot")
        return tuple(parts)

    @contextmanager
    def open(self, table: "TableSpec", keys: ConnectionProvider) -> Iterator[Source]:
        """Open a connection with a consistent snapshot, of which everything is read. Closed at the end.

        Raises:
            SourceError: the database is of a kind that nobody reads here, or has no such table.
        """
        with self._open(table, keys, self.block) as source:
            yield source

    @contextmanager
    def open_to_audit(self, table: "TableSpec", keys: ConnectionProvider) -> Iterator[Source]:
        """The same on the replica, where there is one."""
        with self._open(table, keys, self.replica or self.block) as source:
            yield source

    @contextmanager
    def _open(self, table: "TableSpec", keys: ConnectionProvider, block: str) -> Iterator[Source]:
        engine = keys.engine(block)
        module = DIALECTS.get(engine.dialect.name)
        if module is None:
            raise SourceError(
                f"{table.name}: block {block!r} is a {engine.dialect.name} database, and sources are "
                f"{', '.join(sorted(DIALECTS))}"
            )
        reader = importlib.import_module(f"{__name__}.{module}")
        with connect(engine) as connection:
            yield reader.open_table(connection, self, table)
