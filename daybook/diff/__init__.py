"""What deploying a checkout would change: tables, columns, deployments, summaries, and the rows to load again."""
