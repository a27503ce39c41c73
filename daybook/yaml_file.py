"""A YAML file that a person writes, read into a model: what is wrong in it is named by file, field and remedy."""

from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from daybook.errors import TableFileError

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, model: type[Model], **given: str) -> Model:
    """The file at `path` as a `model`; what is `given` comes from elsewhere, and may not stand in the file.

    Raises:
        TableFileError: it is no YAML in UTF-8, or not as the model has it: all that is wrong, a line each.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise TableFileError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except UnicodeDecodeError as error:
        raise TableFileError(f"{path} is not UTF-8 ({error}): save it as UTF-8") from None
    fields = [name for name in model.model_fields if name not in given]
    if not isinstance(content, dict):
        raise TableFileError(f"{path} must hold fields ({', '.join(fields[:4])}, …), and holds {content!r:.40}")
    for name in given:
        if name in content:
            raise TableFileError(f"{path}: {name}: it comes from the name of the file; remove the line")
    try:
        return model(**given, **content)
    except ValidationError as error:
        raise TableFileError(_explain(path, error, model, fields)) from None


def _explain(path: Path, error: ValidationError, model: type[BaseModel], fields: list[str]) -> str:
    lines = []
    for problem in error.errors():
        where = [str(part) for part in problem["loc"]]
        field, message = ".".join(where), problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            near = get_close_matches(where[-1], fields, 1)
            message = "no such field; " + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(fields)}")
        elif problem["type"] == "missing":
            known = model.model_fields.get(where[0])
            message = f"missing; add it ({known.description if known else 'required'})"
        elif not isinstance(problem["input"], dict):
            message = f"{message} (it says {problem['input']!r:.80})"
        lines.append(f"{path}: {field + ': ' if field else ''}{message}")
    return "\n".join(lines)
