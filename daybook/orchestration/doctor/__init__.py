"""Check a set-up: the Prefect server, the worker, the databases, privileges, the stage, Slack, files, versions."""
