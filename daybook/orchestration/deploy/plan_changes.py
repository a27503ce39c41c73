"""The changes of a deploy plan in words, for `daybook diff`."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient

from daybook.definitions.project_file import read_project
from daybook.definitions.targets.project_target import current_target
from daybook.diff.diff_report import DeploymentChange
from daybook.orchestration.deploy.deploy_plan import Plan, Update, declared, make_plan
from daybook.orchestration.deploy.document import Settings, document_on_server
from daybook.orchestration.events import RESOURCE

#: Parts whose values say nothing to a reader, or may have secrets: only their names are shown.
_NAMED = {"form": "the form of its parameters", "description": "its description", "pull steps": "its pull steps"}


def planned_changes(client: SyncPrefectClient, root: Path, names: Collection[str]) -> list[DeploymentChange]:
    """Return what a deploy of the project in `root` would change on the server. `names` are those of its tables.

    Raises:
        TableFileError: a file is invalid.
        DeployRefused: another project has a deployment with one of these names.
    """
    project, target = read_project(root), current_target(root)
    plan = make_plan(client, declared(project, target), Settings.of(project, str(root), target))
    return deployment_changes(plan, names, same_pull=project.pull is not None)


def deployment_changes(plan: Plan, names: Collection[str], *, same_pull: bool) -> list[DeploymentChange]:
    """Return what a deploy would create, update and remove.

    Args:
        plan: the plan.
        names: the names of the project's tables. A deployment has those that it loads as tags.
        same_pull: False if the pull steps depend on the folder of the deploy, which may be another one than this. They
            are left out then.
    """
    found = [
        DeploymentChange(one.full_name, "create", _tables(document["tags"], names), (one.starts,))
        for one, document in plan.create
    ]
    for update in plan.update:
        parts = [part for part in update.parts if same_pull or part != "pull steps"]
        if parts:
            details = tuple(text for part in parts for text in _details(update, part))
            tables = _tables(update.document["tags"], names)
            found.append(DeploymentChange(update.wanted.full_name, "update", tables, details))
    for name, deployment, _ in plan.remove:
        # The table's own file may be gone.
        tables = _tables(deployment.tags, {*names, name.partition("/")[2]})
        found.append(DeploymentChange(name, "remove", tables, ("no longer declared",)))
    return found


def _tables(tags: Collection[str], names: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(set(tags).intersection(names)))


def _details(update: Update, part: str) -> Iterator[str]:
    """Yield what differs in a part of a deployment."""
    after, before = update.document[part], document_on_server(update.found, update.automations)[part]
    if part in _NAMED:
        yield _NAMED[part]
    elif part == "schedule":
        yield f"schedule: {_schedules(before)} → {_schedules(after)}"
    elif part == "trigger":
        yield f"starts after: {_awaited(before)} → {_awaited(after)}"
    elif part == "environment":
        old, new = before.get("env") or {}, after["env"]
        changed = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
        yield f"environment: {', '.join(changed)}"
    elif part == "concurrency":
        yield f"concurrency: {before[0] or 'unlimited'} → {after[0] or 'unlimited'}"
    elif part == "tags":
        yield f"tags: {_difference(before, after)}"
    elif isinstance(after, Mapping) and isinstance(before, Mapping):
        for name in dict.fromkeys((*before, *after)):
            old, new = before.get(name), after.get(name)
            if isinstance(old, list) and isinstance(new, list):
                yield f"{name}: {_difference(old, new)}"
            elif old != new:
                yield f"{name}: {old} → {new}"
    else:
        yield f"{part}: {before} → {after}"


def _schedules(document: Mapping[str, Any]) -> str:
    return "; ".join(" ".join(parts[:2]) for parts in document.values()) or "none"


def _awaited(document: Any) -> str:
    if not document:
        return "nothing"
    if not isinstance(document, Mapping):
        return str(document)
    named = [str(one) for parts in document.values() for one in parts]
    return ", ".join(one.removeprefix(RESOURCE) for one in named)


def _difference(before: Collection[Any], after: Collection[Any]) -> str:
    gone = [f"− {one}" for one in before if one not in after]
    return ", ".join([f"+ {one}" for one in after if one not in before] + gone) or "in another order"
