"""The queue, the dry run and the result of a backfill. Imports `load` and `audit`, and starts no runs."""
