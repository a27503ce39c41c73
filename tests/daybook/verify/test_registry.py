"""Every topic is listed, and each check names its rule."""

import pkgutil

import pytest

from daybook.verify import groups
from daybook.verify.groups import TOPICS
from daybook.verify.registry import UnknownCheck, all_checks, chosen


def test_every_module_is_a_topic() -> None:
    assert sorted(TOPICS) == sorted(module.name for module in pkgutil.iter_modules(groups.__path__))


def test_checks_are_in_the_order_of_their_topics_and_name_a_page() -> None:
    checks = all_checks()
    topics = list(dict.fromkeys(one.find.__module__.rpartition(".")[2] for one in checks))
    assert topics == list(TOPICS)
    assert len({one.name for one in checks}) == len(checks)
    assert [one.page for one in checks if not one.page.startswith(("dg/", "mgmt/")) or ".html" not in one.page] == []


def test_names_choose_checks_by_their_beginnings() -> None:
    names = [one.name for one in chosen(["strategies", "cluster: version"])]
    assert names[:2] == ["access: a load", "cluster: version"]  # all others need the first
    assert {name.partition(":")[0] for name in names[2:]} == {"strategies"}
    assert chosen([]) == all_checks()


def test_an_unknown_name_is_refused_with_the_closest_one() -> None:
    with pytest.raises(UnknownCheck, match="'strings: hard textz'; did you mean 'strings: hard texts'"):
        chosen(["strings: hard textz"])
