"""Runs that load more than one table."""
