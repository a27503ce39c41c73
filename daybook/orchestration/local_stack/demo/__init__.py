"""The demo: generated data, and the flow runs that load it."""
