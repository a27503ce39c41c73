"""Summaries as Prefect runs."""
