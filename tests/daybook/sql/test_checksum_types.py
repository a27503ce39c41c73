"""An audit of columns that the warehouse keeps in other types than the source: each side is spelled by its own."""

import pytest

from tests.support.audited_tables import audited, table_of, verdicts
from tests.support.source_and_warehouse import Endpoints
from tests.support.source_warehouse_fixtures import POSTGRESQL

#: Of PostgreSQL, each with two values of which the second is the later one.
COLUMNS = {
    "spell": ("interval", "'1 day 02:03:04.5'", "'2 days'"),
    "own": ("uuid", "'6F9619FF-8B86-D011-B42D-00C04FC964FF'", "'6f9619ff-8b86-d011-b42d-00c04fc964f0'"),
    "wide": ("numeric(60,20)", "1.50", "-2"),
    "digits": ("bytea", r"'\xff00'", r"'\x'"),
    "said": ("jsonb", """'{"a": [1, null]}'""", "'null'"),
    "place": ("inet", "'10.0.0.1'", "'10.0.0.0/8'"),
    "hour": ("time", "'01:02:03.5'", "'23:59:59'"),
    "single": ("real", "0.1", "1e30"),
    "yes": ("boolean", "true", "false"),
    "moment": ("timestamptz", "'2021-02-05 10:00+02'", "'2021-02-05 10:00:00.5+00'"),
}


@pytest.mark.parametrize("source", POSTGRESQL, indirect=True)
@pytest.mark.parametrize("ends", ["postgres-folder", "redshift-s3"], indirect=True)
def test_a_source_of_postgresql(ends: Endpoints) -> None:
    columns = ", ".join(f"{name} {type}" for name, (type, _, _) in COLUMNS.items())
    ends.source.run(f"CREATE TABLE things (at timestamp, {columns}, PRIMARY KEY (own, spell, at))")
    for number in (1, 2):
        values = ", ".join(values[number] for values in COLUMNS.values())
        ends.source.run(f"INSERT INTO things VALUES ('2021-02-05 0{number}:00', {values})")
    table = table_of(ends, key=["own", "spell", "at"])
    ends.load(table, "2021-02-05")
    found = audited(ends, table, 1)[0]
    assert (str(found.verdict), set(found.recipe.left_out)) == ("equal", {"said"} if ends.on_redshift else set())
    ends.source.run("UPDATE things SET wide = 7 WHERE yes")
    found = audited(ends, table, 1)[0]
    assert str(found.verdict) == "source changed since" and found.differences.changed == 1
    assert "6f9619ff-8b86-d011-b42d-00c04fc964ff" in found.differences.changed_keys[0]
    ends.load(table, "2021-02-05")
    assert verdicts(ends, table, 1) == ["equal"]
