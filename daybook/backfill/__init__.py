"""What a backfill still has to load, and in which order. Imports `load` and `audit`, and starts no runs."""
