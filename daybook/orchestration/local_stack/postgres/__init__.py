"""The embedded PostgreSQL of the local stack, from a wheel."""
