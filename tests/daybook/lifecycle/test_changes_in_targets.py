"""Two targets in one database: a command of one never finds a table of the other."""

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daybook.ledger.ledger import Coverage
from daybook.lifecycle import changes
from daybook.lifecycle.changes import check_free, files_of, find, move_files
from daybook.lifecycle.errors import ChangeRefused
from daybook.lifecycle.table_list import Known, listed

NOW = datetime(2021, 2, 9, 12, tzinfo=UTC)
ORDERS = "description: x\nowner: data\nsource: {kind: database, table: a.b}\nload: replace\n"
#: What the ledger of the shared database has: both targets' tables, and one of each whose file is gone.
LEDGER = ["raw.orders", "dev_raw.orders", "raw.gone", "dev_raw.gone", "dbt_ann_raw.orders"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "daybook.yaml").write_text('targets: {dev: {}, mine: {schema_prefix: "dbt_{user}_"}}')
    (tmp_path / "tables/raw").mkdir(parents=True)
    (tmp_path / "tables/raw/orders.yaml").write_text(ORDERS)
    monkeypatch.setenv("DAYBOOK_PROJECT", str(tmp_path))
    monkeypatch.delenv("DAYBOOK_TARGET", raising=False)
    ends = {name: Coverage(NOW, NOW, NOW, NOW) for name in LEDGER}
    read = lambda _, names=LEDGER: {name: ends[name] for name in names if name in ends}  # noqa: E731
    monkeypatch.setattr(changes, "Ledger", lambda _: SimpleNamespace(ends=read))
    return tmp_path / "tables"


WAREHOUSE: Any = SimpleNamespace(session=lambda: nullcontext(None), kind_of=lambda *_: "a table")


@pytest.mark.parametrize(
    ("target", "orders", "gone"), [("prod", "raw.orders", "raw.gone"), ("dev", "dev_raw.orders", "dev_raw.gone")]
)
def test_a_name_is_that_of_the_target(
    target: str, orders: str, gone: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBOOK_TARGET", target)
    for given in ("raw.orders", "orders"):
        assert find(WAREHOUSE, given, folder).name == orders
    assert find(WAREHOUSE, "gone", folder).name == gone
    assert files_of(orders, folder) == [folder / "raw/orders.yaml"]

    other = {"prod": "dev_raw.gone", "dev": "dbt_ann_raw.orders"}[target]
    with pytest.raises(ChangeRefused, match=f"no table '{other}'"):
        find(WAREHOUSE, other, folder)
    known = Known({name: Coverage(NOW, NOW, NOW, NOW) for name in LEDGER}, {})
    assert [row.name for row in listed(known, NOW, folder=folder)] == [gone, orders]


def test_a_file_is_renamed_once_for_all_targets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WAREHOUSE, "kind_of", lambda *_: None)
    check_free(WAREHOUSE, "raw.sales", folder, "raw.orders")
    assert move_files("raw.orders", "raw.sales", folder) == [folder / "raw/sales.yaml"]
    monkeypatch.setenv("DAYBOOK_TARGET", "dev")
    check_free(WAREHOUSE, "dev_raw.sales", folder, "dev_raw.orders")
    assert move_files("dev_raw.orders", "dev_raw.sales", folder) == [folder / "raw/sales.yaml"]
    (folder / "raw/orders.yaml").write_text(ORDERS)
    with pytest.raises(ChangeRefused, match=r"dev_raw\.sales is taken: it has a file"):
        check_free(WAREHOUSE, "dev_raw.sales", folder, "dev_raw.orders")
