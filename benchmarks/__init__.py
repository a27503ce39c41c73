"""Benchmarks of Daybook and its alternatives: `make bench`. Each run starts its own servers."""
