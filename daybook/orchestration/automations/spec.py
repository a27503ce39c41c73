"""Read a file of automations. It has Prefect's format, with names of deployments and blocks instead of IDs.

Prefect's models ignore unknown fields. Here they are errors: with a misspelt `for_each`, no message would be sent.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

from prefect.events.actions import Action, ActionTypes
from prefect.events.schemas.automations import EventTrigger
from pydantic import BaseModel, ValidationError

from daybook.errors import TableFileError
from daybook.orchestration.automations.errors import AutomationRefused
from daybook.project import project_root
from daybook.scaffold.example import example_folder
from daybook.suggestions import did_you_mean
from daybook.yaml_model import Strict, read_yaml

PREFIX = "daybook: "
"""The beginning of the name of each of our automations."""
TAG = "daybook"
"""The tag of each of our automations. An automation with both the prefix and the tag is ours."""

#: The fields in which the file has names: Prefect's field for the ID, and the form of the name.
_NAMED = {
    "deployment": ("deployment_id", "FLOW/DEPLOYMENT"),
    "block": ("block_document_id", "TYPE/NAME"),
    "automation": ("automation_id", "itself"),
}
_ACTIONS: dict[str, type[Action]] = {kind.model_fields["type"].default: kind for kind in get_args(ActionTypes)}
_NOWHERE = UUID(int=0)


@dataclass(frozen=True)
class Step:
    """One action and its target, such as `("block", "SlackWebhook/slack")`. None: the event's own object."""

    action: Action
    on: tuple[str, str] | None

    def at(self, id: UUID) -> Action:
        """Return the action with this ID as its target."""
        assert self.on is not None
        return self.action.model_copy(update={_NAMED[self.on[0]][0]: id})


@dataclass(frozen=True)
class Wanted:
    """One automation of the file. `enabled` is None if the file leaves it to the UI."""

    name: str
    description: str
    enabled: bool | None
    trigger: EventTrigger
    steps: tuple[Step, ...]


class _Automation(Strict):
    name: str
    description: str
    trigger: dict[str, Any]
    actions: list[dict[str, Any]]
    enabled: bool | None = None


class _File(Strict):
    automations: list[dict[str, Any]]
    definitions: Any = None
    """A place for YAML anchors, as in prefect.yaml."""


def automations_file() -> Path:
    """Return the project's file of automations, or the package's own if the project has none."""
    files = [folder / "deployments" / "automations.yaml" for folder in (project_root(), example_folder())]
    return next((file for file in files if file.is_file()), files[0])


def read(path: Path | None = None) -> list[Wanted]:
    """Return the automations of a file, in its order. By default, of `automations_file`.

    Raises:
        TableFileError: the file is missing, is not YAML, or has no list of automations.
        AutomationRefused: automations are invalid. The text has a line for each problem.
    """
    path = path or automations_file()
    if not path.is_file():
        raise TableFileError(f"{path}, which lists the automations, does not exist: run this in the project's folder")
    problems = _Problems(path)
    found: list[Wanted] = []
    for place, content in enumerate(read_yaml(path, _File).automations, start=1):
        name = content.get("name")
        where = f"{name!r}" if name else f"automation {place}"
        if isinstance(name, str) and not name.startswith(PREFIX):
            problems.add(
                where, "name", f"begin it with {PREFIX!r}, which distinguishes Daybook's automations from others"
            )
        if any(name == other.name for other in found):
            problems.add(where, "name", "two automations have this name: rename one")
        given = problems.checked(_Automation, content, where)
        if isinstance(given, _Automation):
            trigger = problems.checked(EventTrigger, given.trigger, where, "trigger.")
            steps = [_step(problems, step, where, f"actions.{number}.") for number, step in enumerate(given.actions, 1)]
            if isinstance(trigger, EventTrigger):
                made = tuple(step for step in steps if step)
                found.append(Wanted(given.name, given.description, given.enabled, trigger, made))
    if problems.lines:
        raise AutomationRefused("\n".join(problems.lines))
    return found


def _step(problems: "_Problems", content: dict[str, Any], where: str, field: str) -> Step | None:
    kind = _ACTIONS.get(str(content.get("type")))
    if kind is None:
        near = did_you_mean(str(content.get("type")), _ACTIONS, f"choose one of {', '.join(_ACTIONS)}")
        problems.add(where, f"{field}type", f"unknown action {content.get('type')!r}{near}")
        return None
    rest, on = dict(content), None
    for named, (id, form) in _NAMED.items():
        if id in rest:
            problems.add(where, f"{field}{id}", f"the ID differs on each server: write {named}: {form} instead")
        if id in kind.model_fields and content.get("source") != "inferred":
            name = str(rest.pop(named, ""))
            if not (name == form if named == "automation" else name.count("/") == 1):
                found = f"found {name!r:.80}" if name else "missing"
                problems.add(where, f"{field}{named}", f"write {named}: {form} ({found})")
            rest[id], on = _NOWHERE, (named, name)
    action = problems.checked(kind, rest, where, field)
    return Step(action, on) if isinstance(action, kind) else None


class _Problems:
    """The problems in the file, collected to report all of them at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lines: list[str] = []

    def add(self, where: str, field: str, message: str) -> None:
        """Add a problem."""
        self.lines.append(f"{self._path}: {where}: {field}: {message}")

    def checked(self, model: type[BaseModel], content: dict[str, Any], where: str, field: str = "") -> BaseModel | None:
        """Return the content as a model. If it is invalid, add its problems and return None."""
        known = list(model.model_fields)
        unknown = [name for name in content if name not in known]
        for name in unknown:
            near = did_you_mean(str(name), known, f"choose one of {', '.join(known)}")
            self.add(where, f"{field}{name}", f"no such field{near}")
        try:
            return model.model_validate({name: content[name] for name in content if name not in unknown})
        except ValidationError as error:
            for problem in error.errors():
                place = f"{field}{'.'.join(str(part) for part in problem['loc'])}".rstrip(".")
                if problem["type"] == "missing":
                    self.add(where, place, "missing; add it")
                else:
                    reason = problem["msg"].removeprefix("Value error, ")
                    given = "" if isinstance(problem["input"], dict) else f" (found {problem['input']!r:.80})"
                    self.add(where, place, f"{reason}{given}")
            return None
