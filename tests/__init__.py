"""The tests; a folder here mirrors the folder of that name."""
