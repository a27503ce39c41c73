"""CREATE TABLE and ALTER TABLE: translate or drop Redshift's extensions, and refuse what Redshift lacks."""

import re

from tests.support.redshift_emulator.actions import Action
from tests.support.redshift_emulator.errors import RedshiftError, syntax
from tests.support.redshift_emulator.lexer import Token, group_end, split_commas, sql_text
from tests.support.redshift_emulator.rejections import UNSUPPORTED_TYPES
from tests.support.redshift_emulator.rewrites import to_postgres

COLUMN_KEYWORDS = {
    *("DEFAULT", "IDENTITY", "GENERATED", "ENCODE", "DISTKEY", "SORTKEY", "NOT", "NULL", "UNIQUE", "PRIMARY"),
    *("REFERENCES", "COLLATE", "CHECK", "CONSTRAINT"),
}
VARCHAR = ("VARCHAR", "NVARCHAR", "CHARACTER VARYING", "NATIONAL CHARACTER VARYING")
CHAR = ("CHAR", "CHARACTER", "NCHAR", "BPCHAR")
RENAMED_TYPES = {
    "TEXT": "varchar(256)",
    "DATETIME": "timestamp",
    "SMALLDATETIME": "timestamp",
    "SUPER": "pg_catalog.super",
}
VARBYTE = ("VARBYTE", "VARBINARY", "BINARY VARYING")


def column_type(tokens: list[Token], column: str, table: str) -> str:
    """Return the PostgreSQL type for a column's Redshift type. Raises RedshiftError for types that Redshift lacks."""
    spelled = " ".join(t.word for t in tokens)
    base = re.sub(r" ?\(.*?\)", "", spelled)
    match = re.search(r"\( (\w+)(?: , (\w+))? \)", spelled)
    first, second = (match[1], match[2]) if match else (None, None)
    if "[" in spelled or re.fullmatch(UNSUPPORTED_TYPES, base):
        raise RedshiftError("0A000", f'Column "{table}.{column}" has unsupported type "{spelled.lower()}".')
    if base in RENAMED_TYPES:
        return RENAMED_TYPES[base]
    if base in VARBYTE:  # r_VARBYTE_type.html
        length = int(first or 64000)
        if not 1 <= length <= 16_777_216:
            raise RedshiftError("22023", "length for type varbyte cannot exceed 16777216")
        return f'bytea CONSTRAINT "rs_varbyte_{column}_{length}" CHECK (octet_length("{column}") <= {length})'
    if base in VARCHAR:
        length = 65535 if first == "MAX" else int(first or 256)
        if not 1 <= length <= 65535:
            raise RedshiftError("22023", "length for type varchar cannot exceed 65535")
        return f"varchar({length})"
    if base in CHAR:
        length = 4096 if first == "MAX" else int(first or (256 if base == "BPCHAR" else 1))
        if not 1 <= length <= 4096:
            raise RedshiftError("22023", "length for type char cannot exceed 4096")
        return f"char({length})"
    if base in ("DECIMAL", "NUMERIC"):
        precision, scale = int(first or 18), int(second or 0)
        if not 1 <= precision <= 38:
            raise RedshiftError("22023", f"DECIMAL precision {precision} must be between 1 and 38")
        if not 0 <= scale <= min(precision, 37):
            raise RedshiftError("22023", f"DECIMAL scale {scale} must be between 0 and {min(precision, 37)}")
        return f"numeric({precision},{scale})"
    return sql_text(tokens)


def _identity(how: str, tokens: list[Token], i: int) -> tuple[str, int]:
    """Return PostgreSQL's identity clause and the index after it. `i` is the index after the word IDENTITY."""
    seed, step = "1", "1"
    if i < len(tokens) and tokens[i].text == "(":
        end = group_end(tokens, i)
        seed, step = (sql_text(part) for part in split_commas(tokens[i + 1 : end - 1]))
        i = end
    low = f" MINVALUE {seed}" if seed.replace(" ", "") in ("0", "-0") or seed.startswith("-") else ""
    return f"GENERATED {how} AS IDENTITY (START WITH {seed} INCREMENT BY {step}{low})", i


def column_definition(tokens: list[Token], table: str) -> str:
    """Return a column's name, type and constraints for PostgreSQL."""
    name = tokens[0].text if tokens[0].kind == "qid" else tokens[0].text.lower()
    i = 1
    while i < len(tokens) and not (tokens[i].kind == "id" and tokens[i].word in COLUMN_KEYWORDS):
        i = group_end(tokens, i) if tokens[i].text == "(" else i + 1
    out = [name, column_type(tokens[1:i], name.strip('"'), table)]
    while i < len(tokens):
        word = tokens[i].word
        if word == "ENCODE":
            i += 2
        elif word in ("DISTKEY", "SORTKEY"):
            i += 1
        elif word == "COLLATE":
            if tokens[i + 1].word not in ("CASE_SENSITIVE", "CASE_INSENSITIVE"):
                raise syntax(tokens[i + 1].text)
            i += 2
        elif word == "REFERENCES":  # declared, never enforced
            i += 2
            while i < len(tokens) and "." in (tokens[i].text, tokens[i - 1].text):
                i += 1
            if i < len(tokens) and tokens[i].text == "(":
                i = group_end(tokens, i)
        elif word == "IDENTITY":
            clause, i = _identity("ALWAYS", tokens, i + 1)
            out.append(clause)
        elif word == "GENERATED":
            if [t.word for t in tokens[i + 1 : i + 5]] != ["BY", "DEFAULT", "AS", "IDENTITY"]:
                raise syntax("GENERATED")
            clause, i = _identity("BY DEFAULT", tokens, i + 5)
            out.append(clause)
        elif word in ("CHECK", "CONSTRAINT"):
            raise syntax(tokens[i].text)
        else:
            out.append("getdate()" if word == "SYSDATE" else tokens[i].text)
            i += 1
    return " ".join(out)


def _table_body(tokens: list[Token], table: str) -> str:
    """Return the parenthesized part of CREATE TABLE for PostgreSQL."""
    items, only_names = [], all(len(item) == 1 for item in split_commas(tokens))
    for item in split_commas(tokens):
        words = [t.word for t in item]
        if not item:
            raise syntax(",")
        if words[0] == "LIKE":
            options = [word for word in words if word in ("INCLUDING", "EXCLUDING")]
            if len(options) > 1 or (options and words[-1] != "DEFAULTS"):
                raise syntax(words[-1])
            items.append(sql_text(item))
        elif words[0] == "FOREIGN" or (words[0] == "CONSTRAINT" and "FOREIGN" in words):
            continue
        elif words[0] in ("PRIMARY", "UNIQUE", "CONSTRAINT") or only_names:
            items.append(sql_text(item))
        else:
            items.append(column_definition(item, table))
    return " (" + ", ".join(items) + ")"


def _skip_table_options(tokens: list[Token], i: int) -> int:
    """Return the index after DISTSTYLE, SORTKEY and similar options, which have no effect on one node."""
    while i < len(tokens) and tokens[i].word != "AS":
        word, after = tokens[i].word, tokens[i + 1].word if i + 1 < len(tokens) else ""
        if word in ("COMPOUND", "INTERLEAVED"):
            i += 1
        elif word in ("BACKUP", "DISTSTYLE") or (word in ("SORTKEY", "ENCODE") and after == "AUTO"):
            i += 2
        elif word in ("DISTKEY", "SORTKEY") and after == "(":
            i = group_end(tokens, i + 1)
        else:
            raise syntax(tokens[i].text)
    return i


def create_table(tokens: list[Token]) -> str:
    """Return CREATE TABLE for PostgreSQL, including `#temporary` tables and AS SELECT."""
    i, temporary, condition = 1, "", ""
    while tokens[i].word != "TABLE":
        if tokens[i].word not in ("LOCAL", "TEMP", "TEMPORARY"):
            raise syntax(tokens[i].text)
        temporary = "TEMP"
        i += 1
    i += 1
    if tokens[i].word == "IF":
        condition, i = "IF NOT EXISTS ", i + 3
    end = i + 1
    while end < len(tokens) and tokens[end].text == ".":
        end += 2
    name, table = sql_text(tokens[i:end]), tokens[end - 1].text.strip('"')
    if tokens[end - 1].text.startswith('"#') and end == i + 1:
        temporary = "TEMP"
    body, i = "", end
    if i < len(tokens) and tokens[i].text == "(":
        end = group_end(tokens, i)
        body, i = _table_body(tokens[i + 1 : end - 1], table), end
    i = _skip_table_options(tokens, i)
    query = " " + to_postgres(tokens[i:]) if i < len(tokens) else ""
    return f"CREATE {temporary} TABLE {condition}{name}{body}{query}"


def alter_table(tokens: list[Token], status: str) -> Action:
    """Return ALTER TABLE for PostgreSQL. `status` is the transaction status; "I" means no transaction."""
    i = 3
    while i < len(tokens) and tokens[i].text == ".":
        i += 2
    name, rest = sql_text(tokens[2:i]), tokens[i:]
    words = [t.word for t in rest]
    if words[0] == "APPEND":
        return Action("append", statements=(name, sql_text(rest[2:])), tag="ALTER TABLE APPEND")
    stored_differently = words[1:2] and words[1] in ("DISTKEY", "DISTSTYLE", "SORTKEY", "COMPOUND", "ENCODE")
    if (words[0] == "ALTER" and stored_differently) or "ENCODE" in words[1:4]:
        return Action("noop", tag="ALTER TABLE")
    if words[0] == "ALTER":
        at = words.index("TYPE") if "TYPE" in words else None
        if at is None or words[at + 1] not in ("VARCHAR", "CHARACTER"):
            raise RedshiftError("0A000", "ALTER COLUMN TYPE is only supported for VARCHAR columns")
        if status != "I":
            raise RedshiftError("25001", "ALTER TABLE ALTER COLUMN cannot run inside a transaction block")
        new_type = column_type(rest[at + 1 :], "c", name)
        return Action("sql", f"ALTER TABLE {name} {sql_text(rest[: at + 1])} {new_type}")
    if words[0] == "ADD" and words[1] not in ("PRIMARY", "UNIQUE", "CONSTRAINT", "FOREIGN"):
        column = rest[2:] if words[1] == "COLUMN" else rest[1:]
        if len(split_commas(column)) > 1:
            raise syntax(",")
        return Action("sql", f"ALTER TABLE {name} ADD COLUMN {column_definition(column, name)}")
    if (words[0] == "ADD" and "FOREIGN" in words) or words[:2] == ["DROP", "CONSTRAINT"]:
        return Action("noop", tag="ALTER TABLE")
    return Action("sql", f"ALTER TABLE {name} {sql_text(rest)}")
