"""`daybook deploy`: make the server's deployments those that the project's files declare."""
