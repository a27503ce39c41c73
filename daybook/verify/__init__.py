"""Check that a Redshift cluster behaves as Daybook expects: `daybook verify-redshift`, and its report."""
