"""The subcommands of `daybook` and their arguments, as `daybook COMMAND --help` has them."""

import argparse
from contextlib import suppress
from unittest.mock import patch

from daybook.cli import dispatch
from daybook.cli.commands import COMMANDS, GROUPS
from docs.generate import markdown


class _ParserFound(Exception):
    """Ends a subcommand as it parses its arguments."""


def parser_of(name: str) -> argparse.ArgumentParser:
    """Return the parser of a subcommand. The subcommand ends before it does anything."""
    found: list[argparse.ArgumentParser] = []

    def stop(parser: argparse.ArgumentParser, *_: object) -> None:
        found.append(parser)
        raise _ParserFound

    with patch.object(argparse.ArgumentParser, "parse_args", stop), suppress(_ParserFound):
        dispatch.main([name, "--help"])
    return found[0]


def overview() -> str:
    """Return the table of all subcommands, by group."""
    rows = [
        (title if first else "", f"[`{command.name}`](#{command.name})", command.summary)
        for title, commands in GROUPS.items()
        for command, first in zip(commands, [True] + [False] * len(commands), strict=False)
    ]
    return markdown.table(("group", "command", "what it does"), rows)


def section(name: str) -> str:
    """Return the description, the usage and the arguments of a subcommand."""
    parser = parser_of(name)
    actions = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    usage = [COMMANDS[name].name, *(_usage(action) for action in actions if not action.option_strings)]
    if any(action.option_strings for action in actions):
        usage.append("[OPTIONS]")
    description = (parser.description or "").strip()
    parts = [] if "\n" in description else [description]  # a longer text is for the terminal
    parts.append("```\ndaybook " + " ".join(usage) + "\n```")
    rows = [row for action in actions for row in _rows(action)]
    if rows:
        parts.append(markdown.table(("argument", "default", "meaning"), rows))
    return "\n\n".join(parts)


def _usage(action: argparse.Action) -> str:
    name = _value(action)
    if isinstance(action.choices, dict):
        name = "|".join(action.choices)
    if action.nargs == "?":
        return f"[{name}]"
    return f"[{name} …]" if action.nargs == "*" else name


def _rows(action: argparse.Action) -> list[tuple[str, str, str]]:
    if isinstance(action, argparse._SubParsersAction):
        return [(markdown.code(choice.dest), "", str(choice.help)) for choice in action._choices_actions]
    name = _value(action)
    if action.option_strings:
        value = "" if action.nargs == 0 else f" {name}{' …' if action.nargs == '*' else ''}"
        name = f"{', '.join(action.option_strings)}{value}"
    default = "" if action.default in (None, False) else markdown.code(str(action.default))
    text = (action.help or "").replace("%%", "%")
    if action.choices and "choices" not in text and len(action.choices) <= 5 and action.metavar is None:
        text = f"{text} One of {', '.join(markdown.code(choice) for choice in action.choices)}."
    required = action.required and action.nargs != "*" and not default
    return [(markdown.code(name), "required" if required else default, text)]


def _value(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else None
    return (metavar or action.dest).upper()
