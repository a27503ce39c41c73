"""Fixtures for every test."""

import gc
import os
import signal

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.support")  # before one of the plugins imports another

pytest_plugins = [
    "tests.support.server_marker",
    "tests.support.pairwise",
    "tests.support.source_warehouse_fixtures",
    "tests.support.stage_fixtures",
    "tests.support.duckdb_warehouse.fixtures",
    "tests.support.strategy_fixtures",
    "tests.support.flow_fixtures",
    "tests.support.block_fixtures",
    "tests.support.incident_fixtures",
    "tests.support.project_copy",
    "tests.support.prefect_server",
    "tests.support.preloaded",
    "tests.support.servers.mariadb",
    "tests.support.servers.postgres",
    "tests.support.servers.s3",
    "tests.support.servers.redshift",
    "tests.support.servers.yahoo",
    "tests.support.servers.google",
    "tests.support.servers.web",
    "tests.support.servers.slack",
    "tests.support.servers.mail",
    "tests.support.summary_cli",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first, so that those who share the tests among them end at about the same time."""
    items.sort(
        key=lambda item: (
            item.path.name != "test_incident_week.py",
            "flows" not in item.path.parts
            and "end_to_end" not in item.path.parts
            and "orchestration" not in item.path.parts,
        )
    )


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over the thousands of collected tests, which stay until the end."""
    gc.collect()
    gc.freeze()


# In CI the examples are the same every time. `make test-all` looks for new ones: --hypothesis-profile=full.
settings.register_profile("short", max_examples=50, deadline=None, derandomize="CI" in os.environ)
settings.register_profile("full", max_examples=500, deadline=None)
settings.load_profile("short")

# A polite end (CI's time limit, `kill`) tears the servers down as Ctrl-C does.
signal.signal(signal.SIGTERM, signal.default_int_handler)

# The tests start the project's copies in hundreds of processes, each of which would compile them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
