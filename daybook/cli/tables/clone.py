"""`daybook clone --target dev`: load the last days of some tables into a target, and build summaries from them."""

import argparse
import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from daybook.definitions.registry import datasets
from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.definitions.targets.project_target import Target, current_target
from daybook.errors import DaybookError, TableFileError
from daybook.model.dataset import Dataset
from daybook.suggestions import did_you_mean

_DESCRIPTION = """\
Load the last intervals of some tables into another target, in this process, and build the summaries among them. The
rows come from the source of the target, through its stage, into its warehouse, so each load has its guards, checks and
ledger. Tables without intervals are loaded whole, filtered by the target's where:. Reruns are idempotent.
"""


@dataclass(frozen=True)
class Step:
    """One load or build of a clone."""

    name: str
    flow: str
    """`load_table` or `summaries`."""
    parameters: dict[str, Any]
    label: str


def run_flow(step: Step) -> Any:
    """Run the step's flow in this process, and return its result."""
    module = importlib.import_module(f"daybook.flows.{step.flow}")  # imports Prefect
    return getattr(module, step.flow).with_options(retries=0)(**step.parameters)


def main(
    arguments: Sequence[str] | None = None, prog: str = "daybook clone", run: Callable[[Step], Any] = run_flow
) -> int:
    """Load the chosen tables, one after another. Return 1 if one failed: the others are loaded all the same.

    Args:
        arguments: the command's arguments. None: those of the process.
        prog: the command's name in its usage.
        run: runs one step.

    Raises:
        TableFileError: the target is prod, a pattern names no table, or a file is invalid.
    """
    parser = argparse.ArgumentParser(
        prog=prog, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="+", metavar="TABLE", help="raw_data.orders, or a pattern: 'raw_data.*'")
    parser.add_argument("--last", type=_count, default=7, metavar="N", help="the number of newest intervals (7)")
    parser.add_argument("--dry-run", action="store_true", help="show what would be loaded, and change nothing")
    given = parser.parse_args(arguments)
    target = current_target()
    if target.is_prod:
        raise TableFileError(f"{prog} fills another target than prod: add --target, such as --target dev")
    steps = list(steps_of(_chosen(given.tables, target), given.last, datetime.now(UTC)))
    failed = 0
    for step in steps:
        print(f"{step.name}: {step.label}", flush=True)
        if given.dry_run:
            continue
        try:
            run(step)
        except DaybookError as error:  # the other tables do not depend on this one
            failed += 1
            print(f"{step.name}: {type(error).__name__}: {error}", flush=True)
    if given.dry_run:
        print("Dry run: nothing was changed.")
    else:
        print(f"{len(steps) - failed} of {len(steps)} done in target {target.name}")
    return 1 if failed else 0


def steps_of(chosen: Iterable[Dataset], last: int, now: datetime) -> Iterable[Step]:
    """Yield a load for each table, and then one build of all summaries.

    Args:
        chosen: tables and summaries.
        last: the number of newest intervals to load.
        now: the time up to which intervals are complete, with a zone.
    """
    summaries = []
    for one in chosen:
        if isinstance(one, Summary):
            summaries.append(one.name)
        elif isinstance(one, Table):
            yield _load(one, last, now)
    if summaries:
        yield Step(", ".join(summaries), "summaries", {"tables": summaries}, "build")


def _load(table: Table, last: int, now: datetime) -> Step:
    grid = table.load_grid
    if grid is None:
        return Step(table.name, "load_table", {"table": table.name}, "all of it")
    newest = first = grid.last_complete(now)
    for _ in range(last - 1):
        first = grid.previous(first)
    if table.start is not None:
        first = max(first, min(grid.first(table.start), newest), key=lambda interval: interval.start)
    dates = {"execution_date": grid.label(first), "until": grid.until(newest)}
    parameters = {"table": table.name, **dates, "allow_before_start": True}
    return Step(table.name, "load_table", parameters, f"{dates['execution_date']} until {dates['until']}")


def _chosen(patterns: Sequence[str], target: Target) -> list[Dataset]:
    """Return the tables and summaries of the patterns. A pattern is of names in files, or in the target's warehouse."""
    known, problems = datasets()
    chosen: dict[str, Dataset] = {}
    for pattern in patterns:
        found = [one for one in known if _matches(one.name, pattern, target)]
        if not found:
            if problems:
                raise problems[0]
            names = [target.file_name(one.name) for one in known]
            raise TableFileError(
                f"no table {pattern!r}{did_you_mean(pattern, names, f'there are {len(names)} tables')}"
            )
        chosen |= {one.name: one for one in found}
    return list(chosen.values())


def _matches(name: str, pattern: str, target: Target) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(target.file_name(name), pattern)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of intervals: write 7")
    return int(text)
