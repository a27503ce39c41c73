"""Functions that a condition or a query may not call: they wait, write, or act outside of the query.

Daybook reads every source in a read-only transaction, as a user who should have SELECT only. This list names the
mistake before the database is asked. It cannot be complete, because a database may have functions of its own.
"""

_NAMES = {
    # MySQL and MariaDB
    *("sleep", "benchmark", "get_lock", "release_lock", "release_all_locks", "load_file", "master_pos_wait"),
    *("source_pos_wait", "master_gtid_wait", "wait_for_executed_gtid_set", "wait_until_sql_thread_after_gtids"),
    *("last_insert_id", "sys_exec", "sys_eval"),
    # PostgreSQL
    *("nextval", "setval", "set_config", "pg_notify", "pg_reload_conf", "pg_rotate_logfile", "pg_switch_wal"),
    *("pg_promote", "pg_export_snapshot", "pg_logical_emit_message", "pg_current_xact_id", "txid_current"),
    *("query_to_xml", "query_to_xml_and_xmlschema", "pg_stat_file", "pg_create_restore_point"),
}
_PREFIXES = (
    *("pg_sleep", "pg_advisory_", "pg_try_advisory_", "pg_terminate_", "pg_cancel_", "pg_read_", "pg_ls_", "lo_"),
    *("dblink", "pg_stat_reset", "pg_replication_", "pg_logical_slot_", "pg_file_", "pg_backup_", "pg_wal_replay_"),
)


def is_forbidden(function: str) -> bool:
    """Return True if no condition or query may call `function`, a name without its schema, in any case."""
    name = function.lower()
    return name in _NAMES or name.startswith(_PREFIXES)
