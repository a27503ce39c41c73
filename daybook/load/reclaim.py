"""Reclaim the space of replaced rows after the commit, where the warehouse profits from it."""

import logging

from daybook.sql.database_error import first_line
from daybook.warehouses.base import Warehouse

logger = logging.getLogger(__name__)


def reclaim(warehouse: Warehouse, table: str, wanted: bool | None = None) -> None:
    """Reclaim the space of the rows of `table` that the last commit replaced. It never raises: the commit stays.

    `wanted` is the field `vacuum` of the table file. By default, the warehouse decides (`Warehouse.reclaims`).
    """
    if not (warehouse.reclaims if wanted is None else wanted):
        return
    try:
        with warehouse.session() as session:
            warehouse.reclaim(session, table)
    except Exception as error:
        logger.warning(
            "%s: the load is committed, but the space of its old rows is not reclaimed: %s. The warehouse does so "
            "later. To skip this step, set vacuum: false in the table file",
            table,
            first_line(error),
        )
