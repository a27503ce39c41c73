"""A full refresh of a table that can be compared with the staged rows: find what differs, and exchange only that."""
