"""Fixtures for every test."""

import gc
import os
import signal

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.support")  # before the plugins import each other

pytest_plugins = [
    "tests.support.server_marker",
    "tests.support.examples_guard",
    "tests.support.pairwise",
    "tests.support.source_warehouse_fixtures",
    "tests.support.stage_fixtures",
    "tests.support.duckdb_warehouse.fixtures",
    "tests.support.strategy_fixtures",
    "tests.support.flow_fixtures",
    "tests.support.block_fixtures",
    "tests.support.incident_fixtures",
    "tests.support.project_copy",
    "tests.support.small_project",
    "tests.support.prefect_databases",
    "tests.support.prefect_groups",
    "tests.support.prefect_server",
    "tests.support.preloaded",
    "tests.support.servers.mariadb",
    "tests.support.servers.mysql",
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


def pytest_configure() -> None:
    """Collect no garbage while tests are collected: a fifth of that time would be a search through the tests."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Exclude the thousands of collected tests from garbage collection: they live until the end."""
    gc.enable()
    gc.collect()
    gc.freeze()


# CI uses the same examples every time. `make test-all` generates new ones: --hypothesis-profile=full.
settings.register_profile("short", max_examples=50, deadline=None, derandomize="CI" in os.environ)
settings.register_profile("full", max_examples=500, deadline=None)
settings.load_profile("short")

# On SIGTERM (CI's time limit, `kill`), tear the servers down as on Ctrl-C. A shell that starts pytest in the background
# lets it ignore SIGINT, and the tests of Ctrl-C would wait forever.
for interrupt in (signal.SIGTERM, signal.SIGINT):
    signal.signal(interrupt, signal.default_int_handler)

# The tests run copies of the project in hundreds of processes. Without .pyc files, each would compile them again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
