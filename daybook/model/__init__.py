"""The vocabulary: intervals, types, checks and table specifications. Imports only `daybook.errors`."""
