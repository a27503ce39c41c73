"""The part of Prefect in the life of a table: its deployments and its running loads, and the removal of everything."""
