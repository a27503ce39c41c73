"""`daybook completion bash|zsh|fish`: print a script with which a shell completes commands, options and tables.

The script is static, so that the key Tab waits for no Python. Tables are the files below `tables/` of the working
directory.
"""

import argparse
import contextlib
import io
import re
from collections.abc import Mapping, Sequence

from daybook.cli.commands import COMMANDS

_DESCRIPTION = """\
Print a script that completes commands, options and tables. Install it once for each release:

bash  daybook completion bash > ~/.local/share/bash-completion/completions/daybook
zsh   daybook completion zsh > ~/.daybook-completion.zsh    # and in ~/.zshrc: source ~/.daybook-completion.zsh
fish  daybook completion fish > ~/.config/fish/completions/daybook.fish
"""
_BASH = """\
_daybook() {
    local current=${COMP_WORDS[COMP_CWORD]} options="" file
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "COMMANDS" -- "$current"))
        return
    fi
    case "${COMP_WORDS[1]}" in
CASES
    esac
    if [[ $current != -* ]]; then
        options=""
        for file in tables/*/*.yaml; do
            [ -e "$file" ] && file=${file#tables/} && file=${file%.yaml} && options="$options ${file/\\//.}"
        done
    fi
    COMPREPLY=($(compgen -W "$options" -- "$current"))
}
complete -o default -F _daybook daybook
"""
_FISH_TABLES = """\
complete -c daybook -n 'not __fish_use_subcommand' -f -a \
'(for file in tables/*/*.yaml; string replace -r "tables/(.*)/(.*).yaml" "\\$1.\\$2" $file; end)'
"""


def main(arguments: Sequence[str] | None = None, prog: str = "daybook completion") -> None:
    """Print the script for a shell."""
    parser = argparse.ArgumentParser(
        prog=prog, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shell", choices=["bash", "zsh", "fish"])
    shell = parser.parse_args(arguments).shell
    options = {name: _options(name) for name in COMMANDS}
    print(_fish(options) if shell == "fish" else _bash(options, for_zsh=shell == "zsh"), end="")


def _options(command: str) -> list[str]:
    """Return the options of a command, from its help."""
    from daybook.cli.dispatch import main as run

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        run([command, "--help"])
    return sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", printed.getvalue())))


def _bash(options: Mapping[str, Sequence[str]], *, for_zsh: bool) -> str:
    cases = "\n".join(f'        {name}) options="{" ".join(found)}" ;;' for name, found in options.items())
    script = _BASH.replace("COMMANDS", " ".join(options)).replace("CASES", cases)
    return f"autoload -U +X bashcompinit && bashcompinit\n{script}" if for_zsh else script


def _fish(options: Mapping[str, Sequence[str]]) -> str:
    lines = []
    for name, found in options.items():
        summary = COMMANDS[name].summary.replace("'", "\\'")
        lines.append(f"complete -c daybook -n __fish_use_subcommand -f -a {name} -d '{summary}'")
        seen = f"'__fish_seen_subcommand_from {name}'"
        lines += [f"complete -c daybook -n {seen} -l {option.removeprefix('--')}" for option in found]
    return "\n".join(lines) + "\n" + _FISH_TABLES
