"""Table files: one error names every problem with file, field and remedy. The JSON Schema describes the files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daybook.definitions.table_files import json_schema, read_table, table_names
from daybook.errors import TableFileError
from daybook.sources.database import Config

GOOD = """
description: An answer a row.
owner: data-team
source: {kind: database, table: prod.nps}
key: [id]
cursor: created_at
interval: day
start: 2021-02-05
load: upsert
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "raw" / "nps.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> str:
    path = write(folder, text)
    with pytest.raises(TableFileError) as caught:
        read_table("raw.nps", folder)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_good_file(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    table = read_table("raw.nps", tmp_path)
    assert (table.name, table.key, table.load, table.timezone) == ("raw.nps", ("id",), "upsert", "UTC")
    assert table_names(tmp_path) == ["raw.nps"]


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (("cursor: created_at\n", ""), ["cursor", "load: replace"]),
        (("interval: day\n", ""), ["interval", "load: replace"]),
        (("key: [id]\n", ""), ["key"]),
        (("owner: data-team\n", ""), ["owner", "missing"]),
        (("owner:", "ownr:"), ["ownr", "did you mean 'owner'"]),
        (("load: upsert", "load: upsrt"), ["load", "replace_interval"]),
        (("interval: day", "interval: days"), ["interval", "day"]),
        (("load: upsert", "load: upsert\ntimezone: Europe/Berlyn"), ["timezone", "Europe/Berlin"]),
        (("load: upsert", 'load: upsert\ndue: "25:00"'), ["due"]),
        (("load: upsert", "load: upsert\nshrink_limit: 2"), ["shrink_limit"]),
        (("load: upsert", "load: upsert\ncolumns: {id: bigit, created_at: timestamp}"), ["columns", "bigit", "bigint"]),
        (("load: upsert", "load: upsert\ncolumns: {ids: bigint, created_at: timestamp}"), ["'id'", "'ids'"]),
        (("load: upsert", "load: upsert\nchecks: [{sql: select 1}]"), ["checks", "add equals, at_least or at_most"]),
        (("key: [id]", "key: [id, id]"), ["twice"]),
        (("table: prod.nps", "table: a.b.c"), ["source", "schema.table"]),
        (("table: prod.nps", "tabel: prod.nps"), ["source.database.tabel", "did you mean 'table'"]),
        (("owner: data-team", "owner: data-team\nowner: others"), ["owner"]),
        (("owner: data-team", "name: x\nowner: data-team"), ["name", "cannot be set here; remove it"]),
        (("owner: data-team", "owner: ["), ["not YAML"]),
        ((GOOD, "just text"), ["must contain fields"]),
    ],
    ids=lambda case: case[1].strip()[:30] if isinstance(case, tuple) else "",
)
def test_a_wrong_file(tmp_path: Path, change: tuple[str, str], texts: list[str]) -> None:
    assert change[0] in GOOD
    message = refused(tmp_path, GOOD.replace(*change))
    assert all(text in message for text in texts), message


def test_one_error_has_every_problem(tmp_path: Path) -> None:
    message = refused(tmp_path, GOOD.replace("owner: data-team", "ownr: x").replace("upsert", "upsrt"))
    assert "ownr" in message and "owner" in message and "load" in message


def test_yaml_is_1_2(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("owner: data-team", "owner: NO"))
    assert read_table("raw.nps", tmp_path).owner == "NO"


def test_due_is_a_time_with_or_without_quotes(tmp_path: Path) -> None:
    for text in ('"10:00"', "10:00"):
        write(tmp_path, f"{GOOD}due: {text}\n")
        due = read_table("raw.nps", tmp_path).due
        assert due and (due.hour, due.minute) == (10, 0)
    assert "in quotes" in refused(tmp_path, f"{GOOD}due: 600\n")


def test_a_table_without_a_file(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(TableFileError, match=r"no table 'raw\.npz'.*did you mean 'raw\.nps'"):
        read_table("raw.npz", tmp_path)
    with pytest.raises(TableFileError, match=r"no table 'nps': expected schema\.table; did you mean 'raw\.nps'"):
        read_table("nps", tmp_path)


def choices_of(schema: Any) -> Iterator[list[Any]]:
    """Yield every list of choices in a JSON Schema."""
    if isinstance(schema, dict):
        yield from [schema["enum"]] if isinstance(schema.get("enum"), list) else []
    if isinstance(schema, dict | list):
        for part in schema.values() if isinstance(schema, dict) else schema:
            yield from choices_of(part)


def test_the_choice_null_needs_no_quotes(tmp_path: Path) -> None:
    """YAML reads an unquoted null as None."""
    with_null = [choices for choices in choices_of(json_schema()) if "null" in choices]
    assert len(with_null) >= 3 and all(None in choices for choices in with_null)
    for null in ("null", "~", '"null"'):
        path = write(tmp_path, GOOD.replace("kind: database", f"kind: database, zero_dates: {null}"))
        table = read_table(f"{path.parent.name}.{path.stem}", tmp_path)
        assert isinstance(table.source, Config) and table.source.zero_dates == "null"
