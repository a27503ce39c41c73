"""The databases: the one that tables come from, and the warehouse that they go to.

For another database, create a block in the UI. A table file names it with `block:`.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pydantic import SecretStr
from sqlalchemy.engine import URL

from daybook.errors import WarehouseError
from daybook.orchestration.blocks import database_url
from daybook.orchestration.blocks.declaration import BlockDeclaration, BlockToSave, DatabaseAddress
from daybook.orchestration.blocks.environment import Environment, Variable
from daybook.orchestration.blocks.errors import BadValue
from daybook.sources.database import url_examples as source_urls
from daybook.warehouses.registry import find_warehouse
from daybook.warehouses.registry import url_examples as warehouse_urls

if TYPE_CHECKING:
    from prefect.blocks.core import Block


def read_warehouse(text: str) -> tuple[URL, str | None]:
    """Return the URL of a warehouse, and a note: see `database_url.read`. Raises `BadValue`."""
    url, note = database_url.read(text, examples=warehouse_urls())
    try:
        find_warehouse(url.get_backend_name()).check_url(url)
    except WarehouseError as error:
        raise BadValue(str(error)) from None
    return url, note


PRODUCTION_URL = Variable(
    name="DAYBOOK_PRODUCTION_URL",
    description="the database that tables come from",
    read=partial(database_url.read, examples=source_urls()),
    examples=source_urls(),
)
WAREHOUSE_URL = Variable(
    name="DAYBOOK_WAREHOUSE_URL",
    description=(
        "the warehouse; Redshift needs an S3 stage and `DAYBOOK_COPY_IAM_ROLE`, too, and logs in with IAM if its URL "
        "has `?iam=true` instead of a password"
    ),
    read=read_warehouse,
    examples=warehouse_urls(),
)


class DatabaseBlock(BlockDeclaration):
    """The base class of a database's block: a `SqlAlchemyConnector` built from its URL."""

    url: ClassVar[Variable[tuple[URL, str | None]]]
    name: ClassVar[str]
    exclusive: ClassVar[bool] = False

    def database(self, environment: Environment) -> DatabaseAddress:
        """Return the database in the URL."""
        return DatabaseAddress(self.name, self.url.name, environment[self.url][0], self.exclusive)

    def check(self, environment: Environment) -> None:
        """Add a note if a driver was added to a URL without one."""
        _, note = environment.value(self.url) or (None, None)
        if note:
            environment.note(self.url, note)

    def build(self, environment: Environment, saved: "Mapping[str, Block]") -> Iterator[BlockToSave]:
        """Yield the connector."""
        from prefect_sqlalchemy import ConnectionComponents, SqlAlchemyConnector

        url, _ = environment[self.url]
        # Pass components: a connector built from a URL shows the password in its repr, the API and the UI.
        components = ConnectionComponents(
            driver=url.drivername,
            username=url.username,
            password=SecretStr(str(url.password)) if url.password else None,
            host=url.host,
            port=url.port,
            database=url.database,
            query={key: str(value) for key, value in url.query.items()} or None,
        )
        connector = SqlAlchemyConnector(connection_info=components)
        yield BlockToSave(connector, self.name, shown=url.render_as_string(hide_password=True))


class Production(DatabaseBlock):
    """The database that tables come from."""

    position = 10
    makes = "SqlAlchemyConnector/production"
    name = "production"
    url = PRODUCTION_URL
    variables = (PRODUCTION_URL,)


class Warehouse(DatabaseBlock):
    """The database that tables go to."""

    position = 20
    makes = "SqlAlchemyConnector/warehouse"
    name = "warehouse"
    exclusive = True
    url = WAREHOUSE_URL
    variables = (WAREHOUSE_URL,)
