"""The marker `pairwise`: of the product of a test's parameters, `make test` takes a cover of all pairs of values.

Most defects show with one value, nearly all others with a pair (https://csrc.nist.gov/projects/automated-combinatorial-testing-for-software).
The cases outside of the cover get the marker `full`: `make test-all` runs them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations

import pytest

Case = Mapping[str, object]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cases of each `pairwise` test that are not needed for the pairs."""
    cases: dict[str, dict[pytest.Item, Case]] = defaultdict(dict)
    for item in items:
        if item.get_closest_marker("pairwise") and isinstance(item, pytest.Function):
            values = item.callspec.params.items()
            hashable = {name: value if isinstance(value, str | int) else id(value) for name, value in values}
            cases[item.nodeid.partition("[")[0]][item] = hashable
    for found in cases.values():
        for item in set(found) - set(cover(found)):
            item.add_marker("full")


def pairs(case: Case) -> set[object]:
    """Return each two parameters of a case, with their values."""
    return set(combinations(sorted(case.items(), key=lambda parameter: parameter[0]), 2))


def cover(cases: Mapping[pytest.Item, Case]) -> Iterable[pytest.Item]:
    """Return few of the cases, among which is every pair that is in any of them. The same cases have the same cover."""
    left = set().union(*map(pairs, cases.values()))
    chosen = []
    while left:
        best = max(cases, key=lambda item: len(left & pairs(cases[item])))
        chosen.append(best)
        left -= pairs(cases[best])
    return chosen
