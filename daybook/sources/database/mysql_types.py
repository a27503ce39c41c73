"""Convert the types of MySQL and MariaDB to Daybook's types."""

import re
from collections.abc import Sequence
from typing import Any

from daybook.model.types import Type

SIGNED = {"tinyint": "smallint", "smallint": "smallint", "mediumint": "integer", "int": "integer", "bigint": "bigint"}
_UNSIGNED = {
    "tinyint": Type("smallint"),
    "smallint": Type("integer"),
    "mediumint": Type("integer"),
    "int": Type("bigint"),
    "bigint": Type("decimal", 20, 0),
}
_SPATIAL = {
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "geomcollection",
}
BINARY = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector"} | _SPATIAL
DATES = {"date", "datetime", "timestamp"}

#: Select a row for `type_of` of each column. At position CHARSET is the character set of a text, or NULL.
DESCRIBED = (
    "SELECT column_name, data_type, column_type, is_nullable, numeric_precision, numeric_scale, "
    "character_maximum_length, datetime_precision, character_set_name FROM information_schema.columns "
    "WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
)
CHARSET = 8


def type_of(described: Sequence[Any]) -> Type:
    """Return the type that keeps all of a column's values, for a row of `DESCRIBED`."""
    _, data_type, column_type, _, precision, scale, length, fraction, _ = described
    data_type, unsigned = data_type.lower(), "unsigned" in column_type.lower()
    if data_type in SIGNED:
        return _UNSIGNED[data_type] if unsigned else Type(SIGNED[data_type])
    if data_type == "decimal":
        return Type("decimal", precision, scale)
    if data_type == "bit":
        bits = precision or int(re.sub(r"\D", "", column_type) or 1)
        return Type("boolean") if bits == 1 else Type("bigint") if bits < 64 else Type("decimal", 20, 0)
    if data_type in ("varchar", "char", "enum", "set"):
        return Type("varchar", length) if length else Type("text")
    return {
        "float": Type("real"),
        "double": Type("double"),
        "date": Type("date"),
        "datetime": Type("timestamp", fraction),
        "timestamp": Type("timestamptz", fraction),
        "time": Type("interval", fraction),
        "year": Type("smallint"),
        "json": Type("json"),
        "uuid": Type("uuid"),
    }.get(data_type, Type("bytes") if data_type in BINARY else Type("text"))
