"""Which warehouse speaks the dialect of an engine."""

import importlib
import pkgutil
from typing import Any

from sqlalchemy import Engine

from daybook import warehouses
from daybook.errors import WarehouseError
from daybook.warehouses.base import Warehouse

_NO_WAREHOUSES = ("base", "postgres_family", "registry", "session")


def url_examples() -> tuple[str, ...]:
    """Return what the URL of each supported warehouse looks like, with the driver that Daybook uses: `URLS`."""
    return tuple(url for name in _dialects() for url in _module(name).URLS)


def open_warehouse(engine: Engine, **options: Any) -> Warehouse:
    """The warehouse behind `engine`; `options` go to its class (`copy_iam_role` for Redshift).

    Raises:
        WarehouseError: no module here speaks the engine's dialect.
    """
    known = _dialects()
    if engine.dialect.name not in known:
        raise WarehouseError(f"a {engine.dialect.name} database cannot be a warehouse; those can: {', '.join(known)}")
    warehouse: Warehouse = _module(engine.dialect.name).open(engine, **options)
    return warehouse


def _dialects() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(warehouses.__path__) if module.name not in _NO_WAREHOUSES]


def _module(dialect: str) -> Any:
    return importlib.import_module(f"{warehouses.__name__}.{dialect}")
