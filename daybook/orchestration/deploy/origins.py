"""Find the deployments that were made from another folder or repository with the same name of the project."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from daybook.orchestration.deploy.deploy_plan import Plan
from daybook.orchestration.deploy.errors import DeployRefused
from daybook.redaction import without_secrets
from daybook.shell import command

#: The inputs of pull steps that say where the files are.
_PLACES = ("repository", "bucket", "container", "folder", "directory")
_UNKNOWN = "another place"
_SHOWN = 5


def origin(pull_steps: Iterable[Mapping[str, Any]]) -> str:
    """Return from where a deployment's runs get the project's files: a folder or a repository, without secrets."""
    inputs = [given for step in pull_steps for given in step.values() if isinstance(given, Mapping)]
    places = [str(given[name]) for given in inputs for name in _PLACES if given.get(name)]
    return without_secrets(" ".join(places)) or _UNKNOWN


def other_origins(plan: Plan, known: Collection[str]) -> dict[str, list[str]]:
    """Return the deployments that the plan updates and that come from elsewhere, by their origin, sorted.

    Args:
        plan: the plan of a deploy.
        known: the origins that the person has confirmed.

    Raises:
        DeployRefused: the plan would remove such a deployment. A folder with other tables may be another project.
    """
    kept = {origin(plan.settings.pull), *known}
    removed = _by_origin([(name, found.pull_steps or ()) for name, found, _ in plan.remove], kept)
    for place, names in removed.items():
        listed = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
        raise DeployRefused(
            f"the project {plan.settings.project!r} was deployed from {place}, too, and this deploy would remove "
            f"deployments from there: {listed}. If that is another project, give this one another `name:` in "
            "daybook.yaml, and a Prefect server or workspace of its own. If the project has moved here, run: "
            f"{command('daybook', 'deploy', '--moved-from', place)}"
        )
    return _by_origin([(one.wanted.full_name, one.found.pull_steps or ()) for one in plan.update], kept)


def _by_origin(
    deployments: Iterable[tuple[str, Sequence[Mapping[str, Any]]]], kept: Collection[str]
) -> dict[str, list[str]]:
    found = dict[str, list[str]]()
    for name, steps in deployments:
        if (place := origin(steps)) not in kept:
            found.setdefault(place, []).append(name)
    return dict(sorted(found.items()))
