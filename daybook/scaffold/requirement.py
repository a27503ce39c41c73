"""The line of requirements.txt that installs this Daybook again: its version, or the address that it came from."""

import json
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution

from daybook import DISTRIBUTION, __version__
from daybook.shell import command

#: The name of releases before 0.2. They own the same folder `daybook/` as this one.
_FORMER = "daybook"
_LINE = re.compile(rf"^(?:{DISTRIBUTION}|{_FORMER})(?:\[([^\]]*)\])? *(?:==|@) *[^\s;#]+", re.MULTILINE)


def requirement(extras: Sequence[str] = (), *, folders: bool = False) -> str:
    """Return the requirement: `prefect-daybook==0.2.0`, or `… @ file:///…whl` if it came from a wheel or git.

    Args:
        extras: the extras that it names.
        folders: name the folder, too, if it was installed from one. Another machine does not have it.
    """
    named = f"{DISTRIBUTION}[{','.join(extras)}]" if extras else DISTRIBUTION
    address = _address(folders)
    return f"{named} @ {address}" if address else f"{named}=={__version__}"


def pinned(text: str) -> str:
    """Return the text of a requirements.txt with the installed Daybook in its line of Daybook. Its extras stay."""
    return _LINE.sub(lambda line: requirement(line[1].split(",") if line[1] else ()), text)


def former_package() -> tuple[str, str] | None:
    """Return why a package of the former name is a danger here, and how to remove it. None: there is none.

    pip installs the new name over the old one. Uninstalling the old one later would delete the files of the new one.
    """
    try:
        found = distribution(_FORMER).version
        distribution(DISTRIBUTION)
    except PackageNotFoundError:
        return None
    text = f"the package {_FORMER} {found} is installed, too: uninstalling it would delete files of {DISTRIBUTION}"
    again = command("pip", "install", "--force-reinstall", "--no-deps", requirement(folders=True))
    return text, f"pip uninstall -y {_FORMER} && {again}"


def _address(folders: bool) -> str | None:
    """Return where pip or uv got the package, as they record it (PEP 610). None: from an index, or a folder."""
    try:
        recorded = distribution(DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    if recorded is None:
        return None
    origin = json.loads(recorded)
    if "vcs_info" in origin:
        return f"{origin['vcs_info']['vcs']}+{origin['url']}@{origin['vcs_info']['commit_id']}"
    return None if "dir_info" in origin and not folders else str(origin["url"])
