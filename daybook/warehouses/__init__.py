"""The warehouses that Daybook loads into. Imports `model`, `stage` and `sql`."""
