"""Detect a table of PostgreSQL that was rewritten or replaced after a snapshot: it looks empty in that snapshot.

https://www.postgresql.org/docs/current/mvcc-caveats.html: "some DDL commands, currently only TRUNCATE and the
table-rewriting forms of ALTER TABLE, are not MVCC-safe". A transaction takes its snapshot before it waits for the lock
of such a command, so it reads no rows after the wait.
"""

from collections.abc import Callable, Sequence
from typing import Any

#: What the snapshot shows is a table, its partitions and children, and what a view reads, recursively. The functions
#: pg_relation_filenode and to_regclass show the present instead. A swap by renaming leaves another table at the name.
_CHANGED = """
WITH RECURSIVE used AS (
    SELECT oid, relkind, relfilenode FROM pg_class WHERE oid = %(oid)s
    UNION
    SELECT part.oid, part.relkind, part.relfilenode FROM used JOIN LATERAL (
        SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = used.oid
        UNION
        SELECT refobjid FROM pg_rewrite JOIN pg_depend ON classid = 'pg_rewrite'::regclass AND objid = pg_rewrite.oid
        WHERE ev_class = used.oid AND used.relkind = 'v' AND refclassid = 'pg_class'::regclass
    ) AS found ON true JOIN pg_class AS part ON part.oid = found.oid
)
SELECT EXISTS (
    SELECT FROM used WHERE relkind IN ('r', 'm') AND relfilenode IS DISTINCT FROM pg_relation_filenode(oid)
) OR (
    SELECT to_regclass(format('%%I.%%I', nspname, relname))::oid IS DISTINCT FROM c.oid
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE c.oid = %(oid)s
) OR EXISTS (
    SELECT FROM used AS parent JOIN pg_inherits ON inhparent = parent.oid
    WHERE parent.relkind = 'p' AND inhrelid NOT IN (SELECT relid FROM pg_partition_tree(parent.oid))
)
"""


def changed_since_snapshot(query: Callable[[str, Any], Sequence[Sequence[Any]]], oid: int, table_sql: str) -> bool:
    """Lock a table against DDL, and return True if DDL came between this transaction's snapshot and the lock.

    The lock is ACCESS SHARE, as every SELECT takes it, on the table and all that it reads. It lasts until the
    transaction ends. LOCK TABLE would need SELECT on all columns, and does not take materialized views.

    Args:
        query: executes a statement in the transaction, and returns its rows.
        oid: the table's OID in the snapshot.
        table_sql: the table's quoted name, with each % doubled.
    """
    query(f"SELECT FROM {table_sql} LIMIT 0", ())
    ((changed,),) = query(_CHANGED, {"oid": oid})
    return bool(changed)
