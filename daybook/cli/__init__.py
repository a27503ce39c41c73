"""The command `daybook`, with one subcommand for each task. It may import every other room of this package.

`commands` lists the subcommands, and `dispatch` runs one. A subcommand is imported only when it runs, so that
`daybook --help` is fast.
"""

from daybook.cli.dispatch import main

__all__ = ["main"]
