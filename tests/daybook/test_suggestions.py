"""Suggestions for misspelt names."""

import pytest

from daybook.suggestions import closest, did_you_mean, in_full

COLUMNS = ["created_at", "updated_at", "score"]


def test_one_name_is_close() -> None:
    assert did_you_mean("scoer", COLUMNS) == "; did you mean 'score'?"
    assert did_you_mean("scoer", COLUMNS, "correct the table file") == "; did you mean 'score'?"


@pytest.mark.parametrize(("otherwise", "expected"), [("", ""), ("it has score", "; it has score")])
def test_no_name_is_close(otherwise: str, expected: str) -> None:
    assert did_you_mean("email", COLUMNS, otherwise) == expected
    assert did_you_mean("email", [], otherwise) == expected


def test_several_names_are_close() -> None:
    assert did_you_mean("reated_at", COLUMNS, most=2) == "; did you mean 'created_at' or 'updated_at'?"
    assert did_you_mean("x", ["a", "b", "c"], most=3, cutoff=0).endswith("'?")
    assert did_you_mean("x", ["a", "b", "c"], most=3, cutoff=0).count(", ") == 1


def test_a_name_is_printed_once_in_its_own_spelling() -> None:
    spelt = {"berlin": "Europe/Berlin", "europe/berlin": "Europe/Berlin"}
    assert did_you_mean("berln", spelt, most=3, cutoff=0.5, shown=spelt) == "; did you mean 'Europe/Berlin'?"


def test_closest() -> None:
    assert closest("scoer", COLUMNS) == "score"
    assert closest("email", COLUMNS) is None


TABLES = ["raw.orders", "raw.visits", "old.visits", "shop.customers"]


@pytest.mark.parametrize(
    ("typed", "name", "said"),
    [
        ("orders", "raw.orders", ""),
        ("raw.orders", "raw.orders", ""),
        ("visits", "visits", "; did you mean 'raw.visits' or 'old.visits'?"),
        ("ordres", "ordres", "; did you mean 'raw.orders'?"),
        ("prod.customers", "prod.customers", "; did you mean 'shop.customers'?"),
        ("zzz", "zzz", ""),
    ],
)
def test_a_table_without_its_schema(typed: str, name: str, said: str) -> None:
    assert in_full(typed, TABLES) == name
    assert name in TABLES or did_you_mean(typed, TABLES) == said
