"""Types: their spellings, and which types keep every value of another."""

import pytest

from daybook.model.types import Type, holds, parse_type


@pytest.mark.parametrize(
    ("text", "type"),
    [
        ("INT", Type("integer")),
        ("numeric(10,2)", Type("decimal", 10, 2)),
        ("decimal(10)", Type("decimal", 10, 0)),
        ("numeric", Type("decimal")),
        ("character varying(20)", Type("varchar", 20)),
        ("character", Type("char", 1)),
        ("bpchar", Type("text")),
        ("timestamp(3) without time zone", Type("timestamp", 3)),
        ("timestamp with time zone", Type("timestamptz")),
        (" double  precision ".replace("  ", " "), Type("double")),
        ("binary varying(1024000)", Type("bytes")),
    ],
)
def test_parse(text: str, type: Type) -> None:
    assert parse_type(text) == type


@pytest.mark.parametrize("text", ["", "text[]", "varchar()", "intt", "decimal(5,-2)", "native"])
def test_an_unknown_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"unknown type .*; expected one of bigint, boolean"):
        parse_type(text)


@pytest.mark.parametrize(
    ("actual", "wanted", "kept"),
    [
        ("text", "decimal(65,30)", True),
        ("decimal(10,2)", "decimal(10,4)", False),
        ("decimal(8,4)", "decimal(10,4)", True),  # a number that is too large is refused, not rounded
        ("decimal", "decimal(65,30)", True),
        ("decimal(38,10)", "decimal", False),
        ("bigint", "decimal(20,0)", True),
        ("bigint", "decimal(20,1)", False),
        ("real", "double", False),
        ("double", "real", True),
        ("double", "bigint", False),
        ("smallint", "bigint", True),
        ("date", "timestamp", False),
        ("timestamp", "date", True),
        ("timestamp(3)", "date", True),
        ("timestamp(3)", "timestamp", False),
        ("timestamp(3)", "timestamp(3)", True),
        ("timestamp", "timestamp(3)", True),
        ("timestamp", "timestamptz", True),
        ("timestamptz", "timestamp", False),
        ("time(0)", "time(6)", False),
        ("boolean", "smallint", False),
        ("uuid", "text", True),
    ],
)
def test_holds(actual: str, wanted: str, kept: bool) -> None:
    assert holds(parse_type(actual), parse_type(wanted)) is kept
