"""The life of a table after its first load: list all tables, reset, rename or remove one, and clean the stage.

None of this imports Prefect. `daybook.orchestration.lifecycle` has the part about deployments and runs.
"""
