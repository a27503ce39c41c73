"""Notifications: detect problems, keep incidents, send one message per incident, and one when it recovers."""
