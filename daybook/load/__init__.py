"""One load, from plan to commit. Imports every room below it, and never `audit`."""
