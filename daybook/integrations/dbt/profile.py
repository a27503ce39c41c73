"""Where our warehouse is, in dbt's words: the profile that a project is run with, whatever its own says."""

from typing import Any

from sqlalchemy import URL

from daybook.errors import DbtUnusable

#: The profile's name, and its target's: `prod`, as in dbt's own examples of macros that ask for `target.name`.
NAME, TARGET = "daybook", "prod"
#: Where dbt finds the password. It keeps what begins with DBT_ENV_SECRET_ out of its logs and its artifacts.
PASSWORD = "DBT_ENV_SECRET_DAYBOOK_WAREHOUSE"

_PORTS = {"postgresql": 5432, "redshift": 5439}
_TYPES = {"postgresql": "postgres", "redshift": "redshift"}
#: What a warehouse's URL may say behind its `?` that dbt can be told, too.
_OPTIONS = {
    "postgresql": {"sslmode", "sslcert", "sslkey", "sslrootcert", "connect_timeout", "application_name"},
    "redshift": {"sslmode", "connect_timeout"},
}


def profile(url: URL, schema: str, threads: int) -> dict[str, Any]:
    """What stands in a `profiles.yml` for the warehouse at `url`. The password does not: dbt reads it from `PASSWORD`.

    `schema` is where models go that name none, and `threads` how many are built at a time.

    Raises:
        DbtUnusable: the URL names a database or an option that dbt has no word for.
    """
    kind = url.get_backend_name()
    if kind not in _TYPES:
        raise DbtUnusable(
            f"dbt runs on a warehouse of ours, {' or '.join(_TYPES)}; SqlAlchemyConnector/warehouse is {kind}"
        )
    options = dict(url.query)
    host = options.pop("host", url.host)
    if unknown := sorted(set(options) - _OPTIONS[kind]):
        raise DbtUnusable(
            f"the URL of SqlAlchemyConnector/warehouse has ?{unknown[0]}=, which dbt cannot be told: it takes "
            f"{', '.join(sorted(_OPTIONS[kind]))}"
        )
    if "connect_timeout" in options:
        options["connect_timeout"] = int(str(options["connect_timeout"]))  # type: ignore[assignment]
    output = {
        "type": _TYPES[kind],
        "host": host,
        "port": url.port or _PORTS[kind],
        "user": url.username,
        "password": f"{{{{ env_var('{PASSWORD}') }}}}",
        "dbname": url.database,
        "schema": schema,
        "threads": threads,
        **options,
    }
    return {NAME: {"target": TARGET, "outputs": {TARGET: output}}}
