"""The tables of the schema `daybook` that loads decide by. Their first column is the name of the loaded table."""

from daybook.ledger import failures, interval_checksums, ledger, moves, source_columns
from daybook.ledger.state_table import StateTable
from daybook.warehouses.base import Warehouse

_COLUMNS = {
    "ledger": ledger.COLUMNS,
    "failures": failures.COLUMNS,
    "columns": source_columns.COLUMNS,
    "checksums": interval_checksums.COLUMNS,
    "moves": moves.COLUMNS,
}


def state_tables(warehouse: Warehouse) -> dict[str, StateTable]:
    """Return each table by its name, the ledger first. None of them may exist yet."""
    return {name: StateTable(warehouse, name, columns) for name, columns in _COLUMNS.items()}
