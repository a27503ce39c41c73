"""Artifacts that a flow run shows in the Prefect UI."""
