"""Turn a statement's tokens into the session's action: refuse, translate, or handle it in the emulator."""

import re

from tests.support.redshift_emulator.actions import Action
from tests.support.redshift_emulator.ddl import alter_table, create_table
from tests.support.redshift_emulator.errors import RedshiftError, syntax
from tests.support.redshift_emulator.lexer import Token, literal_value, shape, sql_text
from tests.support.redshift_emulator.rejections import refuse
from tests.support.redshift_emulator.rewrites import to_postgres

SHARED_SETTINGS = {
    *("SEARCH_PATH", "TIMEZONE", "DATESTYLE", "CLIENT_ENCODING", "EXTRA_FLOAT_DIGITS", "STATEMENT_TIMEOUT"),
    *("APPLICATION_NAME", "SESSION", "TRANSACTION", "TIME", "NAMES", "SERVER_VERSION", "ALL", "CLIENT_MIN_MESSAGES"),
}
REDSHIFT_SETTINGS = {
    *("QUERY_GROUP", "WLM_QUERY_SLOT_COUNT", "ENABLE_CASE_SENSITIVE_IDENTIFIER", "ENABLE_RESULT_CACHE_FOR_SESSION"),
    *("ANALYZE_THRESHOLD_PERCENT", "JSON_PARSE_TRUNCATE_STRINGS", "NAVIGATE_SUPER_NULL_ON_ERROR"),
    "ERROR_ON_NONDETERMINISTIC_UPDATE",
}
WRITES = re.compile(r"^(?:INSERT INTO|UPDATE|DELETE FROM|DELETE|MERGE INTO|COPY) (\S+(?: \. \S+)*)")
MERGE = re.compile(
    r"^MERGE INTO \S+(?: \. \S+)* USING (?:\"[^\"]+\"|[A-Z_][\w$]*)(?: \. \S+)*(?: AS)?(?: (?!ON\b)\S+)? ON (.*)$"
)


def plan(tokens: list[Token], status: str, case_sensitive: bool = False) -> Action:
    """Return the action for a statement. `status` is the transaction status: "I" (none), "T" (open) or "E" (failed).

    Raises RedshiftError if Redshift refuses the statement.
    """
    tokens = [_folded(token, case_sensitive) for token in tokens]
    significant = [token for token in tokens if token.kind != "ws"]
    form, words = shape(significant), [token.word for token in significant]
    sql = "".join(token.text for token in tokens).strip()
    refuse(significant, sql)
    lock = _written_table(significant, form)
    match words[0]:
        case "COPY":
            return Action("copy", tokens=significant, lock=lock, shape=form)
        case "CREATE" if "TABLE" in words[1:4] and "EXTERNAL" not in words[1:3]:
            return create_table(significant, form)
        case "ALTER" if words[1:2] == ["TABLE"]:
            return alter_table(significant, status)
        case "TRUNCATE":
            return Action("truncate", sql)
        case "VACUUM":
            if status != "I":
                raise RedshiftError("25001", "VACUUM cannot run inside a transaction block")
            return Action("noop", tag="VACUUM")
        case "ANALYZE":
            return Action("noop", tag="ANALYZE")
        case "BEGIN" | "START":
            return Action("sql", "BEGIN", shape="BEGIN")
        case "SET" | "SHOW" | "RESET" if setting := _setting(significant, words):
            return setting
        case "MERGE" if merge := _merge(significant, words, form, lock):
            return merge
        case "LOCK" if "MODE" not in words:
            return Action("sql", to_postgres(tokens) + " IN ACCESS EXCLUSIVE MODE", shape=form)
    return Action("sql", to_postgres(tokens), lock=lock, shape=form)


def _folded(token: Token, case_sensitive: bool) -> Token:
    """Fold a name as Redshift does: quoted names to lower case, too. `#name` is a temporary table."""
    if token.kind == "qid" and not case_sensitive:
        return Token("qid", re.sub("[A-Z]", lambda letter: letter[0].lower(), token.text))
    if token.kind == "id" and token.text.startswith("#"):
        return Token("qid", f'"{token.text.lower()}"')
    return token


def _written_table(tokens: list[Token], form: str) -> str | None:
    """Return the table that the statement writes. Writers of one table wait for each other."""
    match = WRITES.match(form)
    if not match:
        return None
    names = [token.text for token in tokens if token.kind in ("id", "qid")]
    verb, second = tokens[0].word, tokens[1].word
    start = 1 if verb in ("UPDATE", "COPY") or (verb == "DELETE" and second != "FROM") else 2
    return ".".join(names[start : start + match[1].count(" . ") + 1])


def _setting(tokens: list[Token], words: list[str]) -> Action | None:
    """Handle SET, SHOW and RESET: ignore Redshift's settings, refuse unknown ones. None: let PostgreSQL run it."""
    of_session = words[0] == "SET" and words[2:3] not in (["CHARACTERISTICS"], ["AUTHORIZATION"])
    names = [word for word in words[1:] if word != "LOCAL" and not (word == "SESSION" and of_session)]
    last = tokens[-1]
    if names and names[0] in REDSHIFT_SETTINGS:
        sets_case = names[0] == "ENABLE_CASE_SENSITIVE_IDENTIFIER" and words[0] == "SET"
        if names[0] == "ENABLE_CASE_SENSITIVE_IDENTIFIER" and words[0] == "SHOW":
            return Action("show case", tag="SHOW")
        value = literal_value(last) if last.kind == "str" else last.word
        return Action("case" if sets_case else "noop", tag="SET", sql=value.upper())
    if names and names[0] not in SHARED_SETTINGS:
        unknown = last.text if words[0] == "SHOW" else names[0]
        raise RedshiftError("42704", f'unrecognized configuration parameter "{unknown.lower()}"')
    if "CHARACTERISTICS" in words or (names[:1] == ["TRANSACTION"] and words[0] == "SET"):
        return Action("noop", tag="SET")
    return None


def _merge(tokens: list[Token], words: list[str], form: str, lock: str | None) -> Action | None:
    """Check MERGE by Redshift's rules, and translate REMOVE DUPLICATES. None: let PostgreSQL run it."""
    if not MERGE.match(form):
        raise RedshiftError("42601", "syntax error in MERGE: target takes no alias and the source must be a table")
    if words[-2:] == ["REMOVE", "DUPLICATES"]:
        if "WHEN" in words:
            raise syntax("REMOVE")
        using, on = words.index("USING"), words.index("ON")
        target, source = sql_text(tokens[2:using]), sql_text(tokens[using + 1 : on])
        has_alias = on - using >= 3 and tokens[using + 2].text != "."
        table = sql_text(tokens[using + 1 : using + 2]) if has_alias else source
        return Action(
            "multi",
            lock=lock,
            tag="MERGE",
            statements=(
                f"DELETE FROM {target} USING {source} WHERE {sql_text(tokens[on + 1 : -2])}",
                f"INSERT INTO {target} SELECT DISTINCT * FROM {table}",
            ),
        )
    matched = len(re.findall(r"\bWHEN MATCHED THEN (?:UPDATE SET|DELETE)\b", form))
    missing = len(re.findall(r"\bWHEN NOT MATCHED THEN INSERT\b", form))
    if matched != 1 or missing != 1 or re.search(r"MATCHED AND\b", form):
        raise RedshiftError(
            "42601",
            "syntax error in MERGE: exactly one WHEN MATCHED THEN and one WHEN NOT MATCHED THEN INSERT are required",
        )
    return None
