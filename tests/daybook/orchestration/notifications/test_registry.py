"""A channel is one file: it is found, routed, sent to, and named nowhere else."""

import re
from pathlib import Path

import pytest

import daybook
from daybook.orchestration.notifications.registry import channel_types

PACKAGE = Path(daybook.__file__).parent
CHANNELS = PACKAGE / "orchestration" / "notifications" / "channels"
#: Rooms that must work with any channel. The declarations of blocks are not among them: a block has files of its own.
ROOMS = [
    PACKAGE / "orchestration" / "notifications",
    PACKAGE / "orchestration" / "monitor_events.py",
    PACKAGE / "monitoring",
    PACKAGE / "redaction.py",
    PACKAGE.parent / "flows",
]
WORDS = {"slack": "slack", "email": "e-?mail|smtp", "apprise": "apprise|discord|pagerduty"}


def test_the_channels_are_those_in_the_folder() -> None:
    kinds = channel_types()

    assert list(kinds) == ["apprise", "email", "slack"]
    assert {name: kind.yaml_field for name, kind in kinds.items()} == {
        "apprise": "apprise",
        "email": "address",
        "slack": "channel",
    }
    assert kinds.keys() == WORDS.keys(), "add the words of the new channel"


@pytest.mark.parametrize(("name", "words"), WORDS.items(), ids=WORDS.keys())
def test_a_channel_is_named_only_in_its_own_files(name: str, words: str) -> None:
    own = channel_types()[name].__module__.rpartition(".")[2]
    files = [file for room in ROOMS for file in ([room] if room.is_file() else sorted(room.rglob("*.py")))]
    others = [file for file in files if not (file.parent == CHANNELS and file.stem.startswith(own))]

    found = [
        f"{file.relative_to(PACKAGE.parent)}:{number}: {line.strip()}"
        for file in others
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(words, line, re.IGNORECASE)
    ]

    assert len(others) > 30 and not found, "\n".join(found)
