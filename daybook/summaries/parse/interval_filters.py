"""Find the inputs of an incremental summary whose rows of other intervals its SELECT can read.

Two examples are `where created_at >= {start}` on a table whose cursor is `modified`, and a join of a table that the
SELECT does not filter at all. A load of today can then change any interval of the summary.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from daybook.model.interval_grid import Unit

#: A column of a source of a SELECT: the source's alias, and the column's name.
_Column = tuple[str, str]
_Side = Literal["start", "end"]
_BOTH: tuple[_Side, _Side] = ("start", "end")
#: A column whose values before `{start}`, or from `{end}` on, do not count.
_Bound = tuple[_Column, _Side]

_LOWER, _UPPER = (exp.GTE, exp.GT), (exp.LTE, exp.LT)
_TIMES = (*exp.DataType.TEMPORAL_TYPES,)
#: The units to which a time may be truncated, so that it stays in its interval.
_WITHIN: dict[Unit, tuple[str, ...]] = {
    "hour": ("SECOND", "MINUTE", "HOUR"),
    "day": ("SECOND", "MINUTE", "HOUR", "DAY"),
    "week": ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK"),
    "month": ("SECOND", "MINUTE", "HOUR", "DAY", "MONTH"),
}


@dataclass(slots=True)
class IntervalFilters:
    """The filters of a SELECT by `{start}` and `{end}`. `tree` has NULL in place of both, and qualified columns.

    `cursors` has the cursor of each input that is loaded by intervals, and `zones` their time zones and the summary's.
    """

    tree: exp.Query
    cursors: Mapping[str, str]
    unit: Unit
    zones: Collection[str] = ("UTC",)
    unfiltered: set[str] = field(default_factory=set)
    """The inputs that the SELECT reads without a filter of both sides by the cursor, in at least one place."""
    with_nulls: set[str] = field(default_factory=set)
    """The inputs whose rows without a cursor the SELECT can read: it filters them by `coalesce(cursor, …)`."""
    _seen: set[int] = field(default_factory=set)
    _open: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        root = self.tree.unnest()
        scope = build_scope(root)
        if scope is not None:
            self._search(scope, frozenset(), frozenset())
        for table in root.find_all(exp.Table):
            if id(table) not in self._seen:  # in a place that the search does not know
                self._add(table, ())

    def _search(self, scope: Scope, outputs: Collection[tuple[int, _Side]], outer: Collection[_Bound]) -> None:
        """Visit the tables of a SELECT. `outputs` are the bounds that an outer SELECT sets on its columns, by number.

        `outer` are the bounds on the columns of the SELECTs around it, to which it can be correlated.
        """
        if id(scope.expression) in self._open:  # a recursive WITH
            return
        self._open.append(id(scope.expression))
        query = scope.expression
        if isinstance(query, exp.Query) and _depends_on_other_rows(query):
            outputs = ()
        if scope.set_operation_scopes:
            for one in scope.set_operation_scopes:
                self._search(one, outputs, outer)
        else:
            self._search_select(scope, outputs, outer)
        self._open.pop()

    def _search_select(self, scope: Scope, outputs: Collection[tuple[int, _Side]], outer: Collection[_Bound]) -> None:
        sources = scope.selected_sources
        bounds = {bound for bound in outer if bound[0][0] and bound[0][0] not in sources}
        if isinstance(scope.expression, exp.Select):
            bounds |= self._bounds(scope.expression, outputs, bounds)
        if len(sources) == 1:  # a column without an alias: the columns of the source are unknown
            bounds |= {((alias, name), side) for alias in sources for (owner, name), side in bounds if not owner}
        for alias, (node, source) in sources.items():
            found = [(column, side) for (owner, column), side in bounds if owner == alias]
            if isinstance(source, exp.Table):
                self._add(source, found)
                self._seen.add(id(node))
            else:
                self._search(source, list(_numbered(source, found)), bounds)
        for one in (*scope.subquery_scopes, *scope.udtf_scopes):
            self._search(one, (), bounds)

    def _add(self, table: exp.Table, bounds: Sequence[tuple[str, _Side]]) -> None:
        name = f"{table.db}.{table.name}"
        self._seen.add(id(table))
        cursor = self.cursors.get(name)
        if cursor and not all((cursor, side) in bounds for side in _BOTH):
            self.unfiltered.add(name)

    def _bounds(
        self, select: exp.Select, outputs: Collection[tuple[int, _Side]], outer: Collection[_Bound]
    ) -> set[_Bound]:
        """Return the bounds on the columns of the sources of a SELECT."""
        found, equal, implied = set[_Bound](outer), set[frozenset[_Column]](), set[tuple[_Column, _Column]]()
        joins = [(join, _conditions(join.args.get("on"))) for join in select.args.get("joins") or ()]
        for join, conditions in joins:
            for pair in _equalities(conditions):
                equal.add(frozenset(pair))
                implied.update(one for one in (pair, pair[::-1]) if _filters(join, one[1][0]))
        for clause in ("where", "having", "qualify"):
            for condition in _conditions(getattr(select.args.get(clause), "this", None)):
                found.update(self._compared(condition, equal))
                for pair in _equalities([condition]):
                    implied.update((pair, pair[::-1]))
        for join, conditions in joins:
            for condition in conditions:
                found.update(one for one in self._compared(condition, equal) if _filters(join, one[0][0]))
        for number, side in outputs:
            if number < len(select.selects) and (column := self._column(select.selects[number])):
                found.add((column, side))
        while more := {(other, side) for one, other in implied for column, side in found if column == one} - found:
            found |= more
        return found

    def _compared(self, condition: exp.Expr, equal: Collection[frozenset[_Column]]) -> Iterator[_Bound]:
        """Yield the bounds that one comparison with `{start}` or `{end}` sets."""
        if isinstance(condition, exp.Between):
            sides = [side for side, name in zip(_BOTH, ("low", "high"), strict=True) if _is_place(condition.args[name])]
            value = condition.this
        elif isinstance(condition, (*_LOWER, *_UPPER)):
            left_to_right = _is_place(condition.expression)
            if not left_to_right and not _is_place(condition.this):
                return
            value = condition.this if left_to_right else condition.expression
            sides = ["start" if isinstance(condition, _LOWER) == left_to_right else "end"]
        else:
            return
        columns: list[_Column | None] = [*_columns_in_using(value, equal)] or [self._column(value)]
        yield from ((column, side) for column in columns for side in sides if column is not None)

    def _column(self, value: exp.Expr) -> _Column | None:
        """Return the column whose value decides the interval of `value`, or None if it is another expression."""
        if isinstance(value, exp.Column):
            return value.table, value.name
        inner = value.this
        match value:
            case exp.Paren() | exp.Alias():
                return self._column(inner)
            case exp.Cast() if value.to.this in _TIMES:
                return self._column(inner) if value.to.this != exp.DataType.Type.DATE else self._day(inner)
            case exp.Date() | exp.TsOrDsToDate():
                return self._day(inner)
            case exp.Trunc() if value.args.get("decimals") is None:  # Redshift's, of a time
                return self._day(inner)
            case exp.TimestampTrunc() | exp.DateTrunc():
                unit, zone = value.args.get("unit"), value.args.get("zone")
                fits = unit is not None and unit.name.upper() in _WITHIN[self.unit]
                return self._column(inner) if fits and (zone is None or zone.name in self.zones) else None
            case exp.AtTimeZone():
                return self._column(inner) if value.args["zone"].name in self.zones else None
            case exp.ConvertTimezone():
                zones = [value.args.get(name) for name in ("source_tz", "target_tz")]
                known = all(zone is None or zone.name in self.zones for zone in zones)
                return self._column(value.args["timestamp"]) if known else None
            case exp.Anonymous() if value.name.lower() == "timezone" and len(value.expressions) == 2:
                zone, moment = value.expressions
                return self._column(moment) if zone.name in self.zones else None
            case exp.Coalesce():
                column = self._column(inner)
                if column:
                    self.with_nulls.add(column[1])
                return column
        return None

    def _day(self, value: exp.Expr) -> _Column | None:
        """Return the column whose value decides the date of `value`. A date decides no hour."""
        return None if self.unit == "hour" else self._column(value)


def _conditions(condition: exp.Expr | None) -> list[exp.Expr]:
    """Return the conditions that AND connects."""
    if condition is None:
        return []
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        return [one for operand in condition.flatten() for one in _conditions(operand)]
    return [condition]


def _equalities(conditions: Sequence[exp.Expr]) -> Iterator[tuple[_Column, _Column]]:
    """Yield the columns that conditions declare equal."""
    for condition in conditions:
        one, other = condition.args.get("this"), condition.args.get("expression")
        if isinstance(condition, exp.EQ) and isinstance(one, exp.Column) and isinstance(other, exp.Column):
            yield (one.table, one.name), (other.table, other.name)


def _columns_in_using(value: exp.Expr, equal: Collection[frozenset[_Column]]) -> list[_Column]:
    """Return the columns of a `coalesce` of columns that a join declares equal, which is what USING means."""
    every = [value.this, *value.expressions] if isinstance(value, exp.Coalesce) else []
    columns = [(one.table, one.name) for one in every if isinstance(one, exp.Column)]
    is_using = len(columns) == len(every) and all(frozenset((columns[0], one)) in equal for one in columns[1:])
    return columns if is_using else []


def _depends_on_other_rows(query: exp.Query) -> bool:
    """Return True if a row of the result depends on rows that a filter of the result would remove."""
    distinct = query.args.get("distinct")  # True in a UNION
    is_limited = any(query.args.get(name) for name in ("limit", "offset", "fetch"))
    is_limited |= isinstance(distinct, exp.Distinct) and distinct.args.get("on") is not None
    return is_limited or any(True for _ in query.find_all(exp.Window))


def _filters(join: exp.Join, alias: str) -> bool:
    """Return True if the ON of a join removes the rows of the source `alias` that do not match it."""
    is_right = join.alias_or_name == alias
    return {"": True, "LEFT": is_right, "RIGHT": not is_right}.get(join.side.upper(), False)


def _numbered(source: Scope, bounds: Sequence[tuple[str, _Side]]) -> Iterator[tuple[int, _Side]]:
    """Yield the bounds on the columns of a subquery by their numbers."""
    query = source.expression
    names = source.outer_columns or (query.named_selects if isinstance(query, exp.Query) else [])
    for column, side in bounds:
        if column in names:
            yield names.index(column), side


def _is_place(value: exp.Expr) -> bool:
    """Return True for a placeholder."""
    return isinstance(value, exp.Null)
