"""Choose the parameter combinations of each test that `make test` runs. All others get the marker `full`.

The values of a test are the kind of source, the warehouse, the stage and the test's parameters. A test with the marker
`pairwise` covers all pairs of values, since its subject is how they fit together. A test with the marker `each_value`
or the fixture `ends` covers each value once. Any other test runs with all combinations.
Most defects depend on one value, and nearly all others on a pair of values (https://csrc.nist.gov/projects/automated-combinatorial-testing-for-software).

The servers of one kind of source (MariaDB and MySQL, two versions of PostgreSQL) add no combinations. They take turns:
each runs about as often, and with as many of the other values as possible. So do the warehouses of a test with the
marker `any_warehouse`, whose subject is what comes before the warehouse, or does not depend on it.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import pytest

from tests.support.source_warehouse_fixtures import EVERY_WAREHOUSE, MYSQL, POSTGRESQL

ENDS = "ends"  # the fixture, whose parameters are in WAREHOUSES
#: The fixtures whose parameter is a server, and the kind of each server.
SERVERS = ("source", "mysql_source", "postgres_source")
KINDS = dict.fromkeys(MYSQL, "mysql") | dict.fromkeys(POSTGRESQL, "postgresql")


@dataclass(frozen=True)
class Case:
    """The values of one combination of a test's parameters, with the kind of each source in place of its server."""

    values: Mapping[str, Hashable]
    servers: tuple[str, ...]

    def needs(self, strength: int | None) -> set[Hashable]:
        """Return what the selection must cover: combinations of `strength` values. None: of all values."""
        values = sorted(self.values.items(), key=lambda parameter: parameter[0])
        return set(combinations(values, min(strength or len(values), len(values))))

    def wishes(self) -> set[Hashable]:
        """Return what the selection covers if that takes no further case: each server with each other value."""
        return {(server, value) for server in self.servers for value in self.values.items()}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cases of each test that `make test` does not need."""
    tests: dict[str, dict[pytest.Item, Case]] = defaultdict(dict)
    strengths: dict[str, int] = {}
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        any_warehouse = item.get_closest_marker("any_warehouse") is not None
        case, test = case_of(item.callspec.params, any_warehouse), item.nodeid.partition("[")[0]
        if item.get_closest_marker("pairwise"):
            strengths[test] = 2
        elif item.get_closest_marker("each_value") or ENDS in item.callspec.params:
            strengths[test] = 1
        if test in strengths or case.servers:
            tests[test][item] = case
    for test, cases in tests.items():
        for item in set(cases) - set(cover(cases, test, strengths.get(test))):
            item.add_marker("full")


def case_of(parameters: Mapping[str, object], any_warehouse: bool = False) -> Case:
    """Return the case with these parameters of pytest. `any_warehouse`: its warehouse is a server in turn."""
    values: dict[str, Hashable] = {}
    servers = []
    for name, value in parameters.items():
        if name in SERVERS and isinstance(value, str) and value in KINDS:
            servers.append(value)
            values[name] = KINDS[value]
        elif any_warehouse and value in EVERY_WAREHOUSE:
            servers.append(str(value))
        elif name == ENDS:
            values["warehouse"], _, values["stage"] = str(value).partition("-")
        else:
            values[name] = value if isinstance(value, str | int) else id(value)
    return Case(values, tuple(servers))


def cover(cases: Mapping[pytest.Item, Case], test: str, strength: int | None) -> Iterable[pytest.Item]:
    """Return a small selection of the cases that covers what they need. The result is deterministic."""
    needs = {item: case.needs(strength) for item, case in cases.items()}
    wishes = {item: case.wishes() for item, case in cases.items()}
    left, wished = set().union(*needs.values()), set().union(*wishes.values())
    runs: Counter[str] = Counter()
    chosen = []

    def gain(item: pytest.Item) -> tuple[int, int, int, int]:
        servers = cases[item].servers
        turn = zlib.crc32(f"{test} {servers}".encode())  # different tests begin with different servers
        return len(left & needs[item]), len(wished & wishes[item]), -sum(runs[server] for server in servers), turn

    while left:
        best = max(cases, key=gain)
        chosen.append(best)
        left -= needs[best]
        wished -= wishes[best]
        runs.update(cases[best].servers)
    return chosen
