"""Read YAML files into pydantic models, with errors that name the file, the field and the remedy."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError

from daybook.errors import TableFileError
from daybook.suggestions import did_you_mean

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")


class Strict(BaseModel):
    """A model that refuses unknown fields, so that a misspelled field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _null_text(value: Any) -> Any:
    return "null" if value is None else value


#: The annotation of a field with the choice `null`, which YAML reads as None if it is not quoted.
OR_NULL = BeforeValidator(_null_text)


class _Exact(SafeConstructor):
    """A YAML constructor that reads a number with a point as a Decimal with all of its digits: 0.1 is 0.1."""

    def construct_yaml_float(self, node: Any) -> Any:
        """Return a Decimal, or a float for infinity and NaN."""
        text = self.construct_scalar(node).replace("_", "").lower()
        return super().construct_yaml_float(node) if text.endswith(("inf", "nan")) else Decimal(text)


_Exact.add_constructor("tag:yaml.org,2002:float", _Exact.construct_yaml_float)


def once_per_change(read: Callable[[Path], T]) -> Callable[[Path], T]:
    """Make `read` read a file again only if the file has changed: hundreds of tables share one file."""

    @lru_cache(maxsize=64)
    def cached(path: Path, modified: int, size: int) -> T:
        return read(path)

    @wraps(read)
    def reading(path: Path) -> T:
        state = path.stat()
        return cached(path, state.st_mtime_ns, state.st_size)

    return reading


@dataclass(frozen=True, slots=True)
class Layer:
    """Fields from one place, such as a file or the defaults of a project. `where` names the place in errors."""

    where: str
    fields: Mapping[str, Any]


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
    return build([read_layer(path, model, exact=exact, without=tuple(given))], model, **given)


def read_layer(path: Path, model: type[BaseModel], *, exact: bool = False, without: Sequence[str] = ()) -> Layer:
    """Return the fields in the file at `path`, unchecked. Do not change them: the same text is parsed only once.

    Args:
        path: the file.
        model: the model of the whole file, whose fields an error names.
        exact: True to read a number with a point as a Decimal with all of its digits.
        without: the fields that the file must not have.

    Raises:
        TableFileError: the file is not YAML in UTF-8, has no fields, or has one of `without`.
    """
    try:
        content = _parsed(path.read_text(encoding="utf-8"), exact)
    except YAMLError as error:
        raise TableFileError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except UnicodeDecodeError as error:
        raise TableFileError(f"{path} is not UTF-8 ({error}): save it as UTF-8") from None
    if not isinstance(content, dict):
        fields = ", ".join([name for name in model.model_fields if name not in without][:4])
        raise TableFileError(f"{path} must contain fields ({fields}, …), but contains {content!r:.40}")
    for name in without:
        if name in content:
            raise TableFileError(f"{path}: {name}: comes from the files themselves and cannot be set here; remove it")
    return Layer(str(path), content)


@lru_cache(maxsize=4096)
def _parsed(text: str, exact: bool) -> Any:
    if not exact:
        with suppress(YAMLError):  # the errors of the slower parser are better
            return YAML(typ="safe").load(text)  # with the parser in C, if it is installed, which is five times as fast
    reader = YAML(typ="safe", pure=True)
    if exact:
        reader.Constructor = _Exact
    return reader.load(text)


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return the fields of all layers. A later layer replaces a field, but adds to a `source` of the same kind."""
    fields = dict[str, Any]()
    for layer in layers:
        for name, value in layer.fields.items():
            before = fields.get(name)
            if name == "source" and isinstance(before, Mapping) and isinstance(value, Mapping):
                kinds = {kind for kind in (before.get("kind"), value.get("kind")) if kind}
                value = {**before, **value} if len(kinds) < 2 else value
            fields[name] = value
    return fields


def build(layers: Sequence[Layer], model: type[Model], **given: str) -> Model:
    """Return a `model` with the fields of all layers and of `given`.

    Raises:
        TableFileError: the fields do not fit the model. Each line of the message names the layer that a wrong value
            comes from, or the last layer if a field is missing.
    """
    try:
        return model(**given, **merged(layers))
    except ValidationError as error:
        fields = [name for name in model.model_fields if name not in given]
        raise TableFileError(_explain(layers, error, model, fields)) from None


def _origin(layers: Sequence[Layer], where: Sequence[Any]) -> str:
    """Return the name of the layer that the value at `where`, a path of fields, comes from."""
    having = [layer for layer in reversed(layers) if where and where[0] in layer.fields]
    for layer in having:
        value = layer.fields[where[0]]
        if len(where) == 1 or not isinstance(value, Mapping) or any(part in value for part in where[1:]):
            return layer.where
    return having[0].where if having else layers[-1].where


def _explain(layers: Sequence[Layer], error: ValidationError, model: type[BaseModel], fields: list[str]) -> str:
    lines = []
    for problem in error.errors():
        where = [str(part) for part in problem["loc"]]
        path = _origin(layers, where)
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
