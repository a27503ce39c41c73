"""Find the warehouse for the dialect of an engine: a folder here, or an entry point of another package.

A package with a warehouse declares it in its `pyproject.toml`, under SQLAlchemy's name of the dialect:

    [project.entry-points."daybook.warehouses"]
    snowflake = "daybook_snowflake:Snowflake"
"""

import importlib
import pkgutil
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sqlalchemy import Engine

from daybook import warehouses
from daybook.errors import WarehouseError
from daybook.warehouses.base import Warehouse
from daybook.warehouses.layouts import Layout

GROUP = "daybook.warehouses"


def warehouse_dialects() -> list[str]:
    """Return SQLAlchemy's names of the dialects for which a warehouse exists."""
    return sorted({*_folders(), *_plugins()})


def url_examples() -> tuple[str, ...]:
    """Return examples of the URLs of all warehouses, with the drivers that Daybook supports."""
    return tuple(url for dialect in warehouse_dialects() for url in find_warehouse(dialect).urls)


def find_warehouse(dialect: str) -> type[Warehouse]:
    """Return the class of the warehouse for SQLAlchemy's `dialect`. A folder here takes precedence over a plug-in.

    Raises:
        WarehouseError: no warehouse speaks the dialect.
    """
    if dialect in _folders():
        kind: type[Warehouse] = importlib.import_module(f"{warehouses.__name__}.{dialect}").WAREHOUSE
        return kind
    plugins = _plugins()  # slow: it reads the metadata of every installed package
    if dialect not in plugins:
        supported = ", ".join(warehouse_dialects())
        raise WarehouseError(f"a {dialect} database cannot be a warehouse; supported are: {supported}")
    kind = plugins[dialect].load()
    return kind


def layout_models() -> dict[str, type[Layout]]:
    """Return the models of the fields that warehouses add to table files, by the dialect, which is the field's name."""
    kinds = {dialect: find_warehouse(dialect) for dialect in warehouse_dialects()}
    return {dialect: kind.layout for dialect, kind in kinds.items() if kind.layout}


def open_warehouse(engine: Engine, **options: Any) -> Warehouse:
    """Return the warehouse behind `engine`. It gets only those `options` that its class names.

    Raises:
        WarehouseError: no warehouse speaks the engine's dialect, or an option is missing.
    """
    kind = find_warehouse(engine.dialect.name)
    return kind.open(engine, **{name: value for name, value in options.items() if name in kind.options})


def _folders() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(warehouses.__path__) if module.ispkg]


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
