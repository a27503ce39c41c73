"""Checks that fail, hang or have a bug: each is one finding, and the others are made."""

import time
from collections.abc import Iterator

from daybook.errors import DaybookError
from daybook.orchestration.doctor.findings import Check, Finding, run_checks


def good() -> Iterator[Finding]:
    yield Finding("ok", "good", "fine")


def refused() -> Iterator[Finding]:
    raise DaybookError("the login failed")


def hangs() -> Iterator[Finding]:
    yield Finding("ok", "hangs", "logged in")
    time.sleep(30)


def has_a_bug() -> Iterator[Finding]:
    raise ValueError("hunter2")


def test_one_dead_host_does_not_hold_up_the_others() -> None:
    checks = [Check(one.__name__, one, "fix it") for one in (hangs, refused, has_a_bug, good)]
    started = time.monotonic()
    found = [(one.level, one.check, one.text) for one in run_checks(checks, 0.3)]
    assert time.monotonic() - started < 3
    assert found == [
        ("ok", "hangs", "logged in"),
        ("error", "hangs", "no answer within 0 s"),
        ("error", "refused", "the login failed"),
        ("error", "has_a_bug", "the check failed: ValueError"),
        ("ok", "good", "fine"),
    ]
