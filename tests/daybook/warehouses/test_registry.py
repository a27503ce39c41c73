"""A warehouse is a folder, or an entry point of another package."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from daybook.errors import WarehouseError
from daybook.warehouses.postgresql import PostgreSQL
from daybook.warehouses.redshift import Redshift
from daybook.warehouses.registry import find_warehouse, open_warehouse, url_examples, warehouse_dialects


def test_those_of_daybook() -> None:
    assert warehouse_dialects() == ["postgresql", "redshift"]
    assert (find_warehouse("postgresql"), find_warehouse("redshift")) == (PostgreSQL, Redshift)
    assert url_examples() == (
        "postgresql+psycopg2://USER:PASSWORD@HOST:5432/DATABASE",
        "redshift+psycopg2://USER:PASSWORD@HOST:5439/DATABASE",
    )


def test_what_is_not_one() -> None:
    with pytest.raises(WarehouseError, match="a sqlite database cannot be a warehouse; supported are: postgresql, red"):
        open_warehouse(create_engine("sqlite://"))


def test_a_warehouse_gets_the_options_that_it_names() -> None:
    engine = create_engine("postgresql+psycopg2://me@db/shop")
    assert isinstance(open_warehouse(engine, copy_iam_role="arn:aws:iam::1:role/x"), PostgreSQL)
    with pytest.raises(WarehouseError, match="set DAYBOOK_COPY_IAM_ROLE to its ARN"):
        open_warehouse(create_engine("redshift+psycopg2://me@db/shop"), copy_iam_role=None)


def test_a_folder_comes_before_a_plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[daybook.warehouses]\nredshift = missing:Nothing\nother = missing:Nothing\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert warehouse_dialects() == ["other", "postgresql", "redshift"]
    assert find_warehouse("redshift") is Redshift
