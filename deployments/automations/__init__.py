"""Which automations the server has: deployments/automations.yaml, applied by `python -m deployments.automations`."""
