"""The field `redshift:` of table files and summary files: what it accepts, and what it says about mistakes."""

from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.summary import Summary
from daybook.definitions.table import Table
from daybook.definitions.table_files import json_schema, read_table
from daybook.errors import TableFileError

FILE = """\
description: One row per order.
owner: tests
key: [id]
load: replace
source: {kind: csv, url: "https://example.com/orders.csv"}
columns: {id: bigint, Region: varchar(9), score: int}
"""


def read(folder: Path, layout: str, more: str = "") -> Table:
    (folder / "raw").mkdir(exist_ok=True)
    (folder / "raw/orders.yaml").write_text(f"{FILE}redshift: {layout}\n{more}", encoding="utf-8")
    return read_table("raw.orders", folder)


@pytest.mark.parametrize(
    ("text", "columns", "word"),
    [
        ("{distkey: id, diststyle: KEY, sortkey: [Region, id], encode: {score: AZ64}}", ("Region", "id"), None),
        ("{sortkey: score, distkey: region}", ("score",), None),
        ("{sortkey: AUTO, diststyle: all}", (), "auto"),
        ("{sortkey: none}", (), "none"),
        ("{sortkey: [id, score], sort_type: interleaved}", ("id", "score"), None),
        ("{}", (), None),
    ],
)
def test_what_it_accepts(tmp_path: Path, text: str, columns: tuple[str, ...], word: str | None) -> None:
    layout = read(tmp_path, text).layouts["redshift"]
    assert (layout.sort_columns, layout.sort_word) == (columns, word)


def test_a_column_may_be_called_auto() -> None:
    layout = Summary(
        name="a.b", sql="", description="x", owner="x", key="auto", redshift={"sortkey": ["auto"]}
    ).layouts["redshift"]
    assert (layout.sort_columns, layout.sort_word) == (("auto",), None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{dist_key: id}", "redshift.dist_key: unknown field; did you mean 'distkey'?"),
        ("{distkeys: id}", "did you mean 'distkey'?"),
        ("{sort_key: id}", "did you mean 'sortkey'?"),
        ("{sort: id}", "did you mean 'sortkey'?|expected one of diststyle, distkey, sortkey"),
        ("{distkey: ID2}", "redshift.distkey: columns: lacks 'ID2'"),
        ("{sortkey: [id, scor]}", "redshift.sortkey: columns: lacks 'scor'; did you mean 'score'?"),
        ("{encode: {regoin: zstd}}", "redshift.encode: columns: lacks 'regoin'; did you mean 'region'|'Region'"),
        ("{encode: {score: azz64}}", r"redshift.encode.score: no such encoding; .*; did you mean 'az64'\?"),
        ("{diststyle: evn}", "'auto', 'even', 'all' or 'key'"),
        ("{diststyle: key}", "diststyle: key needs distkey"),
        ("{diststyle: even, distkey: id}", "distkey needs diststyle: key, but it is even"),
        ("{sort_type: interleaved}", "sort_type: interleaved needs sortkey"),
        ("{sort_type: interleaved, sortkey: auto}", "sort_type: interleaved needs sortkey"),
        ("{sortkey: [id, id]}", "sortkey has a column twice"),
        ("{sortkey: []}", "sortkey has no columns"),
        ("distkey", "expected fields|valid dictionary"),
    ],
)
def test_what_it_says_about_mistakes(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TableFileError, match=said):
        read(tmp_path, text)


def test_a_column_that_is_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(TableFileError, match=r"redshift.distkey: mask: drops the column 'score'"):
        read(tmp_path, "{distkey: score}", "mask: {score: drop}\n")


def test_too_many_columns() -> None:
    names = [f"c{n}" for n in range(9)]
    given: dict[str, Any] = {"name": "a.b", "sql": "", "description": "x", "owner": "x", "key": "c0"}
    Summary(**given, redshift={"sortkey": names})
    with pytest.raises(ValueError, match="a sort key that is interleaved has at most 8 columns"):
        Summary(**given, redshift={"sortkey": names, "sort_type": "interleaved"})


@pytest.mark.parametrize("model", [Table, Summary])
def test_editors_know_it(model: type[Table] | type[Summary]) -> None:
    schema = json_schema(model)
    assert schema["properties"]["redshift"]["anyOf"][0] == {"$ref": "#/$defs/RedshiftLayout"}
    assert "zstd" in schema["$defs"]["RedshiftLayout"]["properties"]["encode"]["additionalProperties"]["enum"]
