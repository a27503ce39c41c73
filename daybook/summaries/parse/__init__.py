"""Parse a summary's SELECT: its inputs, its columns, its lineage."""
