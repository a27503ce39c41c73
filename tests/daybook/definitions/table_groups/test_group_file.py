"""One file for many tables: what was found, then the defaults, then the exceptions; a file of its own takes over."""

from pathlib import Path

import pytest

from daybook.definitions.describing.proposed_file import ProposedFile
from daybook.definitions.describing.schema import DescribedTables
from daybook.definitions.heuristics import propose
from daybook.definitions.registry import datasets
from daybook.definitions.table_files import read_table, table_names
from daybook.definitions.table_groups import refresh_group as refreshing
from daybook.errors import TableFileError
from daybook.model.types import Column, parse_type

GROUP = """
source: {kind: database, block: shop, tables: 'shop.*', exclude: 'tmp_*', zero_dates: "null"}
schema: raw_shop
defaults: {owner: shop-team, timezone: Europe/Berlin}
tables:
  orders: {load: replace, due: "10:00"}
"""
FOUND = """
tables:
  orders: {table: shop.orders, load: upsert, key: [id], cursor: updated_at, interval: day, start: 2021-02-05} # likely
  or_ders: {table: [shop, or.ders], description: "One row per order.", load: replace}
"""


def group(root: Path, text: str = GROUP, found: str | None = FOUND) -> Path:
    folder = root / "tables"
    folder.mkdir(exist_ok=True)
    (folder / "shop.yaml").write_text(text)
    if found:
        (folder / "shop.tables.yaml").write_text(found)
    return folder


def test_the_fields_are_merged_from_the_list_the_defaults_and_the_exceptions(tmp_path: Path) -> None:
    (tmp_path / "daybook.yaml").write_text("defaults: {owner: everyone, shrink_limit: 0.25, load: replace}")
    folder = group(tmp_path)
    assert table_names(folder) == ["raw_shop.or_ders", "raw_shop.orders"]
    orders, other = (read_table(f"raw_shop.{name}", folder) for name in ("orders", "or_ders"))
    assert (orders.load, orders.key, orders.owner, orders.timezone) == (
        "replace",
        ("id",),
        "shop-team",
        "Europe/Berlin",
    )
    assert (orders.source.block, orders.source.table, orders.source.zero_dates) == ("shop", ("shop", "orders"), "null")
    assert orders.due and orders.shrink_limit == 0.25 and orders.description == "Rows of shop.orders."
    assert (other.source.table, other.description) == (("shop", "or.ders"), "One row per order.")
    found, problems = datasets(folder)
    assert len(found) == 2 and not problems


def test_a_file_of_its_own_takes_over(tmp_path: Path) -> None:
    folder = group(tmp_path)
    own = folder / "raw_shop" / "orders.yaml"
    own.parent.mkdir()
    own.write_text("description: Mine.\nowner: me\nsource: {kind: database, table: shop.orders}\nload: replace\n")
    assert table_names(folder) == ["raw_shop.or_ders", "raw_shop.orders"]
    assert (read_table("raw_shop.orders", folder).owner, datasets(folder)[1]) == ("me", [])


def test_without_the_list_the_error_has_the_command(tmp_path: Path) -> None:
    folder = group(tmp_path, found=None)
    command = rf"shop.tables.yaml is missing. Run daybook describe --refresh {folder}/shop.yaml, and commit"
    with pytest.raises(TableFileError, match=command):
        read_table("raw_shop.orders", folder)
    (problem,) = datasets(folder)[1]
    assert "is missing. Run daybook describe --refresh" in str(problem)
    with pytest.raises(TableFileError, match=r"no table 'raw\.orders'"):
        read_table("raw.orders", folder)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("  orders: {load", "  ordesr: {load"), "shop.yaml: tables.ordesr: shop.tables.yaml has no such table"),
        (("load: replace, due", "lod: replace, due"), "shop.yaml: tables.orders: lod: unknown field"),
        (("owner: shop-team, timezone", "owner: shop-team, timezne"), "shop.yaml: defaults: timezne: unknown field"),
        (("zero_dates", "zero_date"), "shop.yaml: source.database.zero_date: unknown field"),
        (("defaults:", "defauls:"), "shop.yaml: defauls: unknown field; did you mean 'defaults'"),
    ],
)
def test_an_error_names_the_place_of_the_wrong_value(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    assert change[0] in GROUP
    folder = group(tmp_path, GROUP.replace(*change))
    assert any(expected in str(problem) for problem in datasets(folder)[1])


def proposed(name: str, columns: str) -> ProposedFile:
    found = [Column(*(column.split()[0], parse_type(column.split()[1])), False) for column in columns.split(",")]
    proposal = propose(found, ("id",), (), view=False)
    return ProposedFile(f"raw_shop.{name}", "shop", ("shop", name), proposal, {}, None)


def test_a_refresh_adds_and_removes_tables_and_keeps_the_lines_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [proposed("orders", "id integer, updated_at timestamp"), proposed("items", "id integer")]
    described = DescribedTables(found, {})
    asked = []
    monkeypatch.setattr(refreshing, "describe_all", lambda *given: asked.append(given[1:5]) or described)
    folder = group(tmp_path, GROUP.replace("  orders:", "  items:"), found=None)
    first = refreshing.refresh(folder / "shop.yaml", None)  # type: ignore[arg-type]
    assert asked == [("shop", ("shop.*",), ("tmp_*",), "raw_shop.*")]
    assert (first.added, first.removed, first.differing) == (("items", "orders"), (), ())
    assert (read_table("raw_shop.orders", folder).load, datasets(folder)[1]) == ("upsert", [])
    listed = folder / "shop.tables.yaml"
    assert "  items: {table: shop.items, load: replace, key: [id]} # certain: no column has" in listed.read_text()
    listed.write_text(listed.read_text().replace("upsert", "replace").replace("items", "gone"))
    second = refreshing.refresh(folder / "shop.yaml", None)  # type: ignore[arg-type]
    assert (second.added, second.removed, second.differing) == (("items",), ("gone",), ("orders",))
    assert read_table("raw_shop.orders", folder).load == "replace"
    refreshing.refresh(folder / "shop.yaml", None, force=True)  # type: ignore[arg-type]
    assert read_table("raw_shop.orders", folder).load == "upsert"
    described.problems["shop.orders"] = "denied"
    described.files.pop(0)
    assert refreshing.refresh(folder / "shop.yaml", None).removed == ()  # type: ignore[arg-type]
