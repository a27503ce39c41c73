"""The tables and summaries whose definition differs from a git reference."""

import subprocess
from pathlib import Path

import pytest

from daybook.diff.changed_datasets import Selection, select
from daybook.diff.diff_report import Report

pytestmark = pytest.mark.servers  # git

TABLE = "description: One row per thing.\nsource: {kind: database, block: production, table: shop.x}\nload: replace\n"
FILES = {
    "daybook.yaml": "name: shop\ndefaults: {owner: shop}\ntargets: {dev: {}}\n",
    "tables/raw/a.yaml": TABLE,
    "tables/raw/b.yaml": TABLE + "owner: other\n",
    "tables/shop.yaml": "source: {kind: database, block: production, tables: 'shop.*'}\nschema: raw_shop\n",
    "tables/shop.tables.yaml": "tables: {carts: {load: replace}, refunds: {load: replace}}\n",
    "tables/analytics/daily.yaml": "description: One row per day.\nkey: [day]\n",
    "tables/analytics/daily.sql": "select day from raw.a\n",
    "tables/analytics/weekly.yaml": "description: One row per week.\nkey: [day]\n",
    "tables/analytics/weekly.sql": "select day from analytics.daily\n",
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    write(tmp_path, FILES)
    for words in ("init -q", "add .", "-c user.name=t -c user.email=t@e.com -c commit.gpgsign=false commit -qm x"):
        subprocess.run(["git", "-C", str(tmp_path), *words.split()], check=True)
    return tmp_path


def chosen(root: Path) -> tuple[dict[str, tuple[str, list[str]]], Selection]:
    selection = select(root, "HEAD", Report("", "", None))
    return {name: (one.state, [it.field for it in one.fields]) for name, one in selection.diffs.items()}, selection


def test_nothing_changed_in_any_target(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(root)[0] == {}
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    assert chosen(root)[0] == {}


def test_a_default_changes_the_tables_that_have_it(root: Path) -> None:
    write(root, {"daybook.yaml": FILES["daybook.yaml"].replace("owner: shop", "owner: data")})
    found = chosen(root)[0]
    assert set(found) == {"raw.a", "raw_shop.carts", "raw_shop.refunds", "analytics.daily", "analytics.weekly"}
    assert found["raw.a"] == found["raw_shop.carts"] == ("changed", ["owner"])


def test_an_exception_of_a_group_and_a_new_table_of_it(root: Path) -> None:
    write(
        root,
        {
            "tables/shop.yaml": FILES["tables/shop.yaml"] + "tables: {refunds: {schedule: 6h}}\n",
            "tables/shop.tables.yaml": "tables: {orders: {load: replace}, refunds: {load: replace}}\n",
        },
    )
    assert chosen(root)[0] == {
        "raw_shop.carts": ("removed", []),
        "raw_shop.orders": ("new", []),
        "raw_shop.refunds": ("changed", ["schedule.every"]),
    }


def test_the_summaries_that_read_a_changed_table_are_compared_too(root: Path) -> None:
    write(root, {"tables/raw/a.yaml": TABLE + "mask: {x: hash}\n"})
    found, selection = chosen(root)
    assert found == {
        "raw.a": ("changed", ["mask.x"]),
        "analytics.daily": ("unchanged", []),
        "analytics.weekly": ("unchanged", []),
    }
    assert selection.downstream("raw.a") == ("analytics.daily", "analytics.weekly")
    assert [table.name for table in selection.tables] == ["raw.a"]


def test_a_filter_of_the_target_and_a_target_that_is_new(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = FILES["daybook.yaml"].replace("{dev: {}}", "{dev: {where: {raw.a: day > 1}}, stage: {}}")
    write(root, {"daybook.yaml": text})
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    assert chosen(root)[0]["dev_raw.a"] == ("changed", ["source.where"])
    monkeypatch.setenv("DAYBOOK_TARGET", "stage")
    assert {state for state, _ in chosen(root)[0].values()} == {"new"}


def test_a_file_that_is_invalid_now_and_one_that_was(root: Path) -> None:
    write(root, {"tables/raw/a.yaml": "load: nonsense\n", "tables/raw/b.yaml": TABLE})
    report = Report("", "", None)
    selection = select(root, "HEAD", report)
    assert set(selection.diffs) == {"raw.b"}
    assert "tables/raw/a.yaml" in report.problems[0].why
