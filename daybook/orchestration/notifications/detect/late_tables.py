"""Report tables that are late, stale or at risk, by comparing their deadlines with the ledger."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from prefect.client.orchestration import SyncPrefectClient

from daybook.definitions.registry import dataset_of, has_file
from daybook.definitions.summary_files import summary_names
from daybook.monitoring.freshness import Freshness, State, expected, look
from daybook.monitoring.incidents.impact import Impact, at, lasting
from daybook.monitoring.incidents.incident import Incident, Kind, RecoveryCondition
from daybook.monitoring.incidents.notice import Notice, Tone
from daybook.orchestration.deployments import find_loading_deployment, run_command
from daybook.orchestration.load_runs.first_loads import with_expected_first_loads
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.detect.slow_runs import Risk, at_risk
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.warehouses.base import Warehouse

_OURS = (Kind.LATE, Kind.STALE, Kind.AT_RISK)


def report_late_tables(
    store: IncidentStore, client: SyncPrefectClient, warehouse: Warehouse, impact: Impact, now: datetime
) -> Sequence[Freshness]:
    """Open, escalate or close the incident of each table with `due:`. Return the freshness of all of them.

    A table that was never loaded has an incident only if a schedule or a trigger should have loaded it.

    Raises:
        TableFileError: a file is invalid. The tables of all other files are handled first.
    """
    datasets, wrong = expected()
    tables = with_expected_first_loads(client, datasets, look(warehouse, datasets, now), now)
    for freshness in tables:
        risk = None if freshness.is_late else at_risk(client, freshness, now)
        known = store.about(freshness.table)
        if freshness.is_late:
            _report(store, _late(freshness, now), partial(_late_notice, client, freshness, impact, now))
        elif risk:
            _report(store, _risky(freshness, risk, now), partial(_risk_notice, freshness, risk, impact))
        elif known and known.kind in _OURS and freshness.state is State.NEVER:
            why = f"No run that could load {freshness.table} for the first time is overdue now."
            store.close(known, now, messages.recovered(known, now, why, "was closed unresolved"))
        elif known and known.kind in _OURS:
            when = freshness.loaded_at or now
            when = when if when > known.since else now
            store.close(known, when, messages.recovered(known, when, _recovered(freshness)))
    for incident in store.open:
        if incident.kind in _OURS and not _has_deadline(incident.subject):
            why = f"{incident.subject} no longer has a deadline: its file was deleted, or has no `due:`."
            store.close(incident, now, messages.recovered(incident, now, why, "was closed unresolved"))
    for error in wrong:
        raise error
    return tables


def _has_deadline(table: str) -> bool:
    """Return True if the table has a deadline, or its file cannot be read now."""
    dataset = dataset_of(table)
    return has_file(table) if dataset is None else dataset.due is not None


def _report(store: IncidentStore, found: Incident, notice: Callable[[], Notice]) -> None:
    """Open or escalate the incident. If a table is late because its run failed, keep the incident of the failure."""
    known = store.about(found.subject)
    if known is None:
        store.keep(found, notice())
    elif found.kind.is_worse_than(known.kind):
        store.keep(known.merged_with(found), notice())


def _late(freshness: Freshness, now: datetime) -> Incident:
    assert freshness.since is not None
    return Incident(
        subject=freshness.table,
        kind=Kind.STALE if freshness.state is State.STALE else Kind.LATE,
        owner=freshness.owner,
        title=f"{freshness.table} is {'stale' if freshness.state is State.STALE else 'late'}: {freshness.label}",
        since=freshness.since,
        last=now,
        seen=(f"{freshness.state} {freshness.label}",),
        awaits=tuple(
            RecoveryCondition(freshness.table, freshness.since, one.start, one.end) for one in freshness.missing[-1:]
        ),
    )


def _late_notice(client: SyncPrefectClient, freshness: Freshness, impact: Impact, now: datetime) -> Notice:
    incident = _late(freshness, now)
    assert freshness.since is not None
    facts = [("Table", freshness.table), ("Interval", freshness.label)]
    facts += [("Due", at(freshness.due_at))] if freshness.due_at else []
    facts += [("Late by", lasting((now - freshness.since).total_seconds()))]
    return Notice(
        Tone.LATE,
        incident.title,
        tuple(facts),
        impact=(_readers(freshness), *impact.blocked_summaries([freshness.table])),
        command=_command(client, freshness),
        owner=freshness.owner,
        incident=incident.id,
        notes=() if freshness.loaded_at else ("No load of this table has ever committed.",),
    )


def _risky(freshness: Freshness, risk: Risk, now: datetime) -> Incident:
    return Incident(
        subject=freshness.table,
        kind=Kind.AT_RISK,
        owner=freshness.owner,
        title=f"{freshness.table} may be late: its run is slow",
        since=now,
        last=now,
        seen=(risk.run_id,),
        run=risk.run_id,
    )


def _risk_notice(freshness: Freshness, risk: Risk, impact: Impact) -> Notice:
    incident = _risky(freshness, risk, risk.now)
    facts = [("Table", freshness.table), ("Interval", freshness.next_label)]
    facts += [("Due", at(freshness.next_due_at))] if freshness.next_due_at else []
    return Notice(
        Tone.LATE,
        incident.title,
        tuple(facts),
        impact=(risk.words, _readers(freshness), *impact.blocked_summaries([freshness.table])),
        link=messages.link(risk.run_id),
        owner=freshness.owner,
        incident=incident.id,
    )


def _readers(freshness: Freshness) -> str:
    if freshness.loaded_at is None:
        return f"{freshness.table} has never been loaded."
    until = f", with rows until {at(freshness.loaded_until)}" if freshness.loaded_until else ""
    return f"{freshness.table} still shows the load of {at(freshness.loaded_at)}{until}."


def _recovered(freshness: Freshness) -> str:
    until = f", with rows until {at(freshness.loaded_until)}" if freshness.loaded_until else ""
    return f"{freshness.table} has the data that was due{until}."


def _command(client: SyncPrefectClient, freshness: Freshness) -> str:
    """Return the command that loads what is missing, or builds the summary."""
    table = freshness.table
    if table in summary_names():
        return run_command("summaries/daily", {"tables": [table]})
    if deployment := find_loading_deployment(client, table):
        return run_command(deployment, _dates(freshness))
    return run_command("load-table/on-demand", {"table": table} | _dates(freshness))


def _dates(freshness: Freshness) -> dict[str, str]:
    """Return the parameters for the missing intervals; none if the table is loaded whole or was never loaded."""
    dataset = dataset_of(freshness.table)
    if dataset is None or dataset.grid is None or not freshness.missing:
        return {}
    return dataset.grid.dates(freshness.missing[0], freshness.missing[-1])
