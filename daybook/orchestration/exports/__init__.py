"""Exports from the warehouse as Prefect runs."""
