"""Passes of the monitor that ask the warehouse nothing, because each query of a sleeping warehouse is billed.

Redshift Serverless bills at least 60 seconds for each time that it wakes (serverless-billing.html). A pass rests if the
last one found every table in time, if no deadline has come since, and if no incident is open. Loads only make the
ledger more complete, so what was in time stays in time until the next deadline.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from pydantic import TypeAdapter, ValidationError

from daybook.model.dataset import Dataset
from daybook.monitoring.freshness import Freshness, State, expected
from daybook.orchestration.notifications.detect.slow_runs import at_risk
from daybook.orchestration.variable_store import VariableStore, fits

logger = logging.getLogger("daybook.monitor")

_LONGEST = timedelta(hours=24)  # a table that was never loaded has no deadline until its first load
_KEY = "rests"


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A table whose next interval was not loaded yet."""

    table: str
    owner: str
    timezone: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class _Rest:
    until: datetime
    """No table can become late before this instant."""
    files: str
    """The hash of the files of all tables with `due:`."""
    awaited: tuple[_Awaited, ...]


_REST = TypeAdapter(_Rest)


def may_rest(client: SyncPrefectClient, now: datetime) -> bool:
    """Return True if a pass at `now` needs nothing of the warehouse. Prefect answers if a run is slower than usual."""
    try:
        rest = _REST.validate_python(VariableStore(client, "monitor").get(_KEY))
    except ValidationError:  # there is none, or somebody edited it
        return False
    datasets, wrong = expected()
    if now >= rest.until or wrong or rest.files != _hash(datasets):
        return False
    tables = (
        Freshness(one.table, one.owner, one.timezone, State.FRESH, next_due_at=one.due_at) for one in rest.awaited
    )
    return not any(at_risk(client, table, now) for table in tables)


def note_rest(client: SyncPrefectClient, tables: Sequence[Freshness], now: datetime) -> None:
    """Note until when the next passes may rest, given the freshness of all tables at `now`."""
    memory, document = VariableStore(client, "monitor"), None
    datasets, wrong = expected()
    if not wrong and not any(table.is_late for table in tables):
        until = min([now + _LONGEST, *(table.changes_at for table in tables if table.changes_at)])
        awaited = (_Awaited(one.table, one.owner, one.timezone, one.next_due_at) for one in tables if one.next_due_at)
        document = _document(_Rest(until, _hash(datasets), tuple(awaited)))
    if document is not None and fits(document):
        memory.set(_KEY, document)
        logger.info("the warehouse may sleep until %s", document["until"])
    else:
        memory.delete(_KEY)


def _document(rest: _Rest) -> Any:
    return _REST.dump_python(rest, mode="json")


def _hash(datasets: Sequence[Dataset]) -> str:
    return sha256("\n".join(f"{one.name} {one.model_dump_json()}" for one in datasets).encode()).hexdigest()
