"""Choose the checks of a project, and run them."""

from collections import defaultdict
from collections.abc import Callable, Iterator

from prefect.client.orchestration import SyncPrefectClient

from daybook.definitions.project_file import read_project
from daybook.definitions.registry import datasets
from daybook.definitions.table import Table
from daybook.errors import DaybookError
from daybook.orchestration.blocks import open as blocks
from daybook.orchestration.blocks.server import server
from daybook.orchestration.blocks.stored_blocks import document, load
from daybook.orchestration.doctor.databases import check_source, check_warehouse
from daybook.orchestration.doctor.findings import LIMIT, Check, Finding, run_checks
from daybook.orchestration.doctor.installation import check_programs, check_versions
from daybook.orchestration.doctor.services import check_slack, check_stage
from daybook.orchestration.doctor.workers import check_version, check_worker
from daybook.orchestration.server.address import find_address
from daybook.orchestration.server.programs import program
from daybook.orchestration.server.require import described, require_server
from daybook.project import project_root
from daybook.sources.database import Config as DatabaseSource
from daybook.validation.all_checks import validate

#: Seconds for a connection and a statement: less than a check has.
_STATEMENT_LIMIT = int(LIMIT - 1)


def examine(limit: float = LIMIT) -> Iterator[Finding]:
    """Yield what every check of the current project finds. Checks that need a server are left out without one."""
    local = [
        Check("environment", check_programs),
        Check("versions", check_versions),
        Check("table files", _check_files),
    ]
    yield from run_checks(local, limit)
    try:
        require_server()
        with server() as client:
            address = find_address()
            yield Finding("ok", "Prefect server", f"{address.shown} ({described(address)})")
            checks, missing = _checks(client)
            yield from missing
            yield from run_checks(checks, limit)
    except DaybookError as error:
        yield Finding("error", "Prefect server", str(error))
        yield Finding("warning", "blocks", "not checked: the Prefect server has the credentials")


def _check_files() -> Iterator[Finding]:
    _, problems = validate(project_root())
    if problems:
        yield Finding("error", "table files", f"{len(problems)} problems", "daybook validate")
    else:
        yield Finding("ok", "table files", "valid")


def _checks(client: SyncPrefectClient) -> tuple[list[Check], list[Finding]]:
    """Return the checks that need the server's blocks, and the findings about blocks that are missing."""
    found, missing = list[Check](), list[Finding]()
    project, (read, _) = read_project(), datasets()
    found.append(Check("Prefect server", lambda: check_version(client)))
    found.append(Check("work pool", lambda: check_worker(client, project.work_pool)))

    def add(name: str, make: Callable[[], Check]) -> None:
        try:
            found.append(make())
        except DaybookError as error:
            missing.append(Finding("error", name, str(error), ""))

    tables = defaultdict[str, set[tuple[str, ...]]](set)
    for table in read:
        if isinstance(table, Table) and isinstance(table.source, DatabaseSource):
            tables[table.source.block].add(tuple(getattr(table.source, "table", None) or ()))
    for name in sorted(tables):
        add(f"source {name}", lambda name=name: _source(name, sorted(tables[name] - {()})))  # type: ignore[misc]
    schemas = sorted({"daybook", *(one.name.partition(".")[0] for one in read)})
    titles = []

    def warehouse() -> Check:
        opened = blocks.warehouse(_STATEMENT_LIMIT)
        titles.append(opened.title)
        return Check("warehouse", lambda: check_warehouse(opened, schemas), _remedy("WAREHOUSE"))

    def stage() -> Check:
        opened = blocks.stage()
        return Check("stage", lambda: check_stage(opened, titles == ["Redshift"]))

    add("warehouse", warehouse)
    add("stage", stage)
    if document(client, "slack-incoming-webhook", "slack"):
        from prefect_slack import SlackWebhook

        webhook = load(SlackWebhook, "slack").url.get_secret_value()
        found.append(Check("Slack", lambda: check_slack(webhook)))
    return found, missing


def _remedy(variable: str) -> str:
    return f"correct DAYBOOK_{variable}_URL and run: {program('daybook')} blocks"


def _source(name: str, tables: list[tuple[str, ...]]) -> Check:
    engine = blocks.engine(name)
    remedy = _remedy("PRODUCTION") if name == "production" else "correct the block in the UI"
    return Check(f"source {name}", lambda: check_source(name, engine, tables), remedy)
