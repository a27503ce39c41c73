"""The stand-in's own tests: the drivers that people reach Redshift with."""

import psycopg2
import pytest
import sqlalchemy as sa

from tests.support.servers.redshift import IAM_ROLE

IAM = f"IAM_ROLE '{IAM_ROLE}'"


def test_psycopg2_sees_a_redshift(connection, q):
    assert "Redshift 1.0" in q("select version()")[0][0]
    assert connection.server_version == 80002
    assert connection.encoding in ("UNICODE", "UTF8")
    assert connection.get_parameter_status("standard_conforming_strings") is None
    with pytest.raises(
        psycopg2.errors.UndefinedObject, match='unrecognized configuration parameter "standard_conforming_strings"'
    ):
        q("show standard_conforming_strings")


def test_psycopg_3(redshift, put):
    import psycopg

    url = sa.make_url(redshift.url)
    options = {"client_encoding": "utf8", "prepare_threshold": None}
    with psycopg.connect(host=url.host, port=url.port, dbname=url.database, user=url.username, **options) as connection:
        assert connection.execute("select %s::varchar, 1", ["é\\"]).fetchone() == ("é\\", 1)
        connection.execute("create temp table p3 (i int, s varchar(3))")
        connection.execute("insert into p3 values (%s, %s)", [1, "a"])
        put("p3.csv", "7,x\n")
        connection.execute(f"copy p3 from 's3://bkt/p3.csv' {IAM} csv")
        assert connection.execute("select count(*) from p3").fetchone() == (2,)
        with pytest.raises(psycopg.Error, match="RETURNING"):
            connection.execute("insert into p3 values (%s, 'b') returning i", [1])
        connection.rollback()


def test_redshift_connector(redshift, put):
    import redshift_connector

    url = sa.make_url(redshift.url)
    with redshift_connector.connect(
        host=url.host, port=url.port, database=url.database, user=url.username, password="x", ssl=False
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("create temp table rc (i int, s varchar(3))")
        cursor.execute("insert into rc values (%s, %s)", (1, "a"))
        put("rc.csv", "7,x\n8,\\N\n")
        cursor.execute(f"copy rc from 's3://bkt/rc.csv' {IAM} csv")
        cursor.execute("select * from rc order by i")
        assert [tuple(row) for row in cursor.fetchall()] == [(1, "a"), (7, "x"), (8, None)]
        with pytest.raises(redshift_connector.Error, match="near"):
            cursor.execute("insert into rc values (1,'a') on conflict do nothing")
        connection.rollback()


def test_sqlalchemy(redshift):
    url = sa.make_url(redshift.url)
    postgres = sa.create_engine(url.set(drivername="postgresql+psycopg2"))
    with pytest.raises(Exception, match="standard_conforming_strings"):
        postgres.connect()
    engine = sa.create_engine(url)
    table = sa.Table(
        "sa_t",
        sa.MetaData(),
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("s", sa.String(20)),
        redshift_sortkey="id",
    )
    with engine.begin() as connection:
        connection.execute(sa.text("drop table if exists sa_t"))
        table.create(connection, checkfirst=False)
        connection.execute(table.insert(), [{"id": 1, "s": "a\\b"}, {"id": 1, "s": None}])
        assert connection.execute(sa.select(table).order_by(table.c.s)).all() == [(1, "a\\b"), (1, None)]
        connection.execute(sa.text("drop table sa_t"))
    engine.dispose()
