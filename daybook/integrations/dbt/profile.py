"""The dbt profile of the warehouse: a project runs with it, whatever profile of its own it has."""

from typing import Any

from sqlalchemy import URL

from daybook.errors import DbtUnusable
from daybook.warehouses.registry import find_warehouse, warehouse_dialects

#: The profile's name, and its target's: `prod`, as in dbt's own examples of macros that ask for `target.name`.
NAME, TARGET = "daybook", "prod"
#: Where dbt finds the password. It keeps what begins with DBT_ENV_SECRET_ out of its logs and its artifacts.
PASSWORD = "DBT_ENV_SECRET_DAYBOOK_WAREHOUSE"


def profile(url: URL, schema: str, threads: int) -> dict[str, Any]:
    """Return the content of a `profiles.yml` for the warehouse at `url`, without its password, which is in `PASSWORD`.

    `schema` is where models go that name none, and `threads` how many are built at a time.

    Raises:
        DbtUnusable: `url` is not a warehouse's, or has an option that dbt does not take.
    """
    kind, known = url.get_backend_name(), warehouse_dialects()
    if kind not in known:
        raise DbtUnusable(f"dbt runs on a warehouse: {' or '.join(known)}; SqlAlchemyConnector/warehouse is {kind}")
    connection = find_warehouse(kind).dbt_output(url, f"{{{{ env_var('{PASSWORD}') }}}}")
    output = {**connection, "schema": schema, "threads": threads}
    return {NAME: {"target": TARGET, "outputs": {TARGET: output}}}
