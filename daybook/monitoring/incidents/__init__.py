"""Incidents: what went wrong, from its first failure to its recovery, and the content of the messages."""
