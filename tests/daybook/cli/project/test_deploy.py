"""What `daybook deploy` prints: deployments that run by themselves come first, and it says how to load the history."""

from daybook.cli.project.deploy import _first_loads, _lines
from daybook.definitions.project_file import ProjectFile
from daybook.definitions.targets.project_target import Target
from daybook.orchestration.deploy.deploy_plan import Plan
from daybook.orchestration.deploy.document import Settings
from daybook.orchestration.deploy.wanted import Wanted, WantedSchedule

ON_DEMAND = [Wanted("load", f"raw.t{number}", "x", (), {"tables": [f"raw.t{number}"]}) for number in range(20)]
SHARED = Wanted("load", "production-0600", "x", (), {"tables": ["raw.t0"]}, WantedSchedule("UTC", "0 6 * * *"))


def plan(*wanted: Wanted) -> Plan:
    return Plan(Settings.of(ProjectFile(name="shop"), "/srv/shop", Target()), create=[(one, {}) for one in wanted])


def test_scheduled_deployments_are_listed_first() -> None:
    first, *others = _lines(plan(*ON_DEMAND, SHARED), 12)
    assert first.split() == ["create", "load/production-0600", "0", "6", "*", "*", "*", "UTC"]
    assert others[-1] == "21 to create, 0 to update, 0 to remove, 0 unchanged"


def test_new_tables_with_a_schedule_lack_their_history() -> None:
    assert list(_first_loads(plan(*ON_DEMAND))) == []
    assert list(_first_loads(plan(*ON_DEMAND, SHARED))) == [
        "A scheduled run loads the last interval of a table. To load all that the sources have now:",
        "  prefect deployment run load/production-0600 --param full_refresh=true",
    ]
