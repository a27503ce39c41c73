"""The report of `daybook diff`: plain values, which its formats print."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["table", "summary"]
State = Literal["new", "changed", "removed", "unchanged"]
#: `ColumnChange.after` of a column of a summary, whose type is unknown before the build.
BY_SELECT = "by its SELECT"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of a file that differs. None: the file did not have it, or no longer has it."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column of the warehouse's table that differs from the file and the source."""

    column: str
    action: Literal["add", "widen", "change", "leave", "drop"]
    """add, widen: the next load does it. change: its type does not fit. leave: loads no longer write it. drop: the
    source no longer sends it."""
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class DeploymentChange:
    """A deployment on the Prefect server that `daybook deploy` would create, update or remove."""

    name: str
    action: Literal["create", "update", "remove"]
    tables: tuple[str, ...] = ()
    """The tables that it loads."""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refill:
    """Intervals or rows to load, and the command that loads them."""

    why: str
    intervals: int | None
    """The number of intervals. None: all rows of the table."""
    span: str
    """The intervals in words: `10 days: 2026-11-01 until 2026-11-11`, `all rows`."""
    rows: int | None
    """The number of rows. None: unknown."""
    rows_are: str
    """Where the number is from: `counted in the source`, `by the ledger`, `estimated from …`."""
    command: str | None
    """None: the next load does it by itself."""


@dataclass(slots=True)
class Problem:
    """Something that could not be compared. `tables` are those that it hides something of; empty: not of tables."""

    where: str
    why: str
    tables: list[str] = field(default_factory=list)

    @property
    def hides(self) -> list[str]:
        """Return the tables that it hides something of, without the one that it is about."""
        return [name for name in self.tables if name != self.where]


@dataclass(slots=True)
class DatasetDiff:
    """What deploying would change of one table or summary."""

    name: str
    kind: Kind
    state: State = "unchanged"
    fields: Sequence[FieldChange] = ()
    """What differs from the files at the git reference. Empty without one."""
    columns: list[ColumnChange] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Why the next load would fail, each with the statements for a person to run."""
    notes: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    """Commands or statements that give the table the key and the layout of its file. No load runs them."""
    deployments: list[DeploymentChange] = field(default_factory=list)
    summaries: tuple[str, ...] = ()
    """The summaries that read it, directly or not."""
    refills: list[Refill] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        """Return True if there is something to report."""
        found = (self.fields, self.columns, self.refused, self.notes, self.statements, self.deployments, self.refills)
        return self.state != "unchanged" or any(found)


@dataclass(slots=True)
class Report:
    """What deploying the checkout would change in one target."""

    project: str
    target: str
    since: str | None
    """The git reference and its commit, for people. None: every table was compared."""
    datasets: list[DatasetDiff] = field(default_factory=list)
    """The tables and summaries to report. Those without a difference are only counted in `compared`."""
    compared: int = 0
    deployments: list[DeploymentChange] = field(default_factory=list)
    """The changes of deployments that belong to no table of the report."""
    problems: list[Problem] = field(default_factory=list)

    def fails(self, where: str, why: str, table: str | None = None) -> None:
        """Add a problem. The same one of several tables is one problem."""
        found = next((one for one in self.problems if (one.where, one.why) == (where, why)), None)
        if found is None:
            self.problems.append(found := Problem(where, why))
        if table is not None and table not in found.tables:
            found.tables.append(table)
