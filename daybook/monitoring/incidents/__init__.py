"""Incidents: what went wrong, from its first failure to its recovery, and what is said of it."""
