"""What `daybook describe` proposes for a table, with its reason, its certainty and its warning."""

from datetime import datetime, timedelta

import pytest

from daybook.definitions.describing.cursors import Evidence
from daybook.definitions.heuristics import SMALL, TINY, Proposal, propose
from daybook.model.types import Column, parse_type

DAY = datetime(2021, 2, 5)
RISING = [DAY + timedelta(hours=hour) for hour in range(10)]


def proposal(
    columns: str, evidence: Evidence, indexed: tuple[str, ...] = (), key: tuple[str, ...] = ("id",)
) -> Proposal:
    """Propose fields for a table of `columns`, as `name type`, where ? marks a nullable one."""
    parts = [part.split() for part in columns.split(",")]
    found = [Column(name, parse_type(type.rstrip("?")), type.endswith("?")) for name, type in parts]
    return propose(found, key, indexed, False, evidence)


def test_a_column_that_the_database_sets_in_each_update_is_certain_whatever_its_name() -> None:
    evidence = Evidence("t", 10, {"ladida": "ON UPDATE CURRENT_TIMESTAMP"})
    found = proposal("id integer, ladida timestamp, modified timestamp", evidence, ("modified",))
    assert (found.load, found.cursor, found.certainty) == ("upsert", "ladida", "certain")
    assert found.remarks["cursor"].startswith("certain: ON UPDATE CURRENT_TIMESTAMP; no index begins with it")


def test_a_time_that_rises_with_the_key_is_a_guess() -> None:
    evidence = Evidence("t", None, {}, {"bought": RISING, "born": RISING[::-1]})
    found = proposal("id integer, born timestamp, bought timestamp", evidence, ("bought",))
    assert (found.load, found.cursor, found.certainty) == ("replace_interval", "bought", "guess")
    assert "guess: its values rise with the key in 10 sampled rows" in found.remarks["cursor"]
    for sample in (RISING[:3], [DAY] * 10, [None, *RISING]):
        assert proposal("id integer, bought timestamp", Evidence("t", None, {}, {"bought": sample})).cursor is None


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ("id integer, created_at timestamp, status text", "status may change then"),
        ("id integer, created_at timestamp, paid_at timestamp?", "paid_at may change then"),
        ("created_at timestamp, updated_at timestamp, id integer", "updated_at may change then"),
    ],
)
def test_intervals_of_the_creation_of_rows_that_change_later_go_stale(columns: str, why: str) -> None:
    key = ("id",) if "updated_at" not in columns else ()
    large, small = (proposal(columns, Evidence("t", rows), ("created_at",), key) for rows in (SMALL + 1, SMALL))
    if large.cursor:  # a table without a key has no upsert, and replace is never stale
        assert (large.load, large.certainty) == ("replace_interval", "guess")
        assert "intervals of created_at miss rows that change on a later day" in large.warning and why in large.warning
    assert (small.load, small.cursor, small.warning) == ("replace", None, "")
    if key:
        assert "a small table (about 1,000,000 rows)" in small.remarks["load"] and why in small.remarks["load"]


@pytest.mark.parametrize(("rows", "load"), [(35, "replace"), (TINY, "replace"), (TINY + 1, "replace_interval")])
def test_a_tiny_table_is_replaced(rows: int, load: str) -> None:
    """Whether a name says when its rows were created, or only their order."""
    named = proposal("id integer, created_at timestamp", Evidence("t", rows), ("created_at",))
    rising = proposal("id integer, hired timestamp", Evidence("t", rows, {}, {"hired": RISING}))
    assert (named.load, rising.load) == (load, load)
    if rows == 35:
        assert named.remarks["load"] == (
            "a tiny table (about 35 rows). If it grows, load it by intervals of created_at"
        )
        assert (named.certainty, named.cursor, named.warning) == ("likely", None, "")


@pytest.mark.parametrize("rows", [0, None])
def test_an_empty_table_may_grow(rows: int | None) -> None:
    found = proposal("id integer, created_at timestamp", Evidence("t", rows), ("created_at",))
    assert (found.load, found.cursor) == ("replace_interval", "created_at")


def test_a_column_of_the_changes_of_one_attribute_is_a_guess_with_a_warning() -> None:
    columns = "id integer, password_changed_at timestamp"
    large = proposal(columns, Evidence("users", SMALL + 1))
    assert (large.load, large.certainty) == ("upsert", "guess") and "only changes with password" in large.warning
    assert proposal(columns, Evidence("users", 5)).load == "replace"


def test_a_modified_column_that_is_null_until_the_first_change() -> None:
    columns, sample = "id integer, updated_at timestamp?", {"updated_at": [None, *RISING]}
    large = proposal(columns, Evidence("t", SMALL + 1, {}, sample))
    assert large.load == "upsert" and "updated_at is NULL in some rows" in large.warning
    assert proposal(columns, Evidence("t", 5, {}, sample)).load == "replace"
    required = proposal(columns.replace("?", ""), Evidence("t", 5, {}, sample))
    assert required.remarks["load"].endswith(
        "; updated_at is a zero date or infinity in some rows, and intervals miss those rows"
    )


def test_a_large_table_without_a_cursor_is_replaced_with_a_warning() -> None:
    found = proposal("id integer, name text", Evidence("t", 50_000_000))
    assert found.load == "replace" and found.warning == "each load reads the whole table, about 50,000,000 rows"
