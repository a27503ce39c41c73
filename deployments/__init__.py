"""Where and how Daybook runs: automations, container images, and the local stack."""
