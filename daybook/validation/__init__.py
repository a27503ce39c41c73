"""Validate a project's files without a connection: what `daybook validate` finds before a change is merged."""
