"""The audit: whether the warehouse holds what its source has, proven by checksums that every engine computes alike."""
