"""The field `redshift:` of table files and summary files: how Redshift distributes, sorts and compresses a table.

The options are those of CREATE TABLE (dg/r_CREATE_TABLE_NEW.html), with `sort_type` as in dbt.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from daybook.suggestions import did_you_mean
from daybook.warehouses.layouts import Layout

FIELD = "redshift"

_ENCODINGS = (
    *("raw", "az64", "bytedict", "delta", "delta32k", "lzo", "mostly8", "mostly16", "mostly32", "runlength"),
    *("text255", "text32k", "zstd"),
)
_INTEGERS, _TIMES = {"smallint", "integer", "bigint", "decimal"}, {"date", "time", "timetz", "timestamp", "timestamptz"}
_TEXTS, _FLOATS = {"varchar", "char", "varbyte"}, {"real", "double precision"}
#: The types that support an encoding, if not all do: dg/c_Compression_encodings.html.
_SUPPORTED = {
    "az64": _INTEGERS | _TIMES,
    "bytedict": _INTEGERS | _TIMES | _TEXTS | _FLOATS,
    "delta": _INTEGERS | {"date", "timestamp"},
    "delta32k": _INTEGERS - {"smallint"} | {"date", "timestamp"},
    "lzo": _INTEGERS | _TIMES | _TEXTS,
    "mostly8": _INTEGERS,
    "mostly16": _INTEGERS - {"smallint"},
    "mostly32": {"bigint", "decimal"},
    "runlength": _INTEGERS | _TIMES | _TEXTS | _FLOATS | {"boolean"},
    "text255": {"varchar"},
    "text32k": {"varchar"},
}
#: Types that no key has (dg/limitations-super.html), or that have not been tried.
_NO_KEYS = {"super", "varbyte"}
_MOST_COLUMNS = {"compound": 400, "interleaved": 8}


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _encoding(value: Any) -> Any:
    name = _lower(value)
    if name not in _ENCODINGS:
        near = did_you_mean(str(name), _ENCODINGS)
        raise ValueError(f"no such encoding; choose one of {', '.join(_ENCODINGS)}{near}")
    return name


Encoding = Annotated[str, BeforeValidator(_encoding), Field(json_schema_extra={"enum": list(_ENCODINGS)})]
DistStyle = Annotated[Literal["auto", "even", "all", "key"], BeforeValidator(_lower)]
SortType = Annotated[Literal["compound", "interleaved"], BeforeValidator(_lower)]


class RedshiftLayout(Layout):
    """How Redshift distributes, sorts and compresses a table. Other warehouses ignore it."""

    diststyle: DistStyle | None = Field(
        None, description="How rows are distributed: auto, even, all (a copy on each node) or key. Default: auto."
    )
    distkey: str | None = Field(
        None, description="The column whose values distribute the rows. It implies `diststyle: key`."
    )
    sortkey: str | tuple[str, ...] | None = Field(
        None,
        description="The columns that sort the rows, or auto or none. Default: the cursor, or auto without a cursor.",
    )
    sort_type: SortType = Field(
        "compound",
        description="compound: by the first column, then the second. interleaved: all columns count the same.",
    )
    encode: dict[str, Encoding] = Field(
        {}, description="The compression of columns, as column: encoding. Default: Redshift's own choice."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.distkey is not None and self.diststyle not in (None, "key"):
            raise ValueError(f"distkey needs diststyle: key, but it is {self.diststyle}: remove one of them")
        if self.diststyle == "key" and self.distkey is None:
            raise ValueError("diststyle: key needs distkey: the column whose values distribute the rows")
        if self.sort_type == "interleaved" and not self.sort_columns:
            raise ValueError("sort_type: interleaved needs sortkey: the columns")
        if len(set(self.sort_columns)) < len(self.sort_columns):
            raise ValueError("sortkey has a column twice")
        if len(self.sort_columns) > _MOST_COLUMNS[self.sort_type]:
            raise ValueError(f"a sort key that is {self.sort_type} has at most {_MOST_COLUMNS[self.sort_type]} columns")
        if self.sortkey == ():
            raise ValueError("sortkey has no columns: write none, which needs no list, or remove it")
        return self

    @property
    def sort_columns(self) -> tuple[str, ...]:
        """Return the columns of the sort key. A column that is named auto or none stands in a list."""
        if self.sortkey is None or (isinstance(self.sortkey, str) and self.sort_word):
            return ()
        return (self.sortkey,) if isinstance(self.sortkey, str) else self.sortkey

    @property
    def sort_word(self) -> str | None:
        """Return `auto` or `none` if the file says so instead of columns."""
        word = self.sortkey.lower() if isinstance(self.sortkey, str) else None
        return word if word in ("auto", "none") else None

    @property
    def columns(self) -> dict[str, str]:
        """Return every column that the layout names, with the option that names it."""
        named = dict.fromkeys(self.encode, "encode") | dict.fromkeys(self.sort_columns, "sortkey")
        return named | ({self.distkey: "distkey"} if self.distkey else {})


def misfit(layout: RedshiftLayout, types: Mapping[str, str]) -> str | None:
    """Return which column of a layout has a type that its option does not support, or None. `types` has their SQL."""
    for name, option in layout.columns.items():
        type = types[name].partition("(")[0].strip()
        if option != "encode" and type in _NO_KEYS:
            return f"{option} names {name!r}, but a {type} cannot be part of a key"
    for name, encoding in layout.encode.items():
        type = types[name].partition("(")[0].strip()
        if type not in _SUPPORTED.get(encoding, {type}):
            fitting = [code for code in _ENCODINGS if type in _SUPPORTED.get(code, {type})]
            return f"encode gives {name!r} {encoding}, but a {type} supports only {', '.join(fitting)}"
    return None


def declared(layouts: Mapping[str, Any]) -> RedshiftLayout:
    """Return the layout of a table file, or one that declares nothing."""
    found: RedshiftLayout = layouts.get(FIELD) or RedshiftLayout.model_validate({})
    return found
