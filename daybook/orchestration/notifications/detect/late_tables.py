"""Tables that are late, stale, or about to be: held against the ledger, told once, and once more when it is over."""

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
from daybook.orchestration.notifications import messages
from daybook.orchestration.notifications.detect.slow_runs import Risk, at_risk
from daybook.orchestration.notifications.incident_store import IncidentStore
from daybook.warehouses.base import Warehouse

_OURS = (Kind.LATE, Kind.STALE, Kind.AT_RISK)


def report_late_tables(
    desk: IncidentStore, client: SyncPrefectClient, warehouse: Warehouse, meanwhile: Impact, now: datetime
) -> Sequence[Freshness]:
    """Open, raise or close the incident of each table with `due:`. Returns how all of them stand.

    Raises:
        TableFileError: a file is wrong; all that can be read were looked at.
    """
    datasets, wrong = expected()
    standings = look(warehouse, datasets, now)
    for standing in standings:
        risk = None if standing.is_late else at_risk(client, standing, now)
        known = desk.about(standing.table)
        if standing.is_late:
            _tell(desk, _late(standing, now), partial(_late_notice, client, standing, meanwhile, now))
        elif risk:
            _tell(desk, _risky(standing, risk, now), partial(_risk_notice, standing, risk, meanwhile))
        elif known and known.kind in _OURS:
            when = standing.loaded_at or now
            when = when if when > known.since else now
            desk.close(known, when, messages.recovered(known, when, _there(standing)))
    for incident in desk.open:
        if incident.kind in _OURS and not _is_owed(incident.subject):
            why = f"Nothing is due of {incident.subject} any more: its file is gone, or says no due:."
            desk.close(incident, now, messages.recovered(incident, now, why, "was given up"))
    for error in wrong:
        raise error
    return standings


def _is_owed(table: str) -> bool:
    """Whether it has to be there by some time, or nobody knows: its file cannot be read now."""
    dataset = dataset_of(table)
    return has_file(table) if dataset is None else dataset.due is not None


def _tell(desk: IncidentStore, found: Incident, notice: Callable[[], Notice]) -> None:
    """What is late and fails too is one incident, and the failure says more."""
    known = desk.about(found.subject)
    if known is None:
        desk.keep(found, notice())
    elif found.kind.is_worse_than(known.kind):
        desk.keep(known.merged_with(found), notice())


def _late(standing: Freshness, now: datetime) -> Incident:
    assert standing.since is not None
    return Incident(
        subject=standing.table,
        kind=Kind.STALE if standing.state is State.STALE else Kind.LATE,
        owner=standing.owner,
        title=f"{standing.table} is {'stale' if standing.state is State.STALE else 'late'}: {standing.label}",
        since=standing.since,
        last=now,
        seen=(f"{standing.state} {standing.label}",),
        awaits=tuple(
            RecoveryCondition(standing.table, standing.since, one.start, one.end) for one in standing.missing[-1:]
        ),
    )


def _late_notice(client: SyncPrefectClient, standing: Freshness, meanwhile: Impact, now: datetime) -> Notice:
    incident = _late(standing, now)
    assert standing.since is not None
    facts = [("Table", standing.table), ("Interval", standing.label)]
    facts += [("Due", at(standing.due_at))] if standing.due_at else []
    facts += [("Late for", lasting((now - standing.since).total_seconds()))]
    return Notice(
        Tone.LATE,
        incident.title,
        tuple(facts),
        meanwhile=(_readers(standing), *meanwhile.blocked_summaries([standing.table])),
        command=_command(client, standing),
        owner=standing.owner,
        incident=incident.id,
        notes=() if standing.loaded_at else ("No run of it has ever been committed.",),
    )


def _risky(standing: Freshness, risk: Risk, now: datetime) -> Incident:
    return Incident(
        subject=standing.table,
        kind=Kind.AT_RISK,
        owner=standing.owner,
        title=f"{standing.table} may be late: its run takes long",
        since=now,
        last=now,
        seen=(risk.run_id,),
        run=risk.run_id,
    )


def _risk_notice(standing: Freshness, risk: Risk, meanwhile: Impact) -> Notice:
    incident = _risky(standing, risk, risk.now)
    facts = [("Table", standing.table), ("Interval", standing.next_label)]
    facts += [("Due", at(standing.next_due_at))] if standing.next_due_at else []
    return Notice(
        Tone.LATE,
        incident.title,
        tuple(facts),
        meanwhile=(risk.words, _readers(standing), *meanwhile.blocked_summaries([standing.table])),
        link=messages.link(risk.run_id),
        owner=standing.owner,
        incident=incident.id,
    )


def _readers(standing: Freshness) -> str:
    if standing.loaded_at is None:
        return f"{standing.table} was never loaded."
    until = f", and its rows reach to {at(standing.loaded_until)}" if standing.loaded_until else ""
    return f"{standing.table} still shows the load of {at(standing.loaded_at)}{until}."


def _there(standing: Freshness) -> str:
    until = f": its rows reach to {at(standing.loaded_until)}" if standing.loaded_until else ""
    return f"{standing.table} has what was due{until}."


def _command(client: SyncPrefectClient, standing: Freshness) -> str:
    """What loads what is missing, or builds the summary."""
    table = standing.table
    if table in summary_names():
        return run_command("summaries/daily", {"tables": [table]})
    if deployment := find_loading_deployment(client, table):
        return run_command(deployment, _dates(standing))
    return run_command("load-table/on-demand", {"table": table} | _dates(standing))


def _dates(standing: Freshness) -> dict[str, str]:
    """The parameters that name what is missing; none where the whole table is loaded, or never was."""
    dataset = dataset_of(standing.table)
    if dataset is None or dataset.grid is None or not standing.missing:
        return {}
    return dataset.grid.dates(standing.missing[0], standing.missing[-1])
