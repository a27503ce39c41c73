"""The stand-in's own tests: COPY."""

import csv
import gzip
import io
import json

import psycopg2
import pytest
from psycopg2 import errors

from tests.support.servers.redshift import IAM_ROLE

IAM = f"IAM_ROLE '{IAM_ROLE}'"


def mk(q, cols="id int, s varchar(20), n numeric(10, 2), ts timestamp, d date, b boolean"):
    q(f"create table c ({cols})")


def test_copy_csv_roundtrip_nasty(connection, q, put):
    mk(q, "id int, s varchar(200)")
    vals = [
        "plain",
        "",
        "a,b",
        'q"uote',
        "nl\nx",
        "crlf\r\nx",
        "tab\tx",
        "back\\slash",
        "\\",
        "''",
        "\U0001f600é",
        " lead",
        "trail ",
        "NULL",
        "\\n",
        "\\.",
    ]
    out = io.StringIO(newline="")
    w = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for i, v in enumerate(vals):
        w.writerow([i, v])
    out.write(f"{len(vals)},\\N\n")
    put("n/1.csv.gz", gzip.compress(out.getvalue().encode()))
    assert (
        q(f"copy t.c (id, s) from 's3://bkt/n/' {IAM} format as csv gzip null as '\\\\N' timeformat 'auto'") == "COPY"
    )
    assert [r[0] for r in q("select s from c order by id")] == [*vals, None]
    assert q("select pg_last_copy_count()") == [(len(vals) + 1,)]
    assert any("record(s) loaded successfully" in n for n in connection.notices)


def test_copy_null_rules(q, put):
    mk(q)
    put("u/a.csv", "1,,,,,\n2,x,1.239,2024-01-02 03:04:05.678901,2024-01-02,t\n")
    q(f"copy c from 's3://bkt/u/a.csv' {IAM} csv")
    assert q("select s, n, ts, d, b from c where id=1") == [("", None, None, None, None)]
    assert str(q("select n from c where id=2")[0][0]) == "1.23"
    q("delete from c")
    q(f"copy c from 's3://bkt/u/a.csv' {IAM} csv emptyasnull roundec")
    assert q("select s from c where id=1") == [(None,)] and str(q("select n from c where id=2")[0][0]) == "1.24"


@pytest.mark.parametrize(
    "row,code,reason",
    [
        ("x,a,1,,,", 1207, "Invalid digit"),
        ("1," + "y" * 21 + ",,,,", 1204, "String length exceeds DDL length"),
        ("1,é" + "é" * 10 + ",,,,", 1204, "String length"),
        ("1,a,1,2024-01-02T00:00:00,,", 1206, "Invalid timestamp"),
        ("1,a,1,,0000-00-00,", 1205, "Invalid Date"),
        ("1,a,123456789.00,,,", 1207, "Numeric Overflow"),
        ("1,a,1,,,maybe", 1210, "boolean"),
        ("1,a,1,,", 1201, "Delimiter not found"),
        ("1,a,1,,,,9", 1202, "Extra column"),
        ("1,\0,1,,,", 1218, "null byte"),
        ("99999999999,a,1,,,", 1204, "Overflow"),
    ],
)
def test_copy_errors_roll_back_and_log(connection, q, row, code, reason, put):
    mk(q)
    put("e/x.csv", "1,ok,1,,,\n" + row + "\n")
    with pytest.raises(
        errors.InternalError_,
        match=r"Load into table 'c' failed.  Check 'sys_load_error_detail' system table for details.",
    ):
        q(f"copy c from 's3://bkt/e/x.csv' {IAM} csv")
    assert q("select count(*) from c") == [(0,)]
    r = q("select err_code, err_reason, line_number, filename from stl_load_errors order by query desc limit 1")[0]
    assert r[0] == code and reason in r[1] and r[2] == 2 and r[3] == "s3://bkt/e/x.csv"
    q(f"copy c from 's3://bkt/e/x.csv' {IAM} csv maxerror 5")
    assert q("select count(*) from c") == [(1,)]


def test_copy_bad_utf8_and_not_null(q, put):
    q("create table c (id int not null, s varchar(20), ch char(3))")
    put("e/u.csv", b"1,a\xa4b,x\n")
    with pytest.raises(errors.InternalError_):
        q(f"copy c from 's3://bkt/e/u.csv' {IAM} csv")
    q(f"copy c from 's3://bkt/e/u.csv' {IAM} csv acceptinvchars as '^'")
    assert q("select s from c") == [("a^b",)]
    for body in ("\\N,a,x\n", "1,a,é\n"):
        put("e/u.csv", body)
        with pytest.raises(errors.InternalError_):
            q(f"copy c from 's3://bkt/e/u.csv' {IAM} csv")


def test_copy_prefix_trap_manifest_missing(q, put):
    q("create table c (id int)")
    for k in ("day=2024-01-1", "day=2024-01-10"):
        put("p/" + k, "1\n")
    q(f"copy c from 's3://bkt/p/day=2024-01-1' {IAM} csv")
    assert q("select count(*) from c") == [(2,)]
    put(
        "m.json",
        json.dumps({"entries": [{"url": "s3://bkt/p/day=2024-01-1", "mandatory": True}, {"url": "s3://bkt/none"}]}),
    )
    q(f"copy c from 's3://bkt/m.json' {IAM} csv manifest")
    assert q("select count(*) from c") == [(3,)]
    put("m.json", json.dumps({"entries": [{"url": "s3://bkt/none", "mandatory": True}]}))
    with pytest.raises(errors.InternalError_, match="NoSuchKey"):
        q(f"copy c from 's3://bkt/m.json' {IAM} csv manifest")
    with pytest.raises(errors.InternalError_, match="The specified S3 prefix 'zzz' does not exist"):
        q(f"copy c from 's3://bkt/zzz' {IAM} csv")
    with pytest.raises(errors.InternalError_, match="NoSuchBucket"):
        q(f"copy c from 's3://nobucket/zzz' {IAM} csv")
    with pytest.raises(errors.InternalError_, match="Cannot COPY into nonexistent table"):
        q(f"copy nope from 's3://bkt/zzz' {IAM} csv")
    with pytest.raises(psycopg2.Error, match="authorization"):
        q("copy c from 's3://bkt/zzz' csv")
    with pytest.raises(psycopg2.Error, match="near"):
        q(f"copy c from 's3://bkt/zzz' {IAM} csv header")


def test_copy_text_escape(q, put):
    q("create table c (id int, s varchar(50), t varchar(50))")
    put("x/t.txt", "h|h|h\n1|a\\|b\\\\c\\\nd|\\N\n2|'q|x'|\\\\N\n")
    q(f"copy c from 's3://bkt/x/t.txt' {IAM} escape removequotes ignoreheader 1")
    assert q("select s, t from c order by id") == [("a|b\\c\nd", None), ("q|x", None)]


def test_airflow_upsert_script(connection, q, put, s3):
    q("create table t.up (id int, v varchar(5)); insert into t.up values (1,'a'),(2,'b')")
    put("up.csv", "2,B\n3,C\n")
    keys = f"aws_access_key_id={s3.access_key};aws_secret_access_key={s3.secret_key}"
    q("CREATE TABLE #up (LIKE t.up INCLUDING DEFAULTS)")
    q(f"COPY #up FROM 's3://bkt/up.csv' credentials '{keys}' csv")
    q("BEGIN")
    q("DELETE FROM t.up USING #up WHERE up.id = #up.id")
    q("INSERT INTO t.up SELECT * FROM #up")
    q("COMMIT")
    assert q("select * from t.up order by 1") == [(1, "a"), (2, "B"), (3, "C")]


def test_copy_wants_the_keys_of_the_bucket(q, put):
    q("create table c (id int)")
    put("k.csv", "1\n")
    with pytest.raises(errors.InternalError_, match="InvalidAccessKeyId"):
        q("copy c from 's3://bkt/k.csv' credentials 'aws_access_key_id=a;aws_secret_access_key=b' csv")
