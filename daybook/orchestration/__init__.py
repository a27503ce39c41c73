"""Prefect: the only room that imports it. Flows in `flows/` are composed of the tasks and options in here."""
