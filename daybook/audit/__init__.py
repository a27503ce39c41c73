"""The audit: compare the warehouse with its source by checksums that every database computes in the same way."""
