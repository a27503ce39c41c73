"""The stand-in's own tests: transactions, concurrency, faults and a crash."""

import contextlib
import threading
import time

import psycopg2
import pytest
from psycopg2 import errors

from tests.support.servers.redshift import IAM_ROLE

IAM = f"IAM_ROLE '{IAM_ROLE}'"


def test_truncate_commits(connection):
    connection.autocommit = True
    cur = connection.cursor()
    cur.execute("create table tr (i int)")
    cur.execute("insert into tr values (1)")
    connection.autocommit = False
    cur.execute("insert into tr values (2)")
    cur.execute("truncate tr")
    connection.rollback()
    cur.execute("select count(*) from tr")
    assert cur.fetchone() == (0,)
    connection.rollback()


def test_append_and_vacuum_not_in_transaction(connection, q):
    q("create table x1 (i int, s varchar(3)); create table x2 (i int, s varchar(3)); insert into x2 values (1,'a')")
    q("alter table x1 append from x2")
    assert q("select (select count(*) from x1), (select count(*) from x2)") == [(1, 0)]
    connection.autocommit = False
    for sql in ("alter table x1 append from x2", "vacuum x1", "alter table x1 alter column s type varchar(9)"):
        with pytest.raises(errors.ActiveSqlTransaction):
            q("select 1")
            q(sql)
        connection.rollback()
    connection.autocommit = True


def test_rename_swap_is_transactional(connection, q):
    q(
        "create table summ (i int); insert into summ values (1); "
        "create table summ_new (i int); insert into summ_new values (2)"
    )
    connection.autocommit = False
    q("alter table summ rename to summ_old")
    q("alter table summ_new rename to summ")
    connection.rollback()
    assert q("select i from summ") == [(1,)]
    q("alter table summ rename to summ_old")
    q("alter table summ_new rename to summ")
    q("drop table summ_old")
    connection.commit()
    connection.autocommit = True
    assert q("select i from summ") == [(2,)]


def test_copy_in_transaction_rolls_back(connection, q, put):
    q("create table c (id int); insert into c values (0)")
    put("tx/1.csv", "".join(f"{i}\n" for i in range(1000)))
    connection.autocommit = False
    q("create temp table stg (like c)")
    q(f"copy stg from 's3://bkt/tx/1.csv' {IAM} csv")
    q("delete from c using stg where c.id = stg.id")
    q("insert into c select * from stg")
    assert q("select count(*) from c") == [(1000,)]
    connection.rollback()
    assert q("select count(*) from c") == [(1,)]
    connection.rollback()
    connection.autocommit = True


def test_copy_failure_aborts_transaction(connection, q, put):
    q("create table c (id int)")
    put("tx/bad.csv", "x\n")
    connection.autocommit = False
    with pytest.raises(errors.InternalError_):
        q(f"copy c from 's3://bkt/tx/bad.csv' {IAM} csv")
    with pytest.raises(errors.InFailedSqlTransaction):
        q("select 1")
    connection.rollback()
    connection.autocommit = True


def test_multi_statement_is_one_transaction(q, put):
    q("create table c (id int)")
    put("tx/2.csv", "1\n2\n")
    with pytest.raises(psycopg2.Error):
        q(f"copy c from 's3://bkt/tx/2.csv' {IAM} csv; insert into c values ('x')")
    assert q("select count(*) from c") == [(0,)]
    q(f"begin; copy c from 's3://bkt/tx/2.csv' {IAM} csv; delete from c where id = 1; commit")
    assert q("select count(*) from c") == [(1,)]


def test_rejection_aborts_transaction(connection, q):
    q("create table c (id int)")
    connection.autocommit = False
    q("insert into c values (1)")
    with pytest.raises(psycopg2.Error):
        q("insert into c values (2) returning id")
    with pytest.raises(errors.InFailedSqlTransaction):
        q("select 1")
    connection.rollback()
    connection.autocommit = True
    assert q("select count(*) from c") == [(0,)]


def test_writers_queue_on_the_table(q, redshift):
    q("create table t.w (k int, run int)")
    errs = []

    def run(i):
        con = redshift.connect()
        cur = con.cursor()
        try:
            cur.execute("delete from t.w where k = 1")
            time.sleep(0.3)
            cur.execute("insert into t.w values (1, %s)", (i,))
            con.commit()
        except psycopg2.Error as e:
            errs.append(e)
        con.close()

    ts = [threading.Thread(target=run, args=(i,)) for i in range(3)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    assert not errs and q("select count(*) from t.w") == [(1,)]


def test_serializable_1023(connection, q, redshift):
    q("create table s1 (i int); create table s2 (i int)")
    a, b = redshift.connect(), redshift.connect()
    ca, cb = a.cursor(), b.cursor()
    ca.execute("select * from t.s1")
    cb.execute("select count(*) from t.s1")
    ca.execute("insert into t.s1 values (1)")
    ca.execute("delete from t.s1")
    a.commit()
    ca.execute("insert into t.s1 values (1)")
    a.commit()
    q("update t.s1 set i = 2")
    cb.execute("select count(*) from t.s1")
    assert cb.fetchone() == (0,)
    b.rollback()
    a.close()
    b.close()
    a, b = redshift.connect(), redshift.connect()
    ca, cb = a.cursor(), b.cursor()
    cb.execute("select * from t.s1")
    ca.execute("update t.s1 set i = 3")
    a.commit()
    with pytest.raises(errors.InternalError_, match="1023"):
        cb.execute("update t.s1 set i = 4")
    b.rollback()
    a.close()
    b.close()


def test_an_answer_lost_to_a_commit_is_a_commit(q, redshift):
    q("create table t.f (i int)")
    con = redshift.connect()
    con.cursor().execute("insert into t.f values (1)")
    with redshift.faults({"match": "^commit", "action": "drop_after"}), pytest.raises(psycopg2.OperationalError):
        con.commit()
    assert q("select count(*) from t.f") == [(1,)]


def test_a_connection_lost_before_the_commit_or_within_a_copy_leaves_nothing(q, put, redshift):
    q("create table t.f (i int)")
    con = redshift.connect()
    con.cursor().execute("insert into t.f values (1)")
    with redshift.faults({"match": "^commit", "action": "drop_before"}), pytest.raises(psycopg2.OperationalError):
        con.commit()
    put("f/1.csv", "".join(f"{i}\n" for i in range(200000)))
    con = redshift.connect()
    with redshift.faults({"match": "copy", "action": "drop_mid_copy"}), pytest.raises(psycopg2.OperationalError):
        con.cursor().execute(f"copy t.f from 's3://bkt/f/1.csv' {IAM} csv")
    # A writer waits for the table until the lost session has rolled back.
    q("insert into t.f values (7)")
    assert q("select i from t.f") == [(7,)]


def test_an_error_on_demand(q, redshift):
    q("create table t.f (i int)")
    detail = "Serializable isolation violation on table - 1"
    rule = {"match": "insert", "action": "error", "message": "1023", "detail": detail, "skip": 1}
    with redshift.faults(rule):
        q("insert into t.f values (1)")
        with pytest.raises(errors.InternalError_, match=r"1023\nDETAIL:  Serializable isolation violation"):
            q("insert into t.f values (2)")
        q("insert into t.f values (3)")
    assert q("select i from t.f order by i") == [(1,), (3,)]


def test_a_crash_loses_what_was_not_committed(q, redshift):
    q("create table t.f (i int); insert into t.f values (1)")
    con = redshift.connect()
    con.cursor().execute("insert into t.f values (2)")
    redshift.crash()
    with pytest.raises(psycopg2.Error):
        con.commit()
    with contextlib.closing(redshift.connect()) as after, after.cursor() as cursor:
        cursor.execute("select i from t.f")
        assert cursor.fetchall() == [(1,)]
