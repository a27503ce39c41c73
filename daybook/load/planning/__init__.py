"""Plan what a load does: which intervals it loads, which are due, and about how many rows they have."""
