"""A table file with a `too_long:` that no load could follow is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from daybook.definitions.table import Table

FIELDS: dict[str, Any] = {
    "name": "raw.things", "description": "x", "owner": "x", "load": "upsert", "key": ["id"], "cursor": "at",
    "interval": "day", "source": {"kind": "database", "table": "things"},
}  # fmt: skip
COLUMNS = {"id": "text", "at": "timestamp", "note": "text", "doc": "json", "price": "decimal(5,2)"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"too_long": {"id": "truncate"}}, "too_long: id is the key, the cursor or the flag of deleted rows"),
        ({"too_long": {"at": None}}, "too_long: at is the key, the cursor"),
        ({"too_long": {"gone": "null"}, "deleted": "gone"}, "too_long: gone is the key, the cursor or the flag"),
        ({"too_long": {"note": "null"}, "mask": {"note": "hash"}}, "too_long: note is masked, so no value is too long"),
        ({"too_long": {"nore": "null"}, "columns": COLUMNS}, "too_long has 'nore', which is not among columns.*note"),
        ({"too_long": {"price": "null"}, "columns": COLUMNS}, r"declares price as decimal\(5, 2\), and only texts"),
        ({"too_long": {"doc": "truncate"}, "columns": COLUMNS}, "declares doc as json, and a part of a JSON value"),
        ({"too_long": {"note": "cut"}}, "Input should be 'fail', 'truncate' or 'null'"),
    ],
)
def test_what_no_load_could_follow(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Table(**FIELDS | fields)


def test_null_needs_no_quotes_in_yaml() -> None:
    table = Table(**FIELDS, too_long={"note": None, "doc": "null", "id": "fail"}, columns=COLUMNS)
    assert table.too_long == {"note": "null", "doc": "null", "id": "fail"}
