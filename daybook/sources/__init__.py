"""Sources: one module or package for each `kind:` of a table file. Imports `model`, `stage` and `sql`."""
