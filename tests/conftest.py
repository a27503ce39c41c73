"""Fixtures for every test."""

import signal

pytest_plugins = [
    "tests.prefect_server",
    "tests.project",
    "tests.servers.mariadb",
    "tests.servers.postgres",
    "tests.servers.s3",
    "tests.servers.redshift",
    "tests.servers.yahoo",
    "tests.servers.google",
    "tests.servers.web",
]

# A polite end (CI's time limit, `kill`) tears the servers down as Ctrl-C does.
signal.signal(signal.SIGTERM, signal.default_int_handler)
