"""The defaults in daybook.yaml apply to table files and summary files. An error names the file of the wrong value."""

from pathlib import Path

import pytest

from daybook.definitions.registry import datasets
from daybook.definitions.summary_files import read_summary
from daybook.definitions.table_files import read_table
from daybook.errors import TableFileError

ORDERS = "description: One row per order.\nsource: {kind: database, table: shop.orders}\nkey: [id]\n"
PROJECT = """
defaults: {owner: everyone, timezone: Europe/Berlin, load: replace, source: {zero_dates: "null"}, cursor: modified}
sources:
  production: {owner: of-source, due: "10:00"}
  other: {owner: of-another}
schemas:
  raw: {owner: of-schema}
  raw2: {owner: of-another}
"""


def project(root: Path, text: str, **tables: str) -> Path:
    (root / "daybook.yaml").write_text(text)
    for name, content in tables.items():
        path = root / "tables" / "raw" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root / "tables"


def test_the_nearest_default_applies_and_the_file_has_the_last_word(tmp_path: Path) -> None:
    folder = project(tmp_path, PROJECT, orders=ORDERS, mine=f"{ORDERS}owner: me\ndue: null\n")
    orders, mine = read_table("raw.orders", folder), read_table("raw.mine", folder)
    assert (orders.owner, orders.timezone, orders.load, orders.cursor) == (
        "of-schema",
        "Europe/Berlin",
        "replace",
        "modified",
    )
    assert orders.due and orders.due.hour == 10 and orders.source.zero_dates == "null"
    assert orders.source.table == ("shop", "orders") and orders.source.block == "production"
    assert (mine.owner, mine.due) == ("me", None)
    folder = project(tmp_path, PROJECT.replace("  raw: {owner: of-schema}\n", ""))
    assert read_table("raw.orders", folder).owner == "of-source"


def test_a_source_of_another_kind_takes_nothing_from_the_default_source(tmp_path: Path) -> None:
    text = "defaults: {owner: us, load: replace, source: {kind: database, block: shop}}"
    csv = "description: Names.\nsource: {kind: csv, url: 'https://example.com/names.csv'}\n"
    folder = project(tmp_path, text, names=csv, orders=ORDERS)
    assert read_table("raw.names", folder).source.kind == "csv"
    assert read_table("raw.orders", folder).source.block == "shop"


def test_a_summary_takes_the_defaults_that_do_not_change_its_rows(tmp_path: Path) -> None:
    folder = project(tmp_path, PROJECT, daily="description: Days.\nkey: [day]\n")
    (folder / "raw" / "daily.sql").write_text("SELECT 1 AS day")
    daily = read_summary("raw.daily", folder)
    assert (daily.owner, daily.timezone, daily.cursor, daily.key) == ("everyone", "Europe/Berlin", None, ("day",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("defaults: {ownr: x}", "daybook.yaml: defaults: ownr: unknown field; did you mean 'owner'"),
        ("sources: {production: {due: 600}}", "daybook.yaml: sources.production: due: write the time in quotes"),
        ("schemas: {raw: {timezone: 5}}", "daybook.yaml: schemas.raw: timezone: "),
        ("defaults: {source: {zero_dates: maybe}}", "daybook.yaml: defaults: source.database.zero_dates: "),
        ("schemas: {raw: {name: x}}", "daybook.yaml: schemas.raw: name: unknown field"),
        ("defaults: {interval: days}", "daybook.yaml: defaults: interval: "),
        ("defaults: {owner: null}", "daybook.yaml: defaults: owner: "),
        ("{}", "orders.yaml: owner: missing; add it"),
    ],
)
def test_an_error_names_the_file_of_the_wrong_value(tmp_path: Path, text: str, expected: str) -> None:
    folder = project(tmp_path, text, orders=f"{ORDERS}load: replace\n")
    with pytest.raises(TableFileError) as caught:
        read_table("raw.orders", folder)
    assert expected in str(caught.value) and str(tmp_path) in str(caught.value)


def test_pyproject_toml_has_defaults_too(tmp_path: Path) -> None:
    folder = project(tmp_path, "", orders=f"{ORDERS}load: replace\n")
    (tmp_path / "daybook.yaml").unlink()
    (tmp_path / "pyproject.toml").write_text('[tool.daybook.defaults]\nowner = "us"\n')
    assert read_table("raw.orders", folder).owner == "us"
    (tmp_path / "pyproject.toml").write_text('[tool.daybook.defaults]\nownr = "us"\n')
    with pytest.raises(TableFileError, match=r"pyproject.toml: \[tool.daybook\]: defaults: ownr: unknown field"):
        read_table("raw.orders", folder)


def test_one_wrong_default_is_one_problem_however_many_tables_there_are(tmp_path: Path) -> None:
    tables = {f"t{number}": f"{ORDERS}load: replace\n" for number in range(5)}
    folder = project(tmp_path, "defaults: {owner: us, due: 600}", **tables)
    found, problems = datasets(folder)
    assert not found and len(problems) == 1


@pytest.mark.parametrize(
    ("field", "text", "remedy"),
    [
        ("owner", "NAME_THE_TEAM_TO_ASK", "write the team that answers questions about the table"),
        ("description", "SAY WHAT ONE ROW OF shop.orders REPRESENTS", "write what one row represents"),
        ("description", "DESCRIBE WHAT ONE ROW OF shop.orders REPRESENTS", "write what one row represents"),
        ("description", "SAY WHAT ONE ROW OF shop.orders IS", "write what one row represents"),
    ],
)
def test_a_placeholder_is_refused(tmp_path: Path, field: str, text: str, remedy: str) -> None:
    fields = {"description": "One row per order.", "owner": "us", field: text}
    content = "".join(f"{name}: {value}\n" for name, value in fields.items())
    folder = project(tmp_path, "{}", orders=f"{content}source: {{kind: database, table: shop.orders}}\nload: replace\n")
    with pytest.raises(TableFileError) as caught:
        read_table("raw.orders", folder)
    message = str(caught.value)
    assert f"orders.yaml: {field}: '{text}' is a placeholder" in message and remedy in message
