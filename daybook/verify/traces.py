"""Remove everything that a run leaves: its schemas, its rows in `daybook.…`, its objects on the stage, its groups."""

from collections.abc import Callable
from dataclasses import dataclass, field

from daybook.errors import WarehouseError, WarehouseLost
from daybook.ledger.schema_version import TABLE
from daybook.ledger.state_table import SCHEMA
from daybook.sql.database_error import Condition, DatabaseError, first_line, meets
from daybook.sql.retries import with_retries
from daybook.verify.workbench import Workbench
from daybook.warehouses.session import Session

#: The tables of the schema `daybook`, and True for each that says which table its rows are about.
_TABLES = (
    "SELECT c.relname, count(a.attname) > 0 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'table_name' AND a.attnum > 0 "
    "AND NOT a.attisdropped WHERE n.nspname = %s AND c.relkind = 'r' GROUP BY c.relname"
)
VERSION_TABLE = TABLE.rpartition(".")[2]
_OBJECTS = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s LIMIT 1"


@dataclass
class Traces:
    """What a run makes. `existing` has the tables of the schema `daybook` before it; None: there was no schema."""

    bench: Workbench
    existing: frozenset[str] | None = None
    problems: list[str] = field(default_factory=list)
    """What could not be removed, each with the reason, and the statement that removes it."""

    @classmethod
    def before(cls, bench: Workbench) -> "Traces":
        """Note what is there before the first check.

        Raises:
            WarehouseError: the user may not delete rows of Daybook's own tables. The message has the GRANT.
        """
        with bench.warehouse.session() as session:
            tables = dict(session.rows(_TABLES, (SCHEMA,)))
            there = tables or session.rows("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,))
            for name in [name for name, about_tables in tables.items() if about_tables]:
                if not session.one(f"SELECT has_table_privilege('{SCHEMA}.{name}', 'delete')"):
                    user = session.one("SELECT current_user")
                    raise WarehouseError(
                        f"this user may not delete rows of {SCHEMA}.{name}, so the checks would leave theirs behind. "
                        f'As the owner of the schema, run: GRANT DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO "{user}"'
                    )
        return cls(bench, frozenset(tables) if there else None)

    def make(self) -> None:
        """Create the schema on the cluster and in the source.

        Raises:
            WarehouseError: the user may not create schemas. The message has the GRANT.
        """
        try:
            self.bench.run('CREATE SCHEMA "{s}"')
        except DatabaseError as error:
            if not meets(error, Condition.NO_PRIVILEGE):
                raise
            user, database = self.bench.run("SELECT current_user, current_database()")[0]
            raise WarehouseError(
                f"{error.message}. The checks need a schema of their own. As the owner of the database, run: GRANT "
                f'CREATE ON DATABASE "{database}" TO "{user}"'
            ) from error
        self.bench.run_in_source("CREATE SCHEMA {s}")

    def remove(self) -> list[str]:
        """Remove everything, even if a step fails. Return what could not be removed."""
        schema = self.bench.schema
        self._try(f"DROP SCHEMA {schema} CASCADE", lambda: self.bench.run(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE'))
        self._try(f'DROP GROUP "{schema}"', self._drop_group)
        self._try(f"delete the rows about {schema} in the tables of {SCHEMA}", self._forget)
        self._try(f"delete the objects in {self.bench.stage}", self._clear_stage)
        self._try(
            f"DROP SCHEMA {schema} CASCADE (in the source)",
            lambda: self.bench.run_in_source("DROP SCHEMA IF EXISTS {s} CASCADE"),
        )
        return self.problems

    def _try(self, by_hand: str, step: Callable[[], object]) -> None:
        """Run a step, also after lost connections and conflicts. Note a failure with the statement to run by hand."""
        try:
            with_retries(step, what=by_hand, failed=None, lost=WarehouseLost)
        except Exception as error:
            self.problems.append(f"{by_hand} ({type(error).__name__}: {first_line(error)})")

    def _drop_group(self) -> None:
        """Drop the group that has the schema's name, if a check has created it. Redshift has no IF EXISTS for it."""
        if self.bench.run("SELECT 1 FROM pg_group WHERE groname = %s", (self.bench.schema,)):
            self.bench.run('DROP GROUP "{s}"')

    def _clear_stage(self) -> None:
        left = self.bench.stage.discard("The checks are over")
        self.problems += [f"delete {address}" for address in left]

    def _forget(self) -> None:
        """Delete the run's rows in Daybook's own tables, and drop the tables and the schema that it has created.

        A table stays if it was there before, or if another load has used it since.
        """
        quote = self.bench.warehouse.quote
        with self.bench.warehouse.session() as session:
            for name, about_tables in session.rows(_TABLES, (SCHEMA,)):
                if name.startswith(f"lock_{self.bench.schema}_"):
                    session.run(f"DROP TABLE {quote(SCHEMA, name)}")
                elif about_tables:
                    with session.undone_on_error():
                        self._forget_rows(session, quote(SCHEMA, name), is_new=name not in (self.existing or ()))
            if self.existing is None and [name for name, _ in session.rows(_TABLES, (SCHEMA,))] == [VERSION_TABLE]:
                session.run(f"DROP TABLE {quote(SCHEMA, VERSION_TABLE)}")  # of no use without another table
            if self.existing is None and not session.rows(_OBJECTS, (SCHEMA,)):
                session.run(f"DROP SCHEMA IF EXISTS {quote(SCHEMA)}")

    def _forget_rows(self, session: Session, table: str, *, is_new: bool) -> None:
        """Delete the run's rows in a table (quoted). Drop the table if it is new and has no other rows."""
        session.run("BEGIN")
        if is_new:
            session.run(f"LOCK {table}")  # so that no other load writes to it before it is dropped
        session.run(f"DELETE FROM {table} WHERE substring(table_name, 1, %s) = %s", (len(self._own), self._own))
        if is_new and not session.one(f"SELECT count(*) FROM {table}"):
            session.run(f"DROP TABLE {table}")
        session.run("COMMIT")

    @property
    def _own(self) -> str:
        """Return the first characters of the names of the run's tables."""
        return f"{self.bench.schema}."
