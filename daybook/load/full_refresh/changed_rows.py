"""The rows that a full refresh has to change: those that the table and the staged rows do not have alike."""

from dataclasses import dataclass

from daybook.strategies.staged_rows import FRESH, STALE, StagedRows, Statements, same_key_sql


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """The keys of these rows, in the temporary table `keys` (quoted), and their number."""

    rows: StagedRows
    keys: str
    count: int

    @classmethod
    def find(cls, session: Statements, rows: StagedRows) -> "ChangedRows":
        """Compare the table with the staged rows in the order of their keys. Both must enforce the key."""
        table, staged, keys = rows.table, rows.staged, rows.warehouse.quote("daybook_changed")
        names = [rows.warehouse.quote(name) for name in rows.target.key]
        columns = [f"COALESCE({table}.{name}, {staged}.{name}) AS {name}" for name in names]
        ours, theirs = f"{table}.{names[0]}", f"{staged}.{names[0]}"
        count = session.run(
            f"CREATE TEMP TABLE {keys} AS SELECT {', '.join(columns)}, "
            f"{ours} IS NOT NULL AS {STALE}, {theirs} IS NOT NULL AS {FRESH} "
            f"FROM {table} FULL JOIN {staged} ON {same_key_sql(rows.warehouse, rows.target, table, staged)} "
            f"WHERE {ours} IS NULL OR {theirs} IS NULL OR {rows.differs_sql()}"
        )
        return cls(rows, keys, count)

    def removed_sql(self) -> str:
        """Return the FROM item of the table's rows that the refresh removes. It has them before the refresh only."""
        return self._rows_of(self.rows.table, STALE)

    def added_sql(self) -> str:
        """Return the FROM item of the staged rows that the refresh inserts."""
        return self._rows_of(self.rows.staged, FRESH)

    def _rows_of(self, table: str, flag: str) -> str:
        same = same_key_sql(self.rows.warehouse, self.rows.target, table, self.keys)
        return f"(SELECT {table}.* FROM {table} JOIN {self.keys} ON {same} WHERE {flag}) AS changed"
