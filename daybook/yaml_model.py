"""Read YAML files into pydantic models, with errors that name the file, the field and the remedy."""

from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError

from daybook.errors import TableFileError
from daybook.suggestions import did_you_mean

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """A model that refuses unknown fields, so that a misspelled field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Exact(SafeConstructor):
    """A YAML constructor that reads a number with a point as a Decimal with all of its digits: 0.1 is 0.1."""

    def construct_yaml_float(self, node: Any) -> Any:
        """Return a Decimal, or a float for infinity and NaN."""
        text = self.construct_scalar(node).replace("_", "").lower()
        return super().construct_yaml_float(node) if text.endswith(("inf", "nan")) else Decimal(text)


_Exact.add_constructor("tag:yaml.org,2002:float", _Exact.construct_yaml_float)


def read_yaml(path: Path, model: type[Model], *, exact: bool = False, **given: str) -> Model:
    """Read the file at `path` into a `model`.

    Args:
        path: the file.
        model: the model of the whole file.
        exact: True to read a number with a point as a Decimal with all of its digits.
        given: fields that the caller provides. The file must not have them.

    Raises:
        TableFileError: the file is not YAML in UTF-8, or does not fit the model. The message has one line per problem.
    """
    try:
        reader = YAML(typ="safe", pure=True)
        if exact:
            reader.Constructor = _Exact
        content = reader.load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise TableFileError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except UnicodeDecodeError as error:
        raise TableFileError(f"{path} is not UTF-8 ({error}): save it as UTF-8") from None
    fields = [name for name in model.model_fields if name not in given]
    if not isinstance(content, dict):
        raise TableFileError(f"{path} must contain fields ({', '.join(fields[:4])}, …), but contains {content!r:.40}")
    for name in given:
        if name in content:
            raise TableFileError(f"{path}: {name}: comes from the files themselves and cannot be set here; remove it")
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
            allowed = fields if len(where) == 1 else list(_model_at(model, where[:-1]).model_fields)
            message = "unknown field" + did_you_mean(where[-1], allowed, f"expected one of {', '.join(allowed)}")
        elif problem["type"] == "missing":
            wanted = _model_at(model, where[:-1]).model_fields.get(where[-1])
            message = f"missing; add it ({wanted.description if wanted and wanted.description else 'required'})"
        elif problem["type"] == "model_type":
            message = (
                f"expected fields ({', '.join(_model_at(model, where).model_fields)}), found {problem['input']!r:.80}"
            )
        elif not isinstance(problem["input"], dict):
            message = f"{message} (found {problem['input']!r:.80})"
        lines.append(f"{path}: {field + ': ' if field else ''}{message}")
    return "\n".join(lines)


def _model_at(model: type[BaseModel], where: list[str]) -> type[BaseModel]:
    """Return the model of the part of the file at `where`, a path of fields, positions in lists and kinds of a union.

    If the part has no model of its own, return `model`.
    """
    found = [model]
    for part in where:
        if len(found) > 1:
            found = [one for one in found if part in get_args(one.model_fields["kind"].annotation)]
        elif part in found[0].model_fields:
            found = _models(found[0].model_fields[part].annotation)
        if not found:
            return model
    return found[0] if len(found) == 1 else model


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models in an annotation such as `tuple[Check, ...]`, `A | B` or `A | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
