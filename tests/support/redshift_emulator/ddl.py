"""CREATE TABLE and ALTER TABLE: translate or note Redshift's extensions, and refuse what Redshift lacks."""

import re

from tests.support.redshift_emulator.actions import Action
from tests.support.redshift_emulator.errors import RedshiftError, syntax
from tests.support.redshift_emulator.layouts import Layout, alter_layout, name_of
from tests.support.redshift_emulator.lexer import Token, group_end, literal, split_commas, sql_text
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


def column_definition(tokens: list[Token], table: str, layout: Layout) -> str:
    """Return a column's name, type and constraints for PostgreSQL. Its ENCODE, DISTKEY and SORTKEY go to `layout`."""
    name = tokens[0].text if tokens[0].kind == "qid" else tokens[0].text.lower()
    i = 1
    while i < len(tokens) and not (tokens[i].kind == "id" and tokens[i].word in COLUMN_KEYWORDS):
        i = group_end(tokens, i) if tokens[i].text == "(" else i + 1
    out = [name, column_type(tokens[1:i], name.strip('"'), table)]
    while i < len(tokens):
        word = tokens[i].word
        if word in ("ENCODE", "DISTKEY", "SORTKEY"):
            i = layout.column_option(name.strip('"'), tokens, i)
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


def _table_body(tokens: list[Token], table: str, layout: Layout) -> str:
    """Return the parenthesized part of CREATE TABLE for PostgreSQL. The options of columns go to `layout`."""
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
            layout.like = "".join(token.text for token in item[1 : -2 if options else None])
        elif words[0] == "FOREIGN" or (words[0] == "CONSTRAINT" and "FOREIGN" in words):
            continue
        elif words[0] in ("PRIMARY", "UNIQUE", "CONSTRAINT") or only_names:
            items.append(sql_text(item))
        else:
            items.append(column_definition(item, table, layout))
    return " (" + ", ".join(items) + ")"


def create_table(tokens: list[Token], form: str) -> Action:
    """Return CREATE TABLE for PostgreSQL, including `#temporary` tables and AS SELECT. `form` is the tokens' shape."""
    i, temporary, condition, layout = 1, "", "", Layout()
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
        body, i = _table_body(tokens[i + 1 : end - 1], table, layout), end
    while i < len(tokens) and tokens[i].word != "AS":
        i = layout.table_option(tokens, i)
    query = " " + to_postgres(tokens[i:]) if i < len(tokens) else ""
    if query and not (layout.distkey or layout.diststyle or layout.sort):
        layout.read_select(tokens[i + 1 :])
    sql = f"CREATE {temporary} TABLE {condition}{name}{body}{query}"
    return Action("sql", sql, shape=form, before=(layout.noted(table, "CREATE TABLE"),))


def _check(what: str, table: str, column: str) -> str:
    """Return the statement that fails if Redshift would not `drop` or `retype` the column: see `layouts.sql`."""
    return f"SELECT redshift_standin.check_{what}({literal(table.replace(' ', ''))}, {literal(column)})"


def alter_table(tokens: list[Token], status: str) -> Action:
    """Return ALTER TABLE for PostgreSQL. `status` is the transaction status; "I" means no transaction."""
    i = 3
    while i < len(tokens) and tokens[i].text == ".":
        i += 2
    name, rest = sql_text(tokens[2:i]), tokens[i:]
    words = [t.word for t in rest]
    if words[0] == "APPEND":
        return Action("append", statements=(name, sql_text(rest[2:])), tag="ALTER TABLE APPEND")
    if layout := alter_layout(name, rest):
        return layout
    if words[0] == "ALTER":
        at = words.index("TYPE") if "TYPE" in words else None
        if at is None or words[at + 1] not in ("VARCHAR", "CHARACTER"):
            raise RedshiftError("0A000", "ALTER COLUMN TYPE is only supported for VARCHAR columns")
        if status != "I":
            raise RedshiftError("25001", "ALTER TABLE ALTER COLUMN cannot run inside a transaction block")
        new_type, column = column_type(rest[at + 1 :], "c", name), name_of(rest[at - 1])
        check = _check("retype", name, column)
        return Action("sql", f"ALTER TABLE {name} {sql_text(rest[: at + 1])} {new_type}", before=(check,))
    if words[0] == "ADD" and words[1] not in ("PRIMARY", "UNIQUE", "CONSTRAINT", "FOREIGN"):
        column = rest[2:] if words[1] == "COLUMN" else rest[1:]
        if len(split_commas(column)) > 1:
            raise syntax(",")
        layout = Layout()
        added = f"ALTER TABLE {name} ADD COLUMN {column_definition(column, name, layout)}"
        table = tokens[i - 1].text.strip('"')
        return Action("sql", added, before=(layout.noted(table, "ALTER TABLE"),) if layout.encode else ())
    if words[0] == "DROP" and words[1] != "CONSTRAINT":
        column = name_of(rest[2] if words[1] == "COLUMN" else rest[1])
        return Action("sql", f"ALTER TABLE {name} {sql_text(rest)}", before=(_check("drop", name, column),))
    if (words[0] == "ADD" and "FOREIGN" in words) or words[:2] == ["DROP", "CONSTRAINT"]:
        return Action("noop", tag="ALTER TABLE")
    return Action("sql", f"ALTER TABLE {name} {sql_text(rest)}")
