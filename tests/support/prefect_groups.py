"""Let two of the parallel pytest processes run all tests that need the session's Prefect server.

A server and its worker take a quarter of a minute to start and a tenth of a core while idle. With one in each process,
the tests would take half of their CPU time for that. The other processes run the other tests, a file at a time.
"""

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadFileScheduling

#: The files in each group. The groups take about the same time. A file that is missing here only costs a server more.
GROUPS = (
    ("tests/end_to_end/test_incident_week.py", "tests/end_to_end/test_backfill_interrupted.py", "tests/flows"),
    (
        *("tests/daybook/orchestration", "tests/blocks", "tests/integration/test_artifacts.py"),
        "tests/integration/test_requests_of_a_run.py",
        *(
            f"tests/end_to_end/test_{name}.py"
            for name in ("killed_runs", "other_sources", "other_databases", "deployments", "worker", "shared_runs")
        ),
        "tests/end_to_end/test_two_targets.py",
        "tests/end_to_end/test_wheel.py",
    ),
)
#: The slowest of the other files.
SLOW = ("test_every_strategy.py", "test_audit_random_histories.py", "test_clock_changes.py", "test_local_stack.py")


def group_of(file: str) -> int | None:
    """Return the group of a test file (relative to the project, with slashes), or None if it is in none."""
    path = PurePosixPath(file)
    names = {str(path), *map(str, path.parents)}
    return next((number for number, files in enumerate(GROUPS) if not names.isdisjoint(files)), None)


class GroupScheduling(LoadFileScheduling):
    """xdist's distribution by file, with each group as one file."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        group = group_of(file)
        return file if group is None else f"group {group}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> GroupScheduling | None:
    """Return the scheduler for `--dist loadfile`."""
    return GroupScheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the groups first, then the slowest files, so that all processes finish at about the same time.

    The first group starts with the longest file, and makes the databases of Prefect's server for all, for a minute. The
    second one starts with tests that need none.
    """
    with_server = {item.path for item in items if "stack" in getattr(item, "fixturenames", ())}

    def order(item: pytest.Item) -> tuple[int, int]:
        group = group_of(item.location[0])
        if group == 0:
            return 0, item.path.name != "test_incident_week.py"
        if group is not None:
            return group, item.path in with_server
        return len(GROUPS), SLOW.index(item.path.name) if item.path.name in SLOW else len(SLOW)

    items.sort(key=order)
