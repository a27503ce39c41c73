"""A table is taken out of the two files of its group. All that a person wrote into them stays."""

from pathlib import Path

import pytest

from daybook.definitions.table_groups.edit_group import without_table
from daybook.definitions.table_groups.group_file import found_path
from daybook.errors import TableFileError

GROUP = """\
# yaml-language-server: $schema=group.schema.json
source: {kind: database, block: production, tables: 'shop.*', exclude: ['tmp_*']}
schema: raw_shop
defaults: {owner: shop-team}           # fields of table files, for each table

tables:                                # exceptions, by the name in the warehouse
  # the orders
  orders:
    cursor: updated_at   # always set
    due: "08:00"

  # the events
  events: {load: replace_interval, start: 2024-01-01}
# the end
"""
LIST = """\
# Written by `daybook describe --refresh shop.yaml`. Exceptions belong in shop.yaml, not here.
tables:
  events: {table: shop.events, load: replace} # a guess
  orders: {table: shop.orders, load: replace} # certain
"""


def taken_out(tmp_path: Path, table: str, group: str = GROUP, found: str = LIST) -> tuple[str, str]:
    """The new text of the group and of its list."""
    path = tmp_path / "shop.yaml"
    path.write_text(group, encoding="utf-8")
    found_path(path).write_text(found, encoding="utf-8")
    texts = without_table(path, table)
    assert path.read_text("utf-8") == group, "nothing is written"
    return texts[path], texts[found_path(path)]


def test_the_line_the_exception_and_the_next_refresh(tmp_path: Path) -> None:
    group, found = taken_out(tmp_path, "orders")
    assert found == LIST.replace("  orders: {table: shop.orders, load: replace} # certain\n", "")
    expected = GROUP.replace("['tmp_*']", "[shop.orders, 'tmp_*']")
    expected = expected.replace('  orders:\n    cursor: updated_at   # always set\n    due: "08:00"\n', "")
    assert group == expected, "the comments above and below stay"


def test_the_last_exception_takes_the_field_with_it(tmp_path: Path) -> None:
    one = GROUP[: GROUP.index("  # the events")]
    group, found = taken_out(tmp_path, "orders", one, "tables:\n  orders: {table: shop.orders}\n")
    assert "tables:  " not in group and group.startswith(one[: one.index("source")])
    assert "defaults: {owner: shop-team}           # fields of table files" in group
    assert found == "tables: {}\n"


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [
        ("", "{kind: database, exclude: [shop.orders], tables: 'shop.*'}"),
        (", exclude: tmp_*", "{kind: database, tables: 'shop.*', exclude: [shop.orders, tmp_*]}"),
        (", exclude: [shop.orders]", "{kind: database, tables: 'shop.*', exclude: [shop.orders]}"),
    ],
    ids=["nothing", "one pattern", "the table"],
)
def test_what_is_excluded_already_stays_excluded(exclude: str, expected: str, tmp_path: Path) -> None:
    text = f"source: {{kind: database, tables: 'shop.*'{exclude}}}\ndefaults: {{owner: us}}\n"
    group, _ = taken_out(tmp_path, "orders", text)
    assert group == f"source: {expected}\ndefaults: {{owner: us}}\n"


def test_a_block_of_lines_stays_one(tmp_path: Path) -> None:
    text = "source:\n  kind: database\n  tables: 'shop.*'\n  exclude:\n  - tmp_*   # short\n\n# all\ndefaults: {}\n"
    group, _ = taken_out(tmp_path, "orders", text)
    assert group == text.replace("  - tmp_*", "  - shop.orders\n  - tmp_*")


def test_a_list_on_one_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableFileError, match=r"shop\.tables\.yaml: orders cannot be taken out: write each table in"):
        taken_out(tmp_path, "orders", found="tables: {orders: {table: shop.orders}, events: {table: shop.events}}\n")
