"""Backfills as Prefect runs: the loop, and the child runs that it starts."""
