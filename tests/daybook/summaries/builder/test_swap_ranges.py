"""A build of some intervals reads only the blocks of its table that can have the keys of the build."""

from collections.abc import Callable

import pytest

from tests.support.summary_cli import Desk


@pytest.mark.parametrize("warehouse_ends", ["redshift-s3"], indirect=True)
def test_the_joins_of_a_build_are_bounded(desk: Desk, redshift_statements: Callable[[], list[str]]) -> None:
    desk.answer((1, "2021-02-05 10:00", 9), load="2021-02-05")
    summary = desk.summary()
    assert desk.build(summary).rows == 1
    desk.answer((2, "2021-02-06 10:00", 8), load="2021-02-06")
    before = len(redshift_statements())
    assert desk.build(summary).rows == 1
    bounded = [one for one in redshift_statements()[before:] if """"per_day"."day" BETWEEN '2021-02-06""" in one]
    assert [one.split()[0] for one in bounded] == ["SELECT", "DELETE"]
    assert desk.rows("per_day", "answers, total") == [(1, 9), (1, 8)]
