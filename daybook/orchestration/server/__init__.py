"""Which Prefect server this process uses and why, and whether it answers. Imports no Prefect, which takes seconds."""
