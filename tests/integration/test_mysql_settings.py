"""Settings, accounts and generated keys of Oracle's MySQL: loads, audits and `daybook describe` come out right."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from tests.integration.test_mysql import ON_ONE_WAREHOUSE, comes_out_right
from tests.support.audited_tables import make, table_of, verdicts
from tests.support.described_tables import described
from tests.support.source_and_warehouse import Database, Endpoints

pytestmark = pytest.mark.parametrize("source", ["mysql"], indirect=True)


@contextlib.contextmanager
def server_settings(source: Database, values: dict[str, Any]) -> Iterator[None]:
    """Set global variables of the server one after the other, and set them back when the block ends."""
    usual = {name: source.run(f"SELECT @@GLOBAL.{name}")[0][0] for name in values}
    try:
        for name, value in values.items():
            source.run(f"SET GLOBAL {name} = %s", (value,))
        source.close()
        yield
    finally:
        for name in reversed(values):
            source.run(f"SET GLOBAL {name} = %s", (usual[name],))
        source.close()


#: Global settings that the sessions of a load and an audit inherit.
SETTINGS = {
    "quotes and escapes": {"sql_mode": "ANSI,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,STRICT_ALL_TABLES"},
    "a required key": {"sql_require_primary_key": 1},
    "another time zone": {"time_zone": "-05:00"},
    "a replica": {"read_only": 1, "super_read_only": 1},
    "a character set": {"character_set_server": "latin1", "collation_server": "latin1_german2_ci"},
}


@ON_ONE_WAREHOUSE
@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_the_server(ends: Endpoints, name: str, tmp_path: Path) -> None:
    make(ends)
    ends.source.run(
        "ALTER TABLE things ADD padded char(9) DEFAULT 'a''\\\\', ADD seen timestamp DEFAULT '2021-02-05 01:02:03'"
    )
    with server_settings(ends.source, SETTINGS[name]):
        comes_out_right(ends, tmp_path)


@ON_ONE_WAREHOUSE
def test_without_global_transaction_ids(ends: Endpoints, tmp_path: Path) -> None:
    """All other tests run with them: they are on by default in MySQL 9.7."""
    make(ends)
    assert ends.source.run("SELECT @@gtid_mode") == [("ON",)]
    modes = ["ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF"]  # one step at a time
    try:
        for mode in modes:
            ends.source.run(f"SET GLOBAL gtid_mode = {mode}")
        comes_out_right(ends, tmp_path)
    finally:
        for mode in (*modes[1::-1], "ON"):
            ends.source.run(f"SET GLOBAL gtid_mode = {mode}")


@ON_ONE_WAREHOUSE
@pytest.mark.parametrize("shown", [1, 0])
def test_a_generated_invisible_key(ends: Endpoints, shown: int, tmp_path: Path) -> None:
    """The server adds `my_row_id` to a table without a key. A setting hides it from the catalog."""
    settings = {
        "sql_generate_invisible_primary_key": 1,
        "show_gipk_in_create_table_and_information_schema": shown,
    }
    with server_settings(ends.source, settings):
        ends.source.run("CREATE TABLE things (at datetime(6), note varchar(40), KEY (at))")
        rows = [(f"2021-02-{5 + n // 10:02d} 0{n % 10}:00:00", f"ö {n // 2}") for n in range(40)]
        for row in rows:
            ends.source.run("INSERT INTO things (at, note) VALUES (%s, %s)", row)
        if shown:
            assert comes_out_right(ends, tmp_path, key=["my_row_id"]).key == ("my_row_id",)
            return
        table = table_of(ends, key=[])
        assert ends.load(table, "2021-02-05", "2021-02-09").rows == 40
        assert verdicts(ends, table) == ["equal"] * 4
        assert described(ends.source, "things", tmp_path)[0].key == ()


@ON_ONE_WAREHOUSE
@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "no TLS"])
def test_a_login_that_the_server_has_not_cached(ends: Endpoints, tls: bool, tmp_path: Path) -> None:
    """The client sends the password itself: through TLS, or encrypted with the server's RSA key."""
    make(ends)
    source, user = ends.source, f"reader_{secrets.token_hex(4)}"
    source.run(f"CREATE USER {user}@'127.0.0.1' IDENTIFIED BY 'p@ss:/%%' REQUIRE {'SSL' if tls else 'NONE'}", ())
    try:
        source.run(f"GRANT SELECT ON {source.namespace}.* TO {user}@'127.0.0.1'")
        url = make_url(source.url).set(username=user, password="p@ss:/%")
        reader = Database(url.render_as_string(hide_password=False), source.namespace)
        if tls:
            reader.engine = create_engine(url, poolclass=NullPool)
        ends.source = reader
        comes_out_right(ends, tmp_path)
    finally:
        source.run(f"DROP USER {user}@'127.0.0.1'")


@ON_ONE_WAREHOUSE
def test_the_columns_may_be_granted_one_by_one(ends: Endpoints, tmp_path: Path) -> None:
    make(ends)
    source, user = ends.source, f"reader_{secrets.token_hex(4)}"
    source.run(f"CREATE USER {user}@'127.0.0.1' IDENTIFIED BY 'x'")
    try:
        source.run(f"GRANT SELECT (id, at) ON {source.namespace}.things TO {user}@'127.0.0.1'")
        url = make_url(source.url).set(username=user, password="x")
        ends.source = Database(url.render_as_string(hide_password=False), source.namespace)
        assert list(comes_out_right(ends, tmp_path).columns or {}) == ["id", "at"]
    finally:
        source.run(f"DROP USER {user}@'127.0.0.1'")
