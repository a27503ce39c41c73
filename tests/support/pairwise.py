"""The marker `pairwise`: `make test` runs only enough of a test's parameter combinations to cover all pairs of values.

Each test with the fixture `ends` has it. Its values are the source, the warehouse, the stage and the test's parameters.

Most defects depend on one value, and nearly all others on a pair of values (https://csrc.nist.gov/projects/automated-combinatorial-testing-for-software).
All other combinations get the marker `full`, and run in `make test-all`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations

import pytest

Case = Mapping[str, object]
ENDS = "ends"  # the fixture, whose parameters are in WAREHOUSES


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cases of each `pairwise` test that are not needed to cover the pairs."""
    cases: dict[str, dict[pytest.Item, Case]] = defaultdict(dict)
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        values = item.callspec.params
        if item.get_closest_marker("pairwise") or ENDS in values:
            hashable: dict[str, object] = {
                name: value if isinstance(value, str | int) else id(value) for name, value in values.items()
            }
            if ENDS in values:
                hashable["warehouse"], _, hashable["stage"] = str(hashable.pop(ENDS)).partition("-")
            cases[item.nodeid.partition("[")[0]][item] = hashable
    for found in cases.values():
        for item in set(found) - set(cover(found)):
            item.add_marker("full")


def pairs(case: Case) -> set[object]:
    """Return every pair of parameters of a case, with their values."""
    return set(combinations(sorted(case.items(), key=lambda parameter: parameter[0]), 2))


def cover(cases: Mapping[pytest.Item, Case]) -> Iterable[pytest.Item]:
    """Return a small selection of the cases that covers every pair in them. The result is deterministic."""
    left = set().union(*map(pairs, cases.values()))
    chosen = []
    while left:
        best = max(cases, key=lambda item: len(left & pairs(cases[item])))
        chosen.append(best)
        left -= pairs(cases[best])
    return chosen
