"""Fixtures for every test."""

pytest_plugins = ["tests.prefect_server"]
