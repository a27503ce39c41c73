"""How fast Daybook is, against the alternatives, on servers that each run starts for itself: `make bench`."""
