"""Ask before a command changes something."""

import argparse
import sys
from typing import Any

from daybook.cli.exits import print_json
from daybook.lifecycle.errors import ChangeRefused


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Add `--yes` and `--dry-run` to a command."""
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and change nothing")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json` to a command with `--dry-run`."""
    parser.add_argument("--json", action="store_true", help="with --dry-run: print the plan as JSON")


def check_json(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Exit with the usage if `--json` is given without `--dry-run`."""
    if given.json and not given.dry_run:
        parser.error("--json prints the plan: add --dry-run")


def printed(given: argparse.Namespace, plan: Any) -> bool:
    """Print the plan if it is asked for as JSON. Return True if it was."""
    if given.json:
        print_json(plan)
    return bool(given.json)


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
