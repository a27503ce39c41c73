"""The flows: one in each file; file, function and flow have one name. Each reads from top to bottom."""
