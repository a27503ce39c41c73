"""How Daybook connects to Redshift: the URL, logins with IAM, keepalives, the case of names, and errors."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, event

from daybook.errors import DbtUnusable, LoadFailed, WarehouseError, WarehouseLost
from daybook.extras import extra
from daybook.model.target import Target
from daybook.sql.database_error import DatabaseError
from daybook.sql.retries import with_retries
from daybook.warehouses.postgres_family import PostgresFamily
from daybook.warehouses.redshift.case import check_case, in_lower_case, keeps_case
from daybook.warehouses.redshift.errors import with_remedy
from daybook.warehouses.redshift.iam import OPTIONS as IAM_OPTIONS
from daybook.warehouses.redshift.iam import IamLogin, TemporaryPasswords
from daybook.warehouses.redshift.storage import SLICES
from daybook.warehouses.session import Session

if TYPE_CHECKING:
    from boto3 import Session as AwsSession

#: Seconds of silence before the first probe, seconds between two probes, and probes without an answer. Load balancers
#: and NAT gateways of AWS drop connections that are idle for 350 seconds:
#: https://docs.aws.amazon.com/redshift/latest/mgmt/connecting-drop-issues.html
_KEEPALIVES = {"keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 5}
#: The option of a URL with the query group of all sessions. It chooses their queue and labels their statements.
_QUERY_GROUP = "query_group"
#: The beginnings of messages after which a retry can succeed. Redshift reports both as internal errors: the first if it
#: changes the same table in the background, the second if another session has just dropped or replaced the table.
_TRANSIENT_TEXTS = (
    "could not complete because of conflict with concurrent transaction",
    "could not open relation with oid",
)
_BLOCK = "the URL of SqlAlchemyConnector/warehouse"


class Connections(PostgresFamily):
    """The part of Redshift that knows its connections.

    `aws_session` returns the identity at AWS for a login with IAM, or None for that of the machine.
    """

    dbt_type, dbt_port = "redshift", 5439
    dbt_options = frozenset({"sslmode", "connect_timeout"})
    own_options = PostgresFamily.own_options | {_QUERY_GROUP, SLICES}
    #: Redshift's statement_timeout counts the time in a queue of workload management (dg/r_statement_timeout.html).
    patience = 10

    def __init__(self, engine: Engine, aws_session: "Callable[[], AwsSession | None] | None" = None) -> None:
        super().__init__(engine)
        #: None: no session was opened yet.
        self._keeps_case: bool | None = None
        for prepare in (_keep_alive, _without_own_options):
            if not event.contains(engine, "do_connect", prepare):
                event.listen(engine, "do_connect", prepare)
        try:
            login = IamLogin.of(engine.url)
        except WarehouseError as error:
            raise WarehouseError(f"{_BLOCK} {error}") from None
        if login:
            event.listen(engine, "do_connect", TemporaryPasswords(login, aws_session).on_connect)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session in the query group of the URL (dg/r_query_group.html). Read if it keeps quoted names' case."""
        with super().session() as session:
            if group := self._engine.url.query.get(_QUERY_GROUP):
                session.run("SET query_group TO %s", (group,))
            self._keeps_case = keeps_case(session)
            yield session

    @property
    def keeps_case(self) -> bool:
        """Return True if quoted names keep their case, as the newest session has found, or one that this opens.

        Raises:
            LoadFailed: the warehouse failed.
            WarehouseLost: every retry failed.
        """
        if self._keeps_case is None:
            what = "reading if the warehouse keeps the case of names"
            with_retries(self._open_once, what=what, failed=LoadFailed, lost=WarehouseLost)
        return bool(self._keeps_case)

    def _open_once(self) -> None:
        with self.session():
            pass

    @property
    def sqlglot_dialect(self) -> str:
        """Return sqlglot's name of the dialect, with its rule for the case of names."""
        return "redshift, normalization_strategy=lowercase" if self.keeps_case else "redshift"

    def folded(self, name: str) -> str:
        """Return a name as the catalog keeps it: see `case`."""
        return name if self._keeps_case else in_lower_case(name)

    def check(self, session: Session, target: Target, *, altered: Mapping[str, str] | None = None) -> None:
        """Check that the table can hold the rows of the target. Skip the columns in `altered`, which the load alters.

        Raises:
            SchemaMismatch: see `SqlWarehouse.check` and `case.check_case`.
        """
        existing = self.existing_columns(session, target.name)
        check_case(session, target, self.table(target.name), existing, bool(self._keeps_case))
        super().check(session, target, altered=altered)

    @classmethod
    def check_installed(cls) -> None:
        """Check that SQLAlchemy has Redshift's dialect.

        Raises:
            ExtraMissing: the dialect is not installed. The message has the command that installs it.
        """
        with extra("redshift"):
            import sqlalchemy_redshift  # noqa: F401

    @classmethod
    def check_url(cls, url: URL) -> None:
        """Check the options for logins with IAM. Raises `WarehouseError` for a wrong one."""
        IamLogin.of(url)

    @classmethod
    def dbt_output(cls, url: URL, password: str) -> dict[str, Any]:
        """Return the connection to `url` as an output of a dbt profile, without `schema` and `threads`.

        dbt's driver has keepalives of its own, so those of the URL are left out.

        Raises:
            DbtUnusable: the URL has an option that dbt does not support.
        """
        try:
            login = IamLogin.of(url)
        except WarehouseError as error:
            raise DbtUnusable(f"{_BLOCK} {error}") from None
        output = super().dbt_output(url.difference_update_query([*IAM_OPTIONS, *_KEEPALIVES, "keepalives"]), password)
        if login is None:
            return output
        del output["user"], output["password"]
        return output | login.dbt_output()

    @staticmethod
    def read_error(error: BaseException) -> DatabaseError | None:
        """Return a driver's exception as a DatabaseError, or None for any other exception.

        Redshift reports a serialization failure as an internal error. Its text begins with the number 1023, and its
        detail has the reason and the table.
        """
        found = PostgresFamily.read_error(error)
        if found is not None:
            state = getattr(error, "pgcode", None)
            conflict = state in ("XX000", None) and "1023" in str(found)[:80]
            found.transient |= conflict or found.message.lower().startswith(_TRANSIENT_TEXTS)
            if found.message.isdigit():
                found.message = f"{found.message}: {found.detail or 'no detail'}".split("\n")[0]
            with_remedy(found, error)
        return found


def _keep_alive(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
    """Set the keepalives of a connection that SQLAlchemy is about to open, unless its URL has others."""
    for name, value in _KEEPALIVES.items():
        parameters.setdefault(name, value)


def _without_own_options(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
    """Remove Daybook's own options from the driver's parameters, which libpq would refuse."""
    for name in (_QUERY_GROUP, SLICES):
        parameters.pop(name, None)
