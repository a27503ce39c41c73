"""Table files and summary files: reading, validating and describing them. Imports `model`, `sql` and `sources`."""
