"""Choose the checks of a project, and run them."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from prefect.client.orchestration import SyncPrefectClient

from daybook.definitions.project_file import read_project
from daybook.definitions.registry import datasets
from daybook.definitions.table import Table
from daybook.definitions.targets.project_target import current_target
from daybook.errors import DaybookError
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.blocks.server import server
from daybook.orchestration.doctor.databases import check_source, check_warehouse
from daybook.orchestration.doctor.findings import LIMIT, Check, Finding, failed, run_checks
from daybook.orchestration.doctor.installation import check_programs, check_versions
from daybook.orchestration.doctor.services import check_copy, check_notifications, check_stage
from daybook.orchestration.doctor.workers import check_schedules, check_version, check_worker
from daybook.orchestration.server.address import find_address
from daybook.orchestration.server.require import described
from daybook.project import project_root
from daybook.sources.database import Config as DatabaseSource
from daybook.validation.all_checks import validate

#: Seconds for a connection and a statement: less than a check has.
_STATEMENT_LIMIT = int(LIMIT - 1)
_NOT_CHECKED = Finding(
    "warning", "blocks", "not checked: the Prefect server has the credentials", "run this again with the server"
)
_SLOW_LIMIT = 20.0  # seconds for a COPY, whose statements Redshift compiles first, and for imports of Prefect's server


def examine(reached: bool = True, limit: float = LIMIT) -> Iterator[Finding]:
    """Yield what every check of the current project and target finds.

    Args:
        reached: False if the Prefect server does not answer. Then the checks that need it are left out.
        limit: the seconds for a check.
    """
    local = [
        Check("environment", check_programs),
        Check("versions", check_versions),
        Check("target", _check_target),
        Check("table files", _check_files),
    ]
    yield from run_checks(local, limit)
    if not reached:
        yield _NOT_CHECKED
        return
    try:
        with server() as client:
            address = find_address()
            yield Finding("ok", "Prefect server", f"{address.shown} ({described(address)})")
            checks, missing = _checks(client)
            yield from missing
            failures = {one.check for one in missing}
            for finding in run_checks(checks, limit):
                failures |= {finding.check} if finding.level == "error" else set()
                yield finding
            if failures.isdisjoint({"warehouse", "stage"}):  # otherwise it would fail for the same reason
                yield from run_checks([_copy()])
    except DaybookError as error:
        yield failed("Prefect server", error)
        yield _NOT_CHECKED


def _check_target() -> Iterator[Finding]:
    target = current_target()
    if not target.is_prod:
        example = f"raw_data is {target.schema('raw_data')}, the block warehouse is {target.block('warehouse')}"
        yield Finding("ok", "target", f"{target.name}: the schema {example}")


def _check_files() -> Iterator[Finding]:
    _, problems = validate(project_root())
    if problems:
        yield Finding("error", "table files", f"{len(problems)} problems", "daybook validate")
    else:
        yield Finding("ok", "table files", "valid")


def _checks(client: SyncPrefectClient) -> tuple[list[Check], list[Finding]]:
    """Return the checks that need the server's blocks, and the findings about blocks that are missing."""
    found, missing = list[Check](), list[Finding]()
    read, _ = datasets()
    found.append(Check("Prefect server", lambda: check_version(client)))
    found.append(Check("work pool", lambda: check_worker(client, read_project().work_pool)))
    found.append(Check("schedules", lambda: check_schedules(client), limit=_SLOW_LIMIT))

    def add(name: str, make: Callable[[], Check]) -> None:
        try:
            found.append(make())
        except DaybookError as error:
            missing.append(failed(name, error))

    tables = defaultdict[str, set[tuple[str, ...]]](set)
    for table in read:
        if isinstance(table, Table) and isinstance(table.source, DatabaseSource):
            tables[table.source.block].add(tuple(getattr(table.source, "table", None) or ()))
    if not tables:  # a new project: a wrong password shows before `daybook describe` needs the source
        with suppress(DaybookError):  # there may be no such block
            found.append(_source("production", []))
    for name in sorted(tables):
        add(f"source {name}", partial(_source, name, sorted(tables[name] - {()})))
    add("warehouse", lambda: _warehouse(sorted(one.name for one in read)))
    add("stage", _stage)
    found.append(Check("notifications", lambda: check_notifications(client), limit=_SLOW_LIMIT))
    return found, missing


def _source(name: str, tables: list[tuple[str, ...]]) -> Check:
    engine = blocks.engine(name)
    remedy = _remedy("PRODUCTION") if name == "production" else "correct the block in the UI"
    return Check(f"source {name}", lambda: check_source(name, engine, tables), remedy)


def _warehouse(tables: list[str]) -> Check:
    opened = blocks.warehouse(_STATEMENT_LIMIT)
    return Check("warehouse", lambda: check_warehouse(opened, tables), _remedy("WAREHOUSE"))


def _stage() -> Check:
    opened = blocks.stage()
    return Check("stage", lambda: check_stage(opened))


def _copy() -> Check:
    warehouse, stage = blocks.warehouse(int(_SLOW_LIMIT)), blocks.stage()
    return Check("COPY", lambda: check_copy(warehouse, stage), limit=_SLOW_LIMIT)


def _remedy(variable: str) -> str:
    return f"correct DAYBOOK_{variable}_URL and run: {blocks.blocks_command()}"
