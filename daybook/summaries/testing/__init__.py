"""Run a summary on the rows of a test case, and compare the result."""
