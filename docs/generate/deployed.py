"""The deployments of prefect.yaml and the automations of deployments/automations.yaml."""

import json
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from docs.generate import markdown

ROOT = Path(__file__).resolve().parents[2]
_DAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")
_DAILY = re.compile(r"(\d+) (\d+) \* \* (\*|\d)")


def deployments() -> str:
    """Return the table of all deployments: name, schedule, parameters and description."""
    rows = []
    for entry in _read("prefect.yaml")["deployments"]:
        flow = entry["entrypoint"].partition(":")[2].replace("_", "-")
        parameters = ", ".join(_parameter(*given) for given in entry.get("parameters", {}).items())
        rows.append((markdown.code(f"{flow}/{entry['name']}"), _starts(entry), parameters, entry["description"]))
    return markdown.table(("deployment", "starts", "parameters", "what it does"), rows)


def automations() -> str:
    """Return the table of all automations: name, description, the events that it watches, and its actions."""
    rows = []
    for entry in _read("deployments/automations.yaml")["automations"]:
        trigger = entry["trigger"]
        rows.append(
            (
                markdown.code(entry["name"]),
                entry["description"],
                _watches(trigger),
                "; ".join(_action(action) for action in entry["actions"]),
            )
        )
    return markdown.table(("automation", "purpose", "fires", "action"), rows)


def _parameter(name: str, value: Any) -> str:
    return markdown.code(f"{name}={value if isinstance(value, str) else json.dumps(value)}")


def _read(name: str) -> Any:
    return YAML(typ="safe", pure=True).load((ROOT / name).read_text(encoding="utf-8"))


def _starts(entry: dict[str, Any]) -> str:
    schedules = [when(one["cron"], one["timezone"], one.get("active", True)) for one in entry.get("schedules", ())]
    events = [f"on the event `{name}`" for one in entry.get("triggers", ()) for name in one["expect"]]
    return "; ".join(schedules + events) or "by hand, or by another run"


def when(cron: str, timezone: str, active: bool = True) -> str:
    """Return a cron expression in words, or as it is if no words are known for it."""
    words = f"`{cron}` {timezone}"
    if cron == "*/15 * * * *":
        words = "every 15 minutes"
    elif found := _DAILY.fullmatch(cron):
        day = "daily" if found[3] == "*" else _DAYS[int(found[3])]
        words = f"{day} at {int(found[2]):02}:{int(found[1]):02} {timezone}"
    return words if active else f"{words}; paused"


def _watches(trigger: dict[str, Any]) -> str:
    expected = ", ".join(markdown.code(name) for name in trigger["expect"][:2])
    if trigger["posture"] == "Reactive":
        return f"on {expected}"
    seconds = trigger["within"]
    span = f"{seconds} s" if seconds < 600 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
    others = ", or another of its list," if len(trigger["expect"]) > 2 else ""
    after = "".join(f" after `{name}`" for name in trigger.get("after", ()))
    return f"if no {expected}{others} comes within {span}{after}"


def _action(action: dict[str, Any]) -> str:
    if action["type"] == "run-deployment":
        about = action.get("parameters", {}).get("about")
        return f"starts `{action['deployment']}`" + (f" with `about={about}`" if about else "")
    if action["type"] == "send-notification":
        return f"the server sends a message by `{action['block']}`"
    if action["type"] == "change-flow-run-state":
        return f"changes the run's state to `{action['name']}`"
    return "pauses itself" if action.get("automation") == "itself" else action["type"]
