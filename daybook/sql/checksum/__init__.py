"""The row checksum, computed alike by every supported database, and the two sides that an audit compares."""
