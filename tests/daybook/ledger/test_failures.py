"""daybook.failures in a warehouse: the first failure of each table after its last commit."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from daybook.ledger.failures import Failure, Failures
from daybook.ledger.ledger import Entry, Ledger
from daybook.model.interval import Interval
from tests.support.source_and_warehouse import Endpoints

AT = datetime(2021, 2, 9, 6, tzinfo=UTC)
DAY = Interval(AT - timedelta(days=1), AT)


def test_the_first_failure_after_the_last_commit(from_mysql: Endpoints) -> None:
    """A reset is a commit, too. The failure of a whole table is not that of an interval."""
    warehouse = from_mysql.warehouse
    names = [f"{from_mysql.destination.namespace}.{name}" for name in ("healed", "fails", "never", "closed")]
    healed, fails, never, closed = names
    with warehouse.session() as session:
        failures, ledger = Failures(warehouse), Ledger(warehouse)
        assert healed not in failures.first_since_commit(session), "also without the tables of the schema daybook"
        for number, name in enumerate([healed, fails, fails, fails, never, closed]):
            at = AT + timedelta(hours=number)
            failures.record(session, Failure(name, None if number % 2 else DAY, None, at, "no"))
        ledger.ensure(session)
        for name in (healed, fails):
            at = AT + timedelta(hours=1)
            ledger.record(session, [Entry(name, None, at, 0, "replace", None, at, str(uuid4()), at)])
        ledger.close(session, closed, None, None)
        found = failures.first_since_commit(session)
        assert {name: at for name, at in found.items() if name in names} == {
            fails: AT + timedelta(hours=2),
            never: AT + timedelta(hours=4),
        }
        around = Interval(AT - timedelta(days=1), AT + timedelta(days=1))
        assert [one.failed_at for one in failures.within(session, fails, around)] == [AT + timedelta(hours=2)]
