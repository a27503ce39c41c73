"""The only package that imports Prefect. The flows in `flows/` are composed of its tasks, steps and options."""
