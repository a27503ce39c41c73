"""A PostgreSQL server from a wheel, for the local stack."""
