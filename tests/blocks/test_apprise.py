"""Each entry of DAYBOOK_APPRISE_URLS has a name, and a URL that Apprise can read."""

import pytest

from daybook.orchestration.blocks.errors import EnvironmentRefused
from tests.support.declared_blocks import plan

REFUSALS = {
    "discord://hunter2/hunter2": "has an invalid entry (number 1): write NAME=URL",
    "team=hunter2": "has an invalid entry (number 1)",
    "a=json://x/ On_Call=json://hunter2": "has an invalid entry (number 2)",
    "a=json://x/ a=json://hunter2": "has the name a twice",
    "team=discord://hunter2": "has a URL that Apprise cannot read (team): see https://github.com/caronc/apprise/wiki",
    "team=nothing://hunter2/x": "has a URL that Apprise cannot read (team)",
}


@pytest.mark.parametrize(("text", "problem"), REFUSALS.items(), ids=REFUSALS.keys())
def test_an_entry_that_is_wrong_is_refused_and_not_repeated(
    text: str, problem: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EnvironmentRefused) as refused:
        plan({"DAYBOOK_APPRISE_URLS": text})

    (found,) = refused.value.problems
    assert found.startswith(f"DAYBOOK_APPRISE_URLS: {problem}")
    printed = capsys.readouterr()
    assert "hunter2" not in f"{found} {caplog.text} {printed.out} {printed.err}"
