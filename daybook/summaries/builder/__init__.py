"""Build a summary: stage it, check it, and swap it in."""
