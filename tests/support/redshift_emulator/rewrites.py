"""Translate Redshift's SQL to PostgreSQL's, token by token, except for the DDL of tables."""

import re

import sqlglot

from tests.support.redshift_emulator.lexer import Token

# Without the schema, JSON_SERIALIZE would be PostgreSQL's own function for json.
RENAMED = {"NVL": "COALESCE", "LEN": "LENGTH", "JSON_SERIALIZE": "pg_catalog.json_serialize"}
TAKES_DATE_PART = ("DATEADD", "DATEDIFF", "DATE_ADD", "DATE_DIFF", "DATE_PART")
# sqlglot translates these, because they change the structure of the statement.
RESTRUCTURED = ("QUALIFY", "LISTAGG", "TOP")
WITHIN_GROUP = re.compile(r"STRING_AGG\(([^()]*(?:\([^()]*\)[^()]*)*)\) WITHIN GROUP \(ORDER BY ([^()]+)\)")


def to_postgres(tokens: list[Token]) -> str:
    """Return the tokens as SQL with the same meaning in PostgreSQL."""
    significant = [i for i, token in enumerate(tokens) if token.kind != "ws"]
    words = [tokens[i].word for i in significant]
    texts = [token.text for token in tokens]
    for position, i in enumerate(significant):
        if tokens[i].kind == "id":
            before = [*["", ""], *words[max(position - 2, 0) : position]][-2:]
            after = [*words[position + 1 : position + 3], "", ""][:2]
            texts[i] = _renamed(tokens[i], before, after)
    for i, token in enumerate(tokens):
        if token.kind == "ws" and token.text.startswith(("--", "/*")):
            texts[i] = " "
    sql = ("" if len(significant) < len(tokens) else " ").join(texts)
    if any(token.kind == "id" and token.word in RESTRUCTURED for token in tokens):
        sql = sqlglot.transpile(sql, read="redshift", write="postgres")[0]
        sql = WITHIN_GROUP.sub(r"STRING_AGG(\1 ORDER BY \2)", sql)
    return sql


def _renamed(token: Token, before: list[str], after: list[str]) -> str:
    """Return the token's text in PostgreSQL, given the two words before and after it."""
    word, is_type = token.word, before[1] in ("::", "AS")
    if word in RENAMED and after[0] == "(":
        return RENAMED[word]
    if word == "DATETIME" and is_type and after[0] != ".":
        return "timestamp"
    if word == "SUPER" and is_type:
        return "pg_catalog.super"
    if word == "SYSDATE":
        return "getdate()"
    if word == "MINUS":
        return "EXCEPT"
    if word in ("VARCHAR", "NVARCHAR") and after == ["(", "MAX"]:
        return "varchar"
    if word == "MAX" and before[1] == "(" and after[0] == ")":
        return "65535"
    if before[1] == "(" and after[0] == "," and before[0] in TAKES_DATE_PART:
        return f"'{token.text}'"
    return token.text
