"""Check the owners of tables against `tables/owners.yaml`, which has the addresses of each."""

from collections.abc import Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from daybook.suggestions import did_you_mean
from daybook.validation.problem import Problem
from daybook.validation.project_files import ProjectFiles

FILE = "owners.yaml"


def check_owners(project: ProjectFiles) -> Iterator[Problem]:
    """Yield a problem for each owner that is empty, or that `owners.yaml` does not list although it lists others."""
    path, known = project.folder / FILE, list[str]()
    if path.is_file():
        try:
            content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
            listed = content.get("owners") if isinstance(content, dict) else None
            known = sorted(map(str, listed)) if isinstance(listed, dict) else []
        except (YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            message = f"is not YAML in UTF-8: {' '.join(str(error).split())}"
            yield project.problem(path, "owners", message, mark.line + 1 if mark else ())
    for name, dataset in (*project.tables.items(), *project.summaries.items()):
        if not dataset.owner.strip():
            message = "owner: it is empty: name the team that answers questions about the table"
        elif known and dataset.owner not in known:
            near = did_you_mean(dataset.owner, known, f"add it there (the owners are {', '.join(known)})")
            message = f"owner: tables/{FILE} does not list {dataset.owner!r}{near}"
        else:
            continue
        yield project.problem_of(name, "owners", message, ("owner",))
