"""Audits as Prefect runs: comparing a table with its source, and repairing what differs."""
