"""dbt as Prefect runs it: waiting for the tables that a project reads, and building its models."""
