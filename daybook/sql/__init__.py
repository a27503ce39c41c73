"""SQL that several databases share: connections, retries, bucketing, checksums. Imports `model` and `errors`."""
