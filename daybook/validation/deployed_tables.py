"""Check the deployments of `prefect.yaml` for tables without a file."""

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from daybook.validation.problem import Problem, Where
from daybook.validation.project_files import ProjectFiles
from daybook.validation.references import undefined

FILE = "prefect.yaml"
_NAME = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*")
_EVENT = re.compile(r"daybook\.table\.(\S+)")


def check_deployments(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each table without a file that a deployment of Daybook names: by a tag, parameter or trigger.

    A deployment of Daybook has the tag `daybook`. Others may have tags and parameters of any meaning.
    """
    path = project.root / FILE
    if not path.is_file():
        return
    try:
        content: Any = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        message = f"is not YAML in UTF-8: {' '.join(str(error).split())}"
        yield project.problem(path, "deployments", message, mark.line + 1 if mark else ())
        return
    listed = content.get("deployments") if isinstance(content, dict) else None
    for number, deployment in enumerate(listed or ()):
        if not isinstance(deployment, dict) or "daybook" not in (deployment.get("tags") or ()):
            continue
        for where, name in _named(deployment):
            if why := undefined(project, name):
                place = ("deployments", number, *where)
                message = f"the deployment {deployment.get('name')}: {why}"
                yield project.problem(path, "deployments", message, place)


def _named(deployment: dict[str, Any]) -> Iterator[tuple[Where, str]]:
    """Yield each table that a deployment names, and the place of the name."""
    for number, tag in enumerate(deployment.get("tags") or ()):
        if isinstance(tag, str) and _NAME.fullmatch(tag):
            yield ("tags", number), tag
    parameters = deployment.get("parameters") or {}
    if isinstance(named := parameters.get("table"), str):
        yield ("parameters", "table"), named
    tables = parameters.get("tables")
    for table in tables if isinstance(tables, list) else ():
        if isinstance(table, str):
            yield ("parameters", "tables"), table
    for number, trigger in enumerate(deployment.get("triggers") or ()):
        match = trigger.get("match") if isinstance(trigger, dict) else None
        resource = match.get("prefect.resource.id") if isinstance(match, dict) else None
        for one in resource if isinstance(resource, list) else [resource]:
            found = _EVENT.fullmatch(one) if isinstance(one, str) else None
            if found and not found[1].endswith("*"):
                yield ("triggers", number, "match", "prefect.resource.id"), found[1]
