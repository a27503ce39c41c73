"""The name of a table: its parts, and the paths of its files."""

from pathlib import Path

import pytest

from daybook.model.table_name import TableName


@pytest.mark.parametrize(
    ("name", "schema", "table"),
    [("raw_data.nps", "raw_data", "nps"), ("Raw data.N.P.S", "Raw data", "N.P.S"), ("a.%", "a", "%")],
)
def test_a_name_is_split_at_its_first_dot(name: str, schema: str, table: str) -> None:
    parsed = TableName.parse(name)
    assert (parsed.schema, parsed.table, str(parsed)) == (schema, table, name)


@pytest.mark.parametrize("name", ["", ".", "nps", ".nps", "raw_data."])
def test_a_name_without_two_parts_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"is not the name of a table: expected schema\.table"):
        TableName.parse(name)


def test_the_paths_of_its_files() -> None:
    name, folder = TableName.parse("raw_data.nps"), Path("tables")
    assert name.path(folder, ".yaml") == Path("tables/raw_data/nps.yaml")
    assert name.path(folder) == Path("tables/raw_data/nps")
