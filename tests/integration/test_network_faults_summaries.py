"""Builds of summaries over connections that fail: readers see the last good build or the new one, built once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daybook.cli.summary import main
from daybook.errors import WarehouseLost
from daybook.ledger.moves import Moves
from daybook.sql import retries
from daybook.summaries.graph import plan_builds
from tests.support.faulty_network import FAULTS, SILENCE, Network, by_fault, by_some_faults, net
from tests.support.summary_cli import PER_DAY, Desk

pytestmark = pytest.mark.any_warehouse

__all__ = ["net"]
BOTH = pytest.mark.parametrize("net", ["postgres-postgres-folder", "postgres-redshift-s3"], indirect=True)
PLACES: dict[str, dict[str, Any]] = {
    "login": {"bytes": 1},
    "stale intervals": {"trigger": b'FROM "daybook"."ledger"', "answer": True},
    "select": {"trigger": b"__build_"},
    "answer to select": {"trigger": b"__build_", "answer": True},
    "checks": {"trigger": b"GROUP BY", "answer": True},
    "inputs": {"trigger": b'INSERT INTO "daybook"."inputs"', "answer": True},
}
DAYS = ("2021-02-05", "2021-02-06")


@pytest.fixture
def desk(net: Network) -> Desk:
    """Return a warehouse with a summary of two days, of which one is stale."""
    desk = Desk(net.ends, net.ends.destination.namespace)
    desk.run("CREATE SCHEMA IF NOT EXISTS {raw}")
    desk.run("CREATE TABLE {raw}.answers (id int, at timestamp, score int)")
    for number, day in enumerate(DAYS):
        desk.answer((number, f"{day} 10:00", 9), load=day)
    desk.build(desk.summary())
    desk.answer((7, f"{DAYS[1]} 11:00", 1), load=DAYS[1])
    return desk


OLD, NEW = [(1, 9), (1, 9)], [(1, 9), (2, 10)]


def seen(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.run("SELECT answers, total FROM {raw}.per_day ORDER BY day")


def has_new_build(desk: Desk) -> None:
    """Check that the new build is there once, with nothing left behind."""
    assert seen(desk) == NEW and len(desk.ledger("per_day")) == 2 and desk.left_behind() == []
    assert not desk.build(desk.summary()).built


def before_commit_of_swap(monkeypatch: pytest.MonkeyPatch, call: Callable[[], None]) -> None:
    """Call a function when a build is about to commit its swap, in its first attempt only."""
    original, calls = Moves.record, [call]

    def record(self: Moves, *args: Any) -> None:
        original(self, *args)
        while calls:
            calls.pop()()

    monkeypatch.setattr(Moves, "record", record)


@pytest.mark.each_value
@BOTH
@pytest.mark.parametrize("full_refresh", [False, True], ids=["one day", "all of it"])
@pytest.mark.parametrize("place", PLACES)
@by_fault
def test_a_warehouse_that_is_lost_once(net: Network, desk: Desk, full_refresh: bool, place: str, fault: str) -> None:
    net.warehouse.hold(**PLACES[place], **FAULTS[fault])
    assert replace(desk, ends=net.through).build(desk.summary(), full_refresh=full_refresh).built
    assert net.warehouse.hits == 1
    has_new_build(desk)


@pytest.mark.each_value
@BOTH
@pytest.mark.parametrize("full_refresh", [False, True], ids=["one day", "all of it"])
@pytest.mark.parametrize("answer", [True, False], ids=["answer to commit", "commit"])
@by_fault
def test_the_commit_is_lost(
    net: Network, desk: Desk, full_refresh: bool, answer: bool, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose() -> None:
        assert seen(desk) == OLD, "readers see nothing of a build that is not committed"
        net.warehouse.hold(b"COMMIT\0", answer=answer, **FAULTS[fault])

    if full_refresh:
        desk.run("CREATE VIEW {raw}.reader AS SELECT day, answers, total FROM {raw}.per_day")
    before_commit_of_swap(monkeypatch, lose)
    built = replace(desk, ends=net.through).build(desk.summary(), full_refresh=full_refresh)
    assert net.warehouse.hits == 1
    assert ("its response was lost" in built.why) == answer
    has_new_build(desk)


@pytest.mark.each_value
@BOTH
@pytest.mark.parametrize("fault", ["RST", pytest.param("silence", marks=pytest.mark.full)])
@pytest.mark.parametrize("place", ["login", "answer to select", "inputs"])
def test_a_warehouse_that_stays_lost(
    net: Network, desk: Desk, place: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    net.warehouse.hold(**PLACES[place], **FAULTS[fault] | {"always": True})
    through = replace(desk, ends=net.through)
    with pytest.raises(WarehouseLost) as caught:
        through.build(desk.summary())
    assert f"{desk.raw}.per_day: build: " in str(caught.value)
    assert "this machine can reach it. Then run this again" in str(caught.value)
    assert seen(desk) == OLD and len(desk.ledger("per_day")) == 1
    net.warehouse.open()
    through.build(desk.summary())
    has_new_build(desk)


@BOTH
def test_a_slow_network_is_no_fault(net: Network, desk: Desk) -> None:
    net.warehouse.slow(SILENCE / 100, 1 << 12)
    assert sum(replace(desk, ends=net.through).build(desk.summary()).seconds.values()) > SILENCE / 2
    has_new_build(desk)


def files_of(desk: Desk, folder: Path) -> str:
    """Write the files of the summary, and return its name."""
    (folder / desk.raw).mkdir()
    sql = PER_DAY.replace("{raw}", desk.raw).replace("{{", "{").replace("}}", "}")
    (folder / desk.raw / "per_day.sql").write_text(sql, encoding="utf-8")
    fields = "description: x\nowner: x\nkey: [day]\ninterval: day\ncursor: day\n"
    (folder / desk.raw / "per_day.yaml").write_text(fields, encoding="utf-8")
    return f"{desk.raw}.per_day"


@pytest.mark.each_value
@BOTH
@by_some_faults
def test_the_plan_of_the_builds(net: Network, desk: Desk, fault: str, tmp_path: Path) -> None:
    name = files_of(desk, tmp_path)
    net.warehouse.hold(b"pg_attribute", answer=True, **FAULTS[fault])
    assert plan_builds(net.through.warehouse, [name], tmp_path).order == (name,)
    assert net.warehouse.hits == 1


@pytest.mark.each_value
@BOTH
@pytest.mark.parametrize("command", ["check", "preview", "build"])
def test_the_command_of_a_lost_warehouse(
    net: Network, desk: Desk, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    name = files_of(desk, tmp_path)
    net.warehouse.hold(bytes=1, reset=True, always=True)
    with pytest.raises(SystemExit) as caught:
        main([command, name], warehouse=lambda: net.through.warehouse, folder=tmp_path)
    # Of Redshift, Daybook first reads a setting.
    what = "reading if the warehouse keeps the case of names" if net.ends.on_redshift else name
    assert what in str(caught.value) and "this machine can reach it. Then run this again" in str(caught.value)
    net.warehouse.hold(bytes=1, reset=True)
    main([command, name], warehouse=lambda: net.through.warehouse, folder=tmp_path)
    assert net.warehouse.reached.is_set()
