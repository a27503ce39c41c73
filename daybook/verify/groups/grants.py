"""Check that the grants on a table outlive its loads."""

from daybook.sql.database_error import Condition, DatabaseError, meets
from daybook.verify.registry import NotChecked, Unexpected, check
from daybook.verify.workbench import EVERY_3_HOURS, Workbench, day

_ACL = (
    "SELECT c.relacl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = %s AND c.relname = %s"
)


@check(
    "grants: PUBLIC",
    page="dg/r_GRANT.html",
    expects="SELECT for PUBLIC on a table outlives a load of a day and a full refresh",
)
def for_everyone(bench: Workbench) -> str:
    """Grant to PUBLIC, which needs no other user."""
    return _outlives(bench, "granted_to_all", "PUBLIC")


@check(
    "grants: a group",
    page="dg/r_CREATE_GROUP.html",
    expects="SELECT for a group of users on a table outlives a load of a day and a full refresh",
)
def for_a_group(bench: Workbench) -> str:
    """Create a group, and grant to it."""
    try:
        bench.run('CREATE GROUP "{s}"')
    except DatabaseError as error:
        if not meets(error, Condition.NO_PRIVILEGE):
            raise
        raise NotChecked(
            f"{error.message}. Only a superuser can create a group: run it as one, or believe the check for PUBLIC"
        ) from error
    return _outlives(bench, "granted_to_group", f'GROUP "{bench.schema}"')


def _outlives(bench: Workbench, name: str, grantee: str) -> str:
    bench.make(name, "at timestamp", EVERY_3_HOURS)
    table = bench.table(name)
    bench.load(table, day(0))
    bench.run(f'GRANT USAGE ON SCHEMA "{{s}}" TO {grantee}')
    bench.run(f'GRANT SELECT ON "{{s}}"."{name}" TO {grantee}')
    before = bench.one(_ACL, (bench.schema, name))
    bench.run_in_source(f"INSERT INTO {{s}}.{name} VALUES (100, '2024-01-01 11:00')")
    bench.load(table, day(0))
    bench.load(table)
    after = bench.one(_ACL, (bench.schema, name))
    if before != after:
        raise Unexpected(f"the grants were {before}, and are now {after}")
    return f"the grants are the same after both: {after}"
