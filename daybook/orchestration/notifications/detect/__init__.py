"""Detectors: each finds one kind of problem."""
