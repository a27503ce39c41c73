"""Suggestions for misspelt names."""

import pytest

from daybook.suggestions import closest, did_you_mean

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
