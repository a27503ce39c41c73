"""The command `daybook`: one subcommand for each task, on top of every other room of this package.

`commands` lists the subcommands, `dispatch` runs one. Nothing of a subcommand is imported before it is typed, so that
`daybook --help` answers at once.
"""

from daybook.cli.dispatch import main

__all__ = ["main"]
