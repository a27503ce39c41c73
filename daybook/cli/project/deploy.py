"""`daybook deploy`: create, update and remove the Prefect deployments that the project's files declare."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from daybook.project import project_root

if TYPE_CHECKING:
    from pathlib import Path

    from prefect.client.orchestration import SyncPrefectClient

    from daybook.definitions.project_file import ProjectFile
    from daybook.orchestration.deploy.deploy_plan import Plan

_SHOWN = 12  # lines of each kind


def main(arguments: Sequence[str] | None = None, prog: str = "daybook deploy") -> int:
    """Show the plan, ask before anything is removed, and apply it. Return 0, or 1 if something was not deployed.

    Raises:
        DaybookError: a file is invalid, the server cannot be reached, or another project has one of the deployments.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Create, update and remove the deployments that the project's files declare, on the Prefect server "
        "of PREFECT_API_URL, and the automations that report failures. Deployments without the project's tag, such as "
        "those of prefect.yaml, are left alone. A schedule that a person paused stays paused.",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the plan, and change nothing")
    parser.add_argument("--yes", action="store_true", help="remove and take over deployments without asking")
    parser.add_argument("--verbose", action="store_true", help="list every deployment of the plan")
    parser.add_argument(
        "--renamed-from", metavar="NAME", help="take over the deployments that the project made under its former name"
    )
    parser.add_argument(
        "--moved-from",
        metavar="PLACE",
        action="append",
        default=[],
        help="take over the deployments that the project made from another folder or repository",
    )
    parser.add_argument("--json", action="store_true", help="print the plan as JSON; removing then needs --yes")
    given = parser.parse_args(arguments)
    from daybook.definitions.project_file import FILE, read_project
    from daybook.definitions.summary_files import summary_names
    from daybook.definitions.table_files import table_names
    from daybook.definitions.targets.project_target import current_target
    from daybook.errors import TableFileError
    from daybook.orchestration.server.require import require_server

    root = project_root()
    project, target = read_project(root), current_target(root)
    if not target.settings.deployable:
        raise TableFileError(f"{FILE}: targets.{target.name}.deployable is false: nobody may deploy this target")
    require_server()
    from daybook.orchestration.blocks.server import server  # imports Prefect, which is slow
    from daybook.orchestration.deploy.deploy_plan import declared, make_plan
    from daybook.orchestration.deploy.document import Settings
    from daybook.orchestration.deploy.errors import DeployRefused
    from daybook.orchestration.deploy.origins import other_origins
    from daybook.orchestration.deploy.prefect_file import declared_twice
    from daybook.orchestration.deploy.server_changes import apply, ensure_work_pool

    wanted = declared(project, target)
    with server() as client:
        plan = make_plan(client, wanted, Settings.of(project, str(root), target, given.renamed_from))
        if given.json:
            print(json.dumps(_document(plan), indent=2))
        else:
            print(
                f"Project {project.name} ({root}), work pool {project.work_pool}, server {_shown(str(client.api_url))}"
            )
            print("\n".join(_lines(plan, 10**9 if given.verbose else _SHOWN)))
        _warn(client, project)
        if twice := declared_twice(root, {one.full_name for one in wanted}):
            print(f"! {twice}", file=sys.stderr)
        if plan.remove and not (table_names() or summary_names()):
            raise DeployRefused(
                f"{root / 'tables'} has no file of a table or summary, and this deploy would remove the project's "
                f"{len(plan.remove)} other deployments. Is this the folder of {project.name}? To remove all that the "
                "project has deployed: daybook uninstall"
            )
        moved = other_origins(plan, given.moved_from)
        for place, names in moved.items():
            print(f"! {_moved(place, names, root)}", file=sys.stderr)
        if given.dry_run:
            return 0
        changed = [f"remove {_count(len(plan.remove))}"] if plan.remove else []
        changed += [f"take over {_count(sum(map(len, moved.values())))}"] if moved else []
        if changed and not given.yes and not (not given.json and _confirmed(" and ".join(changed))):
            print("Nothing was changed. To do so without a question, add --yes.", file=sys.stderr)
            return 1
        if ensure_work_pool(client, project.work_pool) and not given.json:
            print(f"Created the work pool {project.work_pool}. Start a worker: {_worker(project.work_pool)}")
        problems = apply(client, plan) if plan.changes_something else []
    for problem in problems:
        print(f"not deployed: {problem}", file=sys.stderr)
    if target.is_prod and project.deployments.monitor and not problems:
        _put_automations(quiet=given.json)
    if plan.changes_something and not given.json and not problems:
        print("\n".join(["Done.", *_first_loads(plan)]))
    return 1 if problems else 0


def _warn(client: "SyncPrefectClient", project: "ProjectFile") -> None:
    """Print why runs would wait or fail. It is no reason not to deploy: the blocks and the worker may come later."""
    from daybook.orchestration.doctor.before_deploy import problems_of_runs

    for found in problems_of_runs(client, project):
        print(f"! {found.check}: {found.text}\n    → {found.remedy}", file=sys.stderr)


def _put_automations(*, quiet: bool) -> None:
    """Create or update the automations that start the monitor, and print what changed.

    Without the monitor, or in a target other than prod, a project has none: they are about the whole server.
    """
    from daybook.orchestration.automations.apply import apply
    from daybook.orchestration.automations.spec import read

    outcomes = list(apply(read()))
    changed = [one for one in outcomes if one.action not in ("unchanged", "note")]
    if changed and not quiet:
        for one in outcomes:
            if one.action == "note":
                print(f"{one.name}: {one.says}")
        actions = sorted({one.action for one in changed})
        counts = [f"{sum(one.action == action for one in changed)} {action}" for action in actions]
        print(f"Automations that report failures: {', '.join(counts)}.")


def _first_loads(plan: "Plan") -> Iterator[str]:
    """Yield how to load the history of new tables: a scheduled run loads their last interval alone."""
    scheduled = [one for one, _ in plan.create if one.flow == "load" and (one.schedule or one.after)]
    if scheduled:
        yield "A scheduled run loads the last interval of a table. To load all that the sources have now:"
        yield from (f"  prefect deployment run {one.full_name} --param full_refresh=true" for one in scheduled[:_SHOWN])
    if len(scheduled) > _SHOWN:
        yield f"  … and {len(scheduled) - _SHOWN} more"


def _lines(plan: "Plan", shown: int) -> Iterator[str]:
    starts = sorted((one for one, _ in plan.create), key=lambda one: not (one.schedule or one.after))
    yield from _some("create", [(one.full_name, one.starts) for one in starts], shown)
    yield from _some("update", [(one.wanted.full_name, ", ".join(one.parts)) for one in plan.update], shown)
    yield from _some("remove", [(name, "no longer declared") for name, *_ in plan.remove], shown)
    why = f"it lacks the tag {plan.settings.tag}: add the tag, or delete the deployment, to let Daybook deploy it"
    yield from _some("leave", [(name, why) for name in plan.left_alone], shown)
    counts = (("create", plan.create), ("update", plan.update), ("remove", plan.remove), ("unchanged", plan.unchanged))
    if plan.changes_something:
        yield ", ".join(f"{len(of)} {'to ' if name != 'unchanged' else ''}{name}" for name, of in counts)
    else:
        yield f"Nothing to do: the server has all {len(plan.unchanged)} deployments as the project declares them."


def _some(action: str, entries: list[tuple[str, str]], shown: int) -> Iterator[str]:
    """Yield a line for each entry, or for the first ones if there are many."""
    first = entries if len(entries) <= shown + 1 else entries[:shown]
    width = max((len(name) for name, _ in first), default=0)
    yield from (f"  {action}  {name:<{width}}  {says}" for name, says in first)
    if len(first) < len(entries):
        yield f"  {action}  … and {len(entries) - len(first)} more (--verbose lists them)"


def _document(plan: "Plan") -> dict[str, object]:
    return {
        "create": [one.full_name for one, _ in plan.create],
        "update": [{"name": one.wanted.full_name, "changes": list(one.parts)} for one in plan.update],
        "remove": [name for name, *_ in plan.remove],
        "unchanged": plan.unchanged,
        "left_alone": plan.left_alone,
    }


def _moved(place: str, names: list[str], root: "Path") -> str:
    """Return what it means that deployments of the project come from elsewhere."""
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return (
        f"{listed}: deployed from {place}. From now on, their runs use the files of {root}. If a project there has the "
        "same `name:` in daybook.yaml, change one of the names"
    )


def _count(number: int) -> str:
    return f"{number} deployment{'s' * (number > 1)}"


def _confirmed(what: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"{what[0].upper()}{what[1:]}? [y/N] ").strip().lower() in ("y", "yes")


def _worker(pool: str) -> str:
    return f"prefect worker start --pool {pool}"


def _shown(address: str) -> str:
    return address.partition("://")[0] + "://***@" + address.rpartition("@")[2] if "@" in address else address
