"""The tables of the A/B test, by their own table files, from a bucket into each warehouse."""

from datetime import date

import pytest

from daybook.definitions.table import Table
from daybook.definitions.table_files import read_table
from daybook.sources.s3_files import Config
from tests.support.s3_folder import Folder
from tests.support.servers.s3 import S3
from tests.support.source_and_warehouse import Endpoints

pytestmark = pytest.mark.any_warehouse

FILES = {
    "customer_variants/part-0.csv": b"customer_id,variant\n1,A\n2,B\n3,control\n",
    "customer_interactions/dt=2024-01-01/part-0.csv": (
        b"customer_id,datestamp,item_id,clicked,purchased,paidamount\n"
        b"1,2024-01-01,10,1,1,250\n1,2024-01-01,10,1,0,0\n2,2024-01-01,11,0,0,0\n"
    ),
    "customer_interactions/dt=2024-01-02/part-0.csv": (
        b"customer_id,datestamp,item_id,clicked,purchased,paidamount\n3,2024-01-02,10,1,0,0\n"
    ),
    "item_features/part-0.csv": b"item_id,quality,popularity,price\n10,0.1,very popular,250\n11,,low,5\n",
    "customer_features/part-0.csv": b"customer_id,engagement_level,gender\n1,high,f\n2,low,\n",
}
TYPES = {
    "customer_variants": ["integer", "character varying(8)"],
    "customer_interactions": ["integer", "date", *["integer"] * 4],
    "item_features": ["integer", "double precision", "character varying(16)", "integer"],
    "customer_features": ["integer", *["character varying(16)"] * 2],
}


@pytest.fixture
def folder(warehouse_ends: Endpoints, s3: S3, s3_bucket: str) -> Folder:
    """Return a bucket with the files of the A/B test."""
    folder = Folder(warehouse_ends, s3.client(), s3_bucket)
    warehouse_ends.keys = folder
    for key, data in FILES.items():
        folder.put(f"ab/{key}", data)
    return folder


def table_of(folder: Folder, name: str) -> Table:
    """Return the table of the project, but in the bucket and the schema of this test."""
    table = read_table(f"raw_data.{name}")
    assert isinstance(table.source, Config)
    key = table.source.path.removeprefix("s3://").partition("/")[2]
    source = table.source.model_copy(update={"path": f"s3://{folder.bucket}/ab/{key}"})
    return table.model_copy(update={"name": f"{folder.ends.destination.namespace}.{name}", "source": source})


@pytest.mark.parametrize(
    ("name", "key", "rows"),
    [
        ("customer_variants", "customer_id", [(1, "A"), (2, "B"), (3, "control")]),
        (
            "customer_interactions",
            "customer_id, datestamp, item_id, clicked, purchased",
            [
                (1, date(2024, 1, 1), 10, 1, 0, 0),
                (1, date(2024, 1, 1), 10, 1, 1, 250),
                (2, date(2024, 1, 1), 11, 0, 0, 0),
                (3, date(2024, 1, 2), 10, 1, 0, 0),
            ],
        ),
        ("item_features", "item_id", [(10, 0.1, "very popular", 250), (11, None, "low", 5)]),
        ("customer_features", "customer_id", [(1, "high", "f"), (2, "low", None)]),
    ],
)
def test_a_table_of_the_ab_test(folder: Folder, name: str, key: str, rows: list[tuple[object, ...]]) -> None:
    table, ends = table_of(folder, name), folder.ends
    assert ", ".join(table.key) == key
    dates = [] if table.load == "replace" else ["2024-01-01", "2024-01-03"]
    assert ends.load(table, *dates).rows == len(rows)
    assert ends.rows(table, order=key) == rows
    types = list(ends.destination.types(table.name).values())
    assert types == TYPES[name] or (
        ends.on_redshift
        and [kind.partition("(")[0] for kind in types] == [kind.partition("(")[0] for kind in TYPES[name]]
    )
    rerun = ends.load(table, *dates)
    assert rerun.rows == len(rows) and ends.rows(table, order=key) == rows
    assert bool(rerun.note) == (table.load == "replace"), "an unchanged file is not read again"
