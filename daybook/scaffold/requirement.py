"""The line of requirements.txt that installs this Daybook again: its version, or the address that it came from."""

import json
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution

from daybook import __version__

_LINE = re.compile(r"^daybook(?:\[([^\]]*)\])? *(?:==|@) *[^\s;#]+", re.MULTILINE)


def requirement(extras: Sequence[str] = ()) -> str:
    """Return the requirement: `daybook==0.1.0`, or `daybook @ file:///…whl` if it was installed from a wheel or git."""
    named = f"daybook[{','.join(extras)}]" if extras else "daybook"
    address = _address()
    return f"{named} @ {address}" if address else f"{named}=={__version__}"


def pinned(text: str) -> str:
    """Return the text of a requirements.txt with the installed Daybook in its line of Daybook. Its extras stay."""
    return _LINE.sub(lambda line: requirement(line[1].split(",") if line[1] else ()), text)


def _address() -> str | None:
    """Return where pip or uv got the package, as they record it (PEP 610). None: from an index, or it is a folder."""
    try:
        recorded = distribution("daybook").read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    if recorded is None:
        return None
    origin = json.loads(recorded)
    if "vcs_info" in origin:
        return f"{origin['vcs_info']['vcs']}+{origin['url']}@{origin['vcs_info']['commit_id']}"
    return None if "dir_info" in origin else str(origin["url"])
