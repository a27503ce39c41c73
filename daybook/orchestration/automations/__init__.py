"""Apply `deployments/automations.yaml` to a Prefect server."""
