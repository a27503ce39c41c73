"""Sources: one module or package per `kind:` of a table file. Imports `model`, `stage` and `sql`."""
