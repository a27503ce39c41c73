"""Ask before a command changes something."""

import argparse
import sys

from daybook.lifecycle.errors import ChangeRefused


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Add `--yes` and `--dry-run` to a command."""
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and change nothing")


def agreed(given: argparse.Namespace, question: str) -> bool:
    """Return True if the person agrees, or has given `--yes`. With `--dry-run`, return False without a question.

    Raises:
        ChangeRefused: nobody is there to answer.
    """
    if given.dry_run:
        print("Dry run: nothing was changed.")
        return False
    if given.yes:
        return True
    if not sys.stdin.isatty():
        raise ChangeRefused("nobody can answer, because the input is no terminal: add --yes. Nothing was changed")
    if input(f"{question} [y/N] ").strip().lower() in ("y", "yes"):
        return True
    print("Nothing was changed.")
    return False
