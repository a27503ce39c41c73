"""dbt projects that read Daybook's tables. No module here imports dbt.

`profile` writes the dbt profile of the warehouse. `project` finds the tables that a project reads. `results` has the
outcome of its models and tests.
"""
