"""Prefect: the only room that imports it. The flows in `flows/` are composed of its tasks, steps and options."""
