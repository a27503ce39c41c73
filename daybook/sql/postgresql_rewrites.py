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


def begin_after_ddl(
    begin: Callable[[], str], query: Callable[[str], Sequence[Sequence[Any]]], rollback: Callable[[], object]
) -> None:
    """Begin a transaction that reads one snapshot, and lock what it will read against DDL until it ends.

    The locks are those of a SELECT. LOCK TABLE would need a privilege on all columns, and takes no materialized views.

    Args:
        begin: begins a transaction of REPEATABLE READ, and returns what it will read, a FROM item.
        query: executes a query, and returns its rows.
        rollback: ends the transaction.

    Raises:
        DatabaseError: DDL came between each snapshot and the locks. A retry may succeed.
    """
    for _ in range(_SNAPSHOTS):
        reads = begin()
        query(f"SELECT 1 FROM {reads} LIMIT 0")
        if not _is_changed(query):
            return
        rollback()
    text = f"DDL changed a table after each of {_SNAPSHOTS} snapshots"
    raise DatabaseError(text, text, transient=True)


def check_unchanged(query: Callable[[str], Sequence[Sequence[Any]]]) -> None:
    """Check, after a query for rows, that the tables it has read are those that the transaction had locked before.

    The locks do not stop everything. ALTER SCHEMA … RENAME leaves another table at the name, and ATTACH PARTITION adds
    one, of which the snapshot may show some rows only.

    Raises:
        DatabaseError: another table was read. A retry may succeed.
    """
    if _is_changed(query):
        text = "DDL changed a table while its rows were read"
        raise DatabaseError(text, text, transient=True)


def _is_changed(query: Callable[[str], Sequence[Sequence[Any]]]) -> bool:
    ((changed,),) = query(_CHANGED)
    return bool(changed)
