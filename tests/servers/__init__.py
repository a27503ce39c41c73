"""The servers that the tests run on: real ones, started once for a run of pytest and gone with it."""
