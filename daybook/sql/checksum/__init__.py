"""The row checksum, which every supported database computes alike, and the two sides that an audit compares."""
