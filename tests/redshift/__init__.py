"""A strict local Redshift in front of PostgreSQL; README.md says what it does and what it does not."""
