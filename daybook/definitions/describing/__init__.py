"""Propose table files for the tables of a database: what their columns mean, and how each table is best loaded."""
