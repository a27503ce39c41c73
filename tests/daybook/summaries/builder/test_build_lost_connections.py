"""A build whose connection breaks, or that a serialization failure stops: it is there once, and nothing is left."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.support.servers.gate import gate
from tests.support.servers.redshift import Redshift
from tests.support.source_and_warehouse import Database, warehouse_of
from tests.support.summary_cli import Desk

IN_SWAP = {"skip": 1}  # the first COMMIT ends the output checks
FAULTS: dict[str, dict[str, Any]] = {
    "the answer to the making of its table": {"match": "^create table", "action": "drop_after"},
    "before the lock": {"match": "^lock", "action": "drop_before"},
    "before the commit": {"match": "^commit", "action": "drop_before", **IN_SWAP},
    "the answer to the commit": {"match": "^commit", "action": "drop_after", **IN_SWAP},
    "a conflict": {
        "match": "^commit",
        "action": "error",
        "sqlstate": "XX000",
        "message": "1023\nDETAIL:  Serializable isolation violation on table",
        **IN_SWAP,
    },
}


def builds_once(desk: Desk, entries: int) -> None:
    assert desk.rows("per_day", "answers, total") == [(1, 9)]
    assert len(desk.ledger("per_day")) == entries
    assert desk.left_behind() == []
    assert not desk.build(desk.summary()).built


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("warehouse_ends", ["redshift-s3"], indirect=True)
def test_on_redshift(desk: Desk, redshift: Redshift, fault: str) -> None:
    """The first build, all of it again, and one day."""
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    for entries, full_refresh in enumerate([False, True, False], 1):
        with redshift.faults(dict(FAULTS[fault])):
            assert desk.build(desk.summary(), full_refresh=full_refresh).rows == 1
        builds_once(desk, entries)
        desk.note("answers", "2021-02-05")


@pytest.mark.parametrize("warehouse_ends", ["postgres-folder"], indirect=True)
def test_in_the_middle_of_the_swap_on_postgresql(desk: Desk) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    desk.build(desk.summary())
    desk.note("answers", "2021-02-05")
    url = make_url(desk.database.url)
    with gate(url.host or "", url.port or 0) as proxy:
        there = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        through = replace(desk, ends=replace(desk.ends, warehouse=warehouse_of(Database(there, desk.raw))))
        proxy.hold(b'INSERT INTO "daybook"."inputs"', answer=True, hang_up=True)
        assert through.build(desk.summary()).rows == 1
        assert proxy.reached.is_set()
    builds_once(desk, 2)
