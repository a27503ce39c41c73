"""Take a snapshot of PostgreSQL in which no table looks empty because DDL rewrote or replaced it.

https://www.postgresql.org/docs/current/mvcc-caveats.html: "some DDL commands, currently only TRUNCATE and the
table-rewriting forms of ALTER TABLE, are not MVCC-safe". A transaction takes its snapshot before it waits for the lock
of such a command. After the wait, it reads a table that is empty in the snapshot.
"""

from collections.abc import Callable, Sequence
from typing import Any

from daybook.sql.database_error import DatabaseError

#: The number of snapshots to take: DDL can come between each of them and the locks.
_SNAPSHOTS = 5

#: The snapshot shows the catalog as it was. The functions pg_relation_filenode, pg_identify_object and
#: pg_partition_tree show the present of the tables that this transaction has locked: those of the query, their
#: partitions and children, and all that its views read. A swap by renaming leaves another table at a name.
#: A partition that was attached counts only if it was read: pg_partition_tree locks it, too, so the locks come first.
_CHANGED = """
WITH held AS MATERIALIZED (
    SELECT relation FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'
)
SELECT EXISTS (
    SELECT FROM held
    LEFT JOIN pg_class AS c ON c.oid = held.relation LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid IS NULL
        OR n.nspname <> 'pg_catalog' AND c.relpersistence <> 't' AND (
            c.relkind IN ('r', 'm') AND c.relfilenode IS DISTINCT FROM pg_relation_filenode(c.oid)
            OR format('%%I.%%I', n.nspname, c.relname)
                IS DISTINCT FROM (pg_identify_object('pg_class'::regclass, c.oid, 0)).identity
            OR c.relkind = 'p' AND (
                EXISTS (
                    SELECT FROM pg_inherits AS i
                    WHERE inhparent = c.oid AND inhrelid NOT IN (SELECT relid FROM pg_partition_tree(c.oid))
                        AND NOT coalesce((to_jsonb(i) ->> 'inhdetachpending')::boolean, FALSE)
                )
                OR EXISTS (
                    SELECT FROM pg_partition_tree(c.oid) AS part
                    WHERE part.parentrelid = c.oid AND part.relid IN (SELECT relation FROM held)
                        AND part.relid NOT IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = c.oid)
                )
            )
        )
)
"""

#: A query of an ordinary table reads the table and its children. A table that ALTER TABLE … INHERIT has made a child
#: since is locked as well, but is no child in the snapshot, which may show some of its rows only.
_JOINED = """
OR EXISTS (
    WITH RECURSIVE family (oid) AS (
        SELECT {table}::oid UNION SELECT inhrelid FROM pg_inherits JOIN family ON inhparent = family.oid
    )
    SELECT FROM pg_locks JOIN pg_class AS c ON c.oid = relation JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relkind IN ('r', 'f') AND relpersistence <> 't'
        AND nspname NOT IN ('pg_catalog', 'information_schema') AND c.oid NOT IN (SELECT oid FROM family)
)
"""


def begin_after_ddl(
    begin: Callable[[], tuple[str, int | None]],
    query: Callable[[str], Sequence[Sequence[Any]]],
    rollback: Callable[[], object],
) -> None:
    """Begin a transaction that reads one snapshot, and lock what it will read against DDL until it ends.

    The locks are those of a SELECT. LOCK TABLE would need a privilege on all columns, and takes no materialized views.

    Args:
        begin: begins a transaction of REPEATABLE READ. Returns what it will read, a FROM item, and the OID if that is
            an ordinary table. Otherwise None, also if row security is active: its policies may read other tables.
        query: executes a query, and returns its rows.
        rollback: ends the transaction.

    Raises:
        DatabaseError: DDL came between each snapshot and the locks. A retry may succeed.
    """
    for _ in range(_SNAPSHOTS):
        reads, table = begin()
        query(f"SELECT 1 FROM {reads} LIMIT 0")
        if not _is_changed(query, table):
            return
        rollback()
    text = f"DDL changed a table after each of {_SNAPSHOTS} snapshots"
    raise DatabaseError(text, text, transient=True)


def check_unchanged(query: Callable[[str], Sequence[Sequence[Any]]], table: int | None) -> None:
    """Check, after a query for rows, that the tables it has read are those that the transaction had locked before.

    The locks do not stop everything. ALTER SCHEMA … RENAME leaves another table at the name. ATTACH PARTITION and
    INHERIT add one, of which the snapshot may show some rows only.

    Args:
        query: executes a query, and returns its rows.
        table: the OID that `begin` of `begin_after_ddl` returns.

    Raises:
        DatabaseError: another table was read. A retry may succeed.
    """
    if _is_changed(query, table):
        text = "DDL changed a table while its rows were read"
        raise DatabaseError(text, text, transient=True)


def _is_changed(query: Callable[[str], Sequence[Sequence[Any]]], table: int | None) -> bool:
    ((changed,),) = query(_CHANGED + (_JOINED.format(table=table) if table else ""))
    return bool(changed)
