"""`daybook completion bash|zsh|fish`: print a script with which a shell completes commands, options and tables.

The script is static, so that the key Tab waits for no Python. Tables are those of the files below `tables/` of the
working directory, and those in the lists of group files.
"""

import argparse
import contextlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daybook.cli.commands import COMMANDS

_DESCRIPTION = """\
Print a script that completes commands, options and tables. Install it once for each release:

bash  daybook completion bash > ~/.local/share/bash-completion/completions/daybook
zsh   daybook completion zsh > ~/.daybook-completion.zsh    # and in ~/.zshrc: source ~/.daybook-completion.zsh
fish  daybook completion fish > ~/.config/fish/completions/daybook.fish
"""
#: The tables of files of their own, then those in the lists of group files. sed is everywhere, and fast.
_LIST_TABLES = """\
for file in tables/*/*.yaml; do
            [ -e "$file" ] && file=${file#tables/} && file=${file%.yaml} && echo "${file/\\//.}"
        done
        for file in tables/*.tables.yaml; do
            [ -e "$file" ] || continue
            schema=$(sed -n 's/^schema: *\\([A-Za-z0-9_]*\\).*/\\1/p' "${file%.tables.yaml}.yaml")
            sed -n "s/^  \\([A-Za-z0-9_]*\\): {.*/${schema:-raw_data}.\\1/p" "$file"
        done"""
_BASH = """\
_daybook_tables() {
        local file schema
        LIST
}
_daybook() {
    local current=${COMP_WORDS[COMP_CWORD]} options="" choices=""
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "COMMANDS" -- "$current"))
        return
    fi
    case "${COMP_WORDS[1]}" in
CASES
    esac
    if [[ $current != -* ]]; then
        options=$(_daybook_tables)
        [ -n "$choices" ] && [ "$COMP_CWORD" -eq 2 ] && options=$choices
    fi
    COMPREPLY=($(compgen -W "$options" -- "$current"))
}
complete -o default -F _daybook daybook
"""
#: bashcompinit needs compinit, which some set-ups of zsh never run.
_ZSH = """\
whence compdef > /dev/null || { autoload -Uz compinit && compinit; }
autoload -U +X bashcompinit && bashcompinit
"""
_FISH_TABLES = r"""
function __daybook_tables
    for file in tables/*/*.yaml
        string replace -r 'tables/(.*)/(.*).yaml' '$1.$2' $file
    end
    for file in tables/*.tables.yaml
        set -l schema (sed -n 's/^schema: *\([A-Za-z0-9_]*\).*/\1/p' (string replace .tables.yaml .yaml $file))
        test -n "$schema"; or set schema raw_data
        sed -n "s/^  \([A-Za-z0-9_]*\): {.*/$schema.\1/p" $file
    end
end
function __daybook_wants_choice
    test (count (commandline -opc)) -eq 2; and contains (commandline -opc)[2] $argv
end
function __daybook_wants_table
    not __fish_use_subcommand; and not __daybook_wants_choice WITH_CHOICES
end
complete -c daybook -n __daybook_wants_table -f -a '(__daybook_tables)'
"""


@dataclass(frozen=True)
class _Words:
    """The words that complete a command: its options, and the choices of its first argument, such as `check`."""

    options: Sequence[str]
    choices: Sequence[str]


def main(arguments: Sequence[str] | None = None, prog: str = "daybook completion") -> None:
    """Print the script for a shell."""
    parser = argparse.ArgumentParser(
        prog=prog, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shell", choices=["bash", "zsh", "fish"])
    shell = parser.parse_args(arguments).shell
    words = {name: _words(name) for name in COMMANDS}
    print(_fish(words) if shell == "fish" else _bash(words, for_zsh=shell == "zsh"), end="")


def _words(command: str) -> _Words:
    """Return the words of a command, from its help and from that of its own subcommands."""
    printed = _help(command)
    usage = re.sub(r"\[[^\[\]]*\]", "", printed.split("\n\n")[0])
    found = re.search(r"\{([a-z,-]+)\}( \.\.\.)?", usage)
    choices = found[1].split(",") if found else []
    subcommands = choices if found and found[2] else []
    texts = [printed, *(_help(command, name) for name in subcommands)]
    options = {one for text in texts for one in re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)}
    return _Words(sorted({*options, "--target"}), choices)


def _help(*words: str) -> str:
    from daybook.cli.dispatch import main as run

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        run([*words, "--help"])
    return printed.getvalue()


def _bash(words: Mapping[str, _Words], *, for_zsh: bool) -> str:
    cases = "\n".join(
        f'        {name}) options="{" ".join(found.options)}" choices="{" ".join(found.choices)}" ;;'
        for name, found in words.items()
    )
    script = _BASH.replace("LIST", _LIST_TABLES).replace("COMMANDS", " ".join(words)).replace("CASES", cases)
    return _ZSH + script if for_zsh else script


def _fish(words: Mapping[str, _Words]) -> str:
    lines = []
    for name, found in words.items():
        summary = COMMANDS[name].summary.replace("'", "\\'")
        lines.append(f"complete -c daybook -n __fish_use_subcommand -f -a {name} -d '{summary}'")
        seen = f"'__fish_seen_subcommand_from {name}'"
        lines += [f"complete -c daybook -n {seen} -l {option.removeprefix('--')}" for option in found.options]
        if found.choices:
            wants = f"'__daybook_wants_choice {name}'"
            lines.append(f"complete -c daybook -n {wants} -f -a '{' '.join(found.choices)}'")
    with_choices = " ".join(name for name, found in words.items() if found.choices)
    return "\n".join(lines) + _FISH_TABLES.replace("WITH_CHOICES", with_choices)
