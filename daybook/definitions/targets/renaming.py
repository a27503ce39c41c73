"""Turn the table of a file into that of a target: its name, and the tables that its SQL and its checks name."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from daybook.definitions.project_file import FILE
from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.definitions.targets.project_target import Target
from daybook.errors import TableFileError
from daybook.model.checks import Check

D = TypeVar("D", Table, Summary)


def in_target(file: D, target: Target, names: Callable[[], Collection[str]]) -> D:
    """Return the table or summary of a file as it is in `target`.

    Args:
        file: the table or summary, with the names in its file.
        target: the target. For one that changes nothing, such as prod, `file` is returned.
        names: returns the names of all tables and summaries with a file. Only these have the target's schemas. It is
            called if the file has SQL, or names another table.
    """
    if target.is_plain:
        return file
    known = TargetNames(target, names)
    changed: dict[str, Any] = {"name": target.table(file.name)}
    if isinstance(file, Summary):
        changed["sql"] = known.in_sql(file.sql)
        changed |= {field: known.in_checks(getattr(file, field)) for field in ("input_checks", "output_checks")}
    else:
        changed["checks"] = known.in_checks(file.checks)
        changed |= _sampled(file, target)
    return file.model_copy(update=changed)


def _sampled(table: Table, target: Target) -> dict[str, Any]:
    """Return the fields of a table that limit it to the target's sample."""
    changed: dict[str, Any] = {}
    if target.settings.last and table.start is not None:
        first = datetime.now(ZoneInfo(table.timezone)).date() - timedelta(days=target.settings.last)
        own = table.start.date() if isinstance(table.start, datetime) else table.start
        if first > own:
            changed["start"] = first
    conditions = [text for pattern, text in target.settings.where.items() if fnmatchcase(table.name, pattern)]
    if conditions and "where" in type(table.source).model_fields:
        own_filter = getattr(table.source, "where", None)
        every = " AND ".join(f"({text})" for text in (*([own_filter] if own_filter else []), *conditions))
        try:
            changed["source"] = type(table.source).model_validate(table.source.model_dump() | {"where": every})
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise TableFileError(f"{FILE}: targets.{target.name}.where: {table.name}: {reason}") from None
    return changed


class TargetNames:
    """The names of the project's tables in a target."""

    def __init__(self, target: Target, names: Callable[[], Collection[str]]) -> None:
        self._target, self._list = target, names
        self._known: frozenset[str] | None = None

    def in_sql(self, sql: str) -> str:
        """Return `sql` with the schemas of the target."""
        if not self._target.renames_schemas:
            return sql
        from daybook.definitions.targets.schemas_in_sql import in_schemas  # imports the SQL parser, which is slow

        return in_schemas(sql, self._names, self._target.schema)

    def in_checks(self, checks: tuple[Check, ...]) -> tuple[Check, ...]:
        """Return the checks of the target's tables."""
        return tuple(self._in_check(check) for check in checks)

    def _in_check(self, check: Check) -> Check:
        changed: dict[str, Any] = {}
        if self._target.settings.checks == "warn":
            changed["severity"] = "warn"
        if check.sql is not None and "." in check.sql and self._target.renames_schemas:
            changed["sql"] = self.in_sql(check.sql)
        if check.table is not None:
            changed["table"] = self._in_warehouse(check.table)
        if check.relationship is not None:
            table, _, column = check.relationship.to.rpartition(".")
            to = f"{self._in_warehouse(table)}.{column}"
            changed["relationship"] = check.relationship.model_copy(update={"to": to})
        return check.model_copy(update=changed) if changed else check

    def _in_warehouse(self, table: str) -> str:
        return self._target.table(table) if table in self._names else table

    @property
    def _names(self) -> frozenset[str]:
        if self._known is None:
            self._known = frozenset(self._list())
        return self._known
