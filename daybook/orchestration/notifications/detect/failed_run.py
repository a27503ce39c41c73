"""A run that failed, and the parts of it that are reported one by one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from prefect.client.schemas.objects import FlowRun

from daybook.definitions.registry import dataset_of, datasets
from daybook.errors import DaybookError, SourceLost, WarehouseLost
from daybook.load.planning.plan import Plan
from daybook.model.dataset import Dataset
from daybook.orchestration.notifications.datetimes import to_stdlib_datetime
from daybook.orchestration.notifications.detect.run_tables import plan_of
from daybook.orchestration.run_failure import RunFailure, kind_of

#: The owner of a run that concerns no table.
UNOWNED = "default"
_APART = 3  # failures of one run and one owner that are reported one by one; more have a common cause
_LISTED = 8  # reasons in the error of several tables


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run that failed, crashed or timed out, or the part of it that concerns some of its tables."""

    run: FlowRun
    flow: str
    deployment: str | None
    """The name of its deployment, `flow/cadence`."""
    error: str
    kind: type[DaybookError] | None
    tables: tuple[str, ...] = ()
    about: str | None = None
    """The table that the run concerns, even if the run itself does not load it: an audit, a backfill."""
    plan: Plan | None = None
    """The plan of the load."""
    passed: dict[str, Any] = field(default_factory=dict)
    """The parameters whose values differ from the deployment's."""
    part: str | None = None
    """The name of this part of a run that loads several tables, or None if this is all of the run."""
    kinds: Mapping[str, type[DaybookError] | None] = field(default_factory=dict)
    """The class of the error of each table, if the tables of a part failed in different ways."""

    @property
    def ended(self) -> datetime:
        """Return the time of the failure, in UTC."""
        assert self.run.state is not None
        return to_stdlib_datetime(self.run.end_time or self.run.state.timestamp)

    @property
    def state_id(self) -> str:
        """Return the ID of the failed state. A run that is retried and fails again has another one."""
        return str(self.run.state.id) if self.run.state else ""


def owner_of(table: str) -> str:
    """Return the owner of a table or summary."""
    dataset = dataset_of(table)
    return dataset.owner if dataset else UNOWNED


def source_of(table: str) -> str:
    """Return the block of a table's source, or the table's own name if its source has none."""
    return _source(dataset_of(table), table)


def _source(dataset: Dataset | None, table: str) -> str:
    return str(getattr(getattr(dataset, "source", None), "block", None) or table)


def parts_of_summaries(whole: FailedRun, reasons: Mapping[str, str]) -> list[FailedRun]:
    """Return one failure for each failed summary of a run, or one in total if many failed."""
    if len(reasons) > _APART:
        return [replace(whole, tables=tuple(reasons))]
    return [replace(whole, tables=(name,), error=why) for name, why in reasons.items()]


def parts_of_loads(whole: FailedRun, failure: RunFailure, several: Sequence[str]) -> Iterator[FailedRun]:
    """Yield the failures of a run that loads `several` tables, so that each owner hears only of the own tables.

    A lost database is one failure, whoever owns the tables. If a run was killed, all of its tables count as failed; the
    ledger says which of them were loaded.
    """
    reasons = {name: why for name, why in failure.parts.items() if name in several}
    reasons = reasons or dict.fromkeys(several, failure.reason)
    kinds = {name: kind_of(why.partition(":")[0]) or failure.kind for name, why in reasons.items()}
    files = {one.name: one for one in datasets()[0]}  # read once, for all tables of the run
    owners = {name: files[name].owner if name in files else UNOWNED for name in several}
    one_owner = len(set(owners.values())) == 1

    def group(name: str) -> tuple[str, str]:
        if kinds[name] is WarehouseLost:
            return "", "the warehouse"
        if kinds[name] is SourceLost:
            return "", f"the source {_source(files.get(name), name)}"
        return owners[name], "" if one_owner else f"tables of {owners[name]}"

    for (owner, part), grouped in groupby(sorted(reasons, key=group), group):
        names = list(grouped)
        if len(names) == 1 or (owner and len(names) <= _APART):
            yield from (_of_one(whole, name, reasons[name], kinds[name]) for name in names)
            continue
        texts = [reasons[name] for name in names]
        yield replace(
            whole,
            tables=tuple(names),
            part=part,
            error=texts[0] if len(set(texts)) == 1 else _listed(names, reasons, len(several)),
            kind=kinds[names[0]] if len({kinds[name] for name in names}) == 1 else None,
            kinds={name: kinds[name] for name in names},
            passed=whole.passed if len(names) == len(several) else whole.passed | {"tables": names},
        )


def _of_one(whole: FailedRun, name: str, why: str, kind: type[DaybookError] | None) -> FailedRun:
    return replace(
        whole,
        tables=(name,),
        about=name,
        plan=plan_of(whole.run, name),
        error=why,
        kind=kind,
        part=name,
        passed=whole.passed | {"tables": [name]},
    )


def _listed(names: Sequence[str], reasons: Mapping[str, str], count: int) -> str:
    more = [f"- and {len(names) - _LISTED} more"] if len(names) > _LISTED else []
    lines = [f"- {name}: {reasons[name]}" for name in names[:_LISTED]]
    return "\n".join([f"{len(names)} of {count} tables could not be loaded", *lines, *more])
