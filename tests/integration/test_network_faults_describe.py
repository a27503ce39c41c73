"""`daybook describe` over connections that fail: it answers, or names the table and writes no file."""

from pathlib import Path
from typing import Any

import pytest

from daybook.cli.describe import main
from daybook.definitions.describe import describe
from daybook.errors import SourceLost
from daybook.sql import retries
from tests.support.faulty_network import FAULTS, SILENCE, Network, by_fault, net

__all__ = ["net"]
SERVERS = ["mariadb", "mysql", "postgres"]
BOTH = pytest.mark.parametrize("net", [f"{server}-postgres-folder" for server in SERVERS], indirect=True)
#: Options of `Gate.hold`, for MySQL and for PostgreSQL.
PLACES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "login": ({"bytes": 1}, {"bytes": 1}),
    "lock": ({"trigger": b"LIMIT 0"}, {"trigger": b"LOCK TABLE"}),
    "columns": ({"trigger": b"information_schema.columns", "answer": True}, {"trigger": b"attname", "answer": True}),
    "indexes": ({"trigger": b"SHOW INDEX", "answer": True}, {"trigger": b"pg_index", "answer": True}),
    "first value": (
        {"trigger": b"ORDER BY `updated_at`", "answer": True},
        {"trigger": b'min("updated_at")', "answer": True},
    ),
}


def place_of(net: Network, place: str) -> dict[str, Any]:
    assert net.ends.source is not None
    return PLACES[place][0 if net.ends.source.is_mysql else 1]


def prepared(net: Network) -> tuple[str, str]:
    """Make a table with an indexed cursor. Return its name, and what `daybook describe` proposes for it."""
    source = net.ends.source
    assert source is not None
    clock = "datetime" if source.is_mysql else "timestamp"
    source.run(f"CREATE TABLE things (id int PRIMARY KEY, updated_at {clock} NOT NULL, word varchar(80))")
    source.run("CREATE INDEX things_at ON things (updated_at)")
    source.insert("things", [(1, "2021-02-05 10:00:00", "x")])
    name = f"{source.namespace}.things"
    _, text = describe(net.ends, "production", name)
    assert "start: 2021-02-05" in text
    return name, text


@pytest.mark.each_value
@BOTH
@pytest.mark.parametrize("place", PLACES)
@by_fault
def test_a_source_that_is_lost_once(net: Network, place: str, fault: str) -> None:
    name, text = prepared(net)
    net.source.hold(**place_of(net, place), **FAULTS[fault])
    assert describe(net.through, "production", name) == ("raw_data.things", text)
    assert net.source.hits == 1


@BOTH
@pytest.mark.parametrize("fault", ["RST", pytest.param("silence", marks=pytest.mark.full)])
def test_a_source_that_stays_lost(net: Network, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    name, text = prepared(net)
    net.source.hold(**place_of(net, "first value"), **FAULTS[fault] | {"always": True})
    with pytest.raises(SourceLost) as caught:
        describe(net.through, "production", name)
    assert f"describing {name}: " in str(caught.value) and caught.value.may_pass
    assert "this machine can reach it. Then run this again" in str(caught.value)
    with pytest.raises(SystemExit) as left:
        main(["production", name, "--write"], keys=net.through, folder=tmp_path / "tables")  # type: ignore[arg-type]
    assert f"SourceLost: describing {name}: " in str(left.value) and not (tmp_path / "tables").exists()
    net.source.open()
    main(["production", name, "--write"], keys=net.through, folder=tmp_path / "tables")  # type: ignore[arg-type]
    assert (tmp_path / "tables/raw_data/things.yaml").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("net", ["mysql-postgres-folder", "postgres-postgres-folder"], indirect=True)
def test_a_slow_network_is_no_fault(net: Network) -> None:
    name, text = prepared(net)
    net.source.slow(SILENCE / 50, 1 << 10)
    assert describe(net.through, "production", name)[1] == text
