"""How a run that a backfill started is known: the backfill tells of its failure, and nobody else's runs wait for it."""

TAG = "backfill"
"""On every such run."""
ENDS = " (backfill)"
"""What its name ends with: an automation cannot leave out a tag, but a name (deployments/automations.yaml)."""
