"""The dbt profile of the warehouse. It replaces the project's own profile."""

from typing import Any

from sqlalchemy import URL

from daybook.errors import DbtUnusable
from daybook.warehouses.registry import find_warehouse, warehouse_dialects

#: The names of the profile and of its target: `prod`, as in the dbt documentation of `target.name`.
NAME, TARGET = "daybook", "prod"
#: The variable with the password. dbt redacts variables that begin with DBT_ENV_SECRET_ in its logs and artifacts.
PASSWORD = "DBT_ENV_SECRET_DAYBOOK_WAREHOUSE"


def profile(url: URL, schema: str, threads: int) -> dict[str, Any]:
    """Return the content of a `profiles.yml` for the warehouse at `url`.

    It has no password: dbt reads that from the environment variable `PASSWORD`.

    Args:
        url: the URL of the warehouse.
        schema: the schema of the models that do not name one.
        threads: the number of models that dbt builds at the same time.

    Raises:
        DbtUnusable: `url` is not the URL of a warehouse, or has an option that dbt does not support.
    """
    kind, dialects = url.get_backend_name(), warehouse_dialects()
    if kind not in dialects:
        raise DbtUnusable(
            f"dbt needs a warehouse ({' or '.join(dialects)}), but SqlAlchemyConnector/warehouse is {kind}: "
            "set its URL to that of the warehouse"
        )
    connection = find_warehouse(kind).dbt_output(url, f"{{{{ env_var('{PASSWORD}') }}}}")
    output = {**connection, "schema": schema, "threads": threads}
    return {NAME: {"target": TARGET, "outputs": {TARGET: output}}}
