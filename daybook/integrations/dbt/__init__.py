"""dbt projects beside Daybook's own tables, read without dbt: nothing here imports it.

`profile` says in dbt's words where our warehouse is, `project` finds out what a project reads, `outcome` what became of
its models and tests.
"""
