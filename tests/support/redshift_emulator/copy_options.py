"""Parse a COPY statement: its table, its source and its options."""

from dataclasses import dataclass, field
from functools import cached_property

from tests.support.redshift_emulator.errors import RedshiftError, syntax
from tests.support.redshift_emulator.lexer import Token, group_end, literal_value, split_commas

FLAGS = {
    *("MANIFEST", "GZIP", "BZIP2", "ZSTD", "ACCEPTANYDATE", "BLANKSASNULL", "EMPTYASNULL", "ESCAPE", "EXPLICIT_IDS"),
    *("FILLRECORD", "IGNOREBLANKLINES", "REMOVEQUOTES", "ROUNDEC", "TRIMBLANKS", "TRUNCATECOLUMNS"),
    *("IGNOREALLERRORS", "NOLOAD"),
}
WITH_VALUE = {
    *("DELIMITER", "QUOTE", "NULL", "DATEFORMAT", "TIMEFORMAT", "REGION", "ENCODING", "IGNOREHEADER", "MAXERROR"),
    *("COMPROWS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "IAM_ROLE", "CREDENTIALS"),
}
FORMATS = {"CSV", "JSON", "AVRO", "PARQUET", "ORC", "FIXEDWIDTH", "SHAPEFILE", "LZOP", "ENCRYPTED", "READRATIO"}
AUTHORIZATIONS = ("IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID")
COMPRESSIONS = ("GZIP", "BZIP2", "ZSTD")
CONFLICTS = {
    "CSV": ("ESCAPE", "REMOVEQUOTES"),
    "JSON": ("DELIMITER", "ESCAPE", "FILLRECORD", "IGNOREBLANKLINES", "NULL", "REMOVEQUOTES"),
}
REDUNDANT = "conflicting or redundant options"


@dataclass
class CopyOptions:
    """A parsed COPY statement. `given` has the options by name; the value of a flag is empty."""

    table: str
    columns: list[str] | None
    source: str
    given: dict[str, str] = field(default_factory=dict)
    format: str = "TEXT"
    json_mode: str = "auto"

    def __contains__(self, option: str) -> bool:
        return option in self.given

    @property
    def delimiter(self) -> str:
        return self.given.get("DELIMITER", "," if self.format == "CSV" else "|")

    @cached_property
    def null(self) -> bytes:
        return self.given.get("NULL", "\\N").encode()


def parse_copy(tokens: list[Token]) -> CopyOptions:
    """Parse `tokens` (without white space) of a COPY. Raises RedshiftError for anything that Redshift refuses."""
    i = 2
    while i < len(tokens) and tokens[i].text == ".":
        i += 2
    table, columns = "".join(token.text for token in tokens[1:i]), None
    if i < len(tokens) and tokens[i].text == "(":
        end = group_end(tokens, i)
        columns = [_name(part[0]) for part in split_commas(tokens[i + 1 : end - 1])]
        i = end
    if i + 1 >= len(tokens) or tokens[i].word != "FROM" or tokens[i + 1].kind != "str":
        raise syntax(tokens[min(i, len(tokens) - 1)].text)
    copy = CopyOptions(table, columns, literal_value(tokens[i + 1]))
    if not copy.source.startswith("s3://"):
        raise RedshiftError(
            "0A000", "LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)"
        )
    i += 2
    while i < len(tokens):
        i = _option(copy, tokens, i)
    _require_consistency(copy)
    return copy


def _name(token: Token) -> str:
    return token.text[1:-1].replace('""', '"') if token.kind == "qid" else token.text.lower()


def _option(copy: CopyOptions, tokens: list[Token], i: int) -> int:
    """Read the option at index `i` into `copy`. Return the index after it."""

    def at(index: int, *words: str) -> bool:
        return index < len(tokens) and tokens[index].word in words

    def text_at(index: int) -> bool:
        return index < len(tokens) and tokens[index].kind == "str"

    word = tokens[i].word
    i += 1
    if word in ("WITH", "FORMAT", "AS", ",") and i < len(tokens):
        return i
    if word in FLAGS:
        copy.given[word] = ""
    elif word in FORMATS:
        if copy.format != "TEXT":
            raise RedshiftError("42601", REDUNDANT)
        copy.format = word
        if word == "JSON":
            i += at(i, "AS")
            if text_at(i):
                copy.json_mode, i = literal_value(tokens[i]), i + 1
        elif word != "CSV":
            raise RedshiftError("0A000", f"COPY {word} is not implemented in the emulator")
    elif word in ("COMPUPDATE", "STATUPDATE"):
        i += at(i, "ON", "OFF", "TRUE", "FALSE", "PRESET")
    elif word == "ACCEPTINVCHARS":
        i += at(i, "AS")
        copy.given[word] = "?"
        if text_at(i):
            copy.given[word], i = literal_value(tokens[i]), i + 1
    elif word in WITH_VALUE:
        i += at(i, "AS")
        if not (text_at(i) or at(i, "DEFAULT", "UTF8") or (i < len(tokens) and tokens[i].kind == "num")):
            raise syntax(tokens[min(i, len(tokens) - 1)].text)
        if word in copy:
            raise RedshiftError("42601", REDUNDANT)
        copy.given[word] = literal_value(tokens[i]) if text_at(i) else tokens[i].text
        i += 1
    else:
        raise syntax(tokens[i - 1].text)
    return i


def _require_consistency(copy: CopyOptions) -> None:
    if sum(name in copy for name in AUTHORIZATIONS) != 1:
        raise RedshiftError(
            "42601",
            "COPY needs exactly one authorization: IAM_ROLE, CREDENTIALS or ACCESS_KEY_ID/SECRET_ACCESS_KEY",
        )
    for name in CONFLICTS.get(copy.format, ()):
        if name in copy:
            raise RedshiftError("42601", f"{copy.format} is not supported with {name}")
    if "QUOTE" in copy and copy.format != "CSV":
        raise RedshiftError("42601", "QUOTE requires CSV")
    if "IGNOREALLERRORS" in copy and "MAXERROR" in copy:
        raise RedshiftError("42601", "IGNOREALLERRORS and MAXERROR can't be combined")
    if sum(name in copy for name in COMPRESSIONS) > 1:
        raise RedshiftError("42601", REDUNDANT)
    if len(copy.delimiter) != 1 or ord(copy.delimiter) > 127:
        raise RedshiftError("42601", "COPY delimiter must be a single ASCII character")
