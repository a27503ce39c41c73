"""The fields of two versions of a table file."""

from typing import Any

import pytest

from daybook.definitions.table import Table
from daybook.diff.field_changes import field_changes, reload_reasons


def table(**fields: Any) -> Table:
    given = {
        "description": "One row per thing.",
        "owner": "data",
        "load": "replace_interval",
        "cursor": "at",
        "interval": "day",
        "source": {"kind": "database", "table": "shop.things"},
        **fields,
    }
    return Table(name="raw.things", **given)


def changes(before: Table, after: Table) -> list[tuple[str, str | None, str | None]]:
    return [(one.field, one.before, one.after) for one in field_changes(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, []),
        ({}, {"schedule": "0 6 * * *"}, [("schedule.cron", None, "0 6 * * *")]),
        ({"schedule": "6h"}, {"schedule": "8h"}, [("schedule.every", "6h", "8h")]),
        ({"mask": {"email": "hash"}}, {"mask": {}}, [("mask.email", "hash", None)]),
        (
            {},
            {"source": {"kind": "database", "table": "shop.things", "where": "a > 1"}},
            [("source.where", None, "a > 1")],
        ),
        ({"key": ["id"]}, {"key": ["id", "day"]}, [("key", "id", "id, day")]),
        ({}, {"checks": [{"not_null": "id"}]}, [("checks", None, '{"not_null": ["id"]}')]),
        ({"start": "2021-01-01"}, {"start": "2020-01-01"}, [("start", "2021-01-01", "2020-01-01")]),
    ],
)
def test_each_field_that_differs(before: Any, after: Any, expected: Any) -> None:
    found = changes(table(**before), table(**after))
    if expected and expected[0][0] == "checks":
        assert [(name, old) for name, old, _ in found] == [("checks", None)] and "not_null" in str(found[0][2])
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("after", "in_place", "whole"),
    [
        ({"description": "Another text.", "schedule": "6h", "load": "replace_interval"}, [], []),
        ({"mask": {"email": "hash"}}, ["mask.email"], []),
        ({"columns": {"at": "date"}}, ["columns.at"], []),
        ({"source": {"kind": "database", "table": "shop.things", "where": "a > 1"}}, [], ["source.where"]),
        ({"source": {"kind": "database", "table": "shop.things", "replica": "other"}}, [], []),
        ({"source": {"kind": "database", "table": "shop.things", "zero_dates": "null"}}, ["source.zero_dates"], []),
        ({"timezone": "Europe/Berlin"}, [], ["timezone"]),
    ],
)
def test_which_changes_force_a_reload(after: Any, in_place: list[str], whole: list[str]) -> None:
    assert reload_reasons(field_changes(table(), table(**after))) == (in_place, whole)
