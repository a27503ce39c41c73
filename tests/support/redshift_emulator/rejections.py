"""Rules for statements that Redshift refuses: patterns of lexer.shape, with SQLSTATE and message."""

import re

from tests.support.redshift_emulator.errors import RedshiftError
from tests.support.redshift_emulator.lexer import Token, shape

UNSUPPORTED_TYPES = (
    r"(?:SMALL|BIG)?SERIAL|SERIAL[248]|JSONB?|UUID|BYTEA|MONEY|XML|INET|CIDR|MACADDR8?|HSTORE|TSVECTOR|TSQUERY"
    r"|POINT|CITEXT|(?:INT4|INT8|NUM|TS|TSTZ|DATE)RANGE|BIT(?: VARYING)?|ENUM|TINYINT|MEDIUMINT|BLOB|LONGTEXT"
)
UNSUPPORTED_FUNCTIONS = (
    r"STRING_AGG|ARRAY_AGG|JSONB?_(?:AGG|OBJECT_AGG|BUILD_\w+|EACH\w*|SET|POPULATE_\w+|OBJECT)|TO_JSONB?|ROW_TO_JSON"
    r"|UNNEST|PG_(?:TRY_)?ADVISORY_\w+|PG_SLEEP|GEN_RANDOM_UUID|CLOCK_TIMESTAMP|TRANSACTION_TIMESTAMP|CONCAT_WS"
    r"|STATEMENT_TIMESTAMP|REGEXP_MATCHES|REGEXP_SPLIT_TO_\w+|CURRVAL|NEXTVAL|SETVAL|LASTVAL|TXID_\w+|OVERLAY"
    r"|PG_CURRENT_\w+|PG_NOTIFY|HASHTEXT|WIDTH_BUCKET|MAKE_(?:DATE|TIMESTAMP|INTERVAL)|NUM_NONNULLS|BIT_LENGTH"
    r"|EVERY|CORR|REGR_\w+|ARRAY_(?:APPEND|LENGTH|TO_STRING|POSITION)|STRING_TO_ARRAY|FORMAT|XMLAGG|TO_REGCLASS"
)
UNSUPPORTED_OBJECTS = (
    "TRIGGER|SEQUENCE|TYPE|DOMAIN|EXTENSION|RULE|TABLESPACE|AGGREGATE|OPERATOR|COLLATION|PUBLICATION|SUBSCRIPTION"
    "|FOREIGN"
)
UNSUPPORTED_COMMANDS = (
    "DO|LISTEN|NOTIFY|UNLISTEN|DISCARD|CHECKPOINT|LOAD|IMPORT|DEALLOCATE ALL|REFRESH MATERIALIZED VIEW CONCURRENTLY"
    "|TABLE"
)
UNSUPPORTED_ALTERATIONS = "SET SCHEMA|SET LOGGED|SET UNLOGGED|INHERIT|ATTACH|DETACH|ENABLE|DISABLE|VALIDATE"
NOT_ON_TABLES = 'SQL command "{sql}" not supported on Redshift tables.'
ONLY_S3 = "LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)"

# (SQLSTATE, message, pattern). In a message, {sql} is the statement, {first} its first token, {found} the match.
RULES = [
    (code, message, re.compile(pattern))
    for code, message, pattern in [
        ("42601", 'syntax error at or near "ON"', r"\bON CONFLICT\b"),
        ("42601", 'syntax error at or near "RETURNING"', r"\bRETURNING\b"),
        ("0A000", NOT_ON_TABLES, r"^(?:CREATE (?:UNIQUE )?INDEX|DROP INDEX|REINDEX|CLUSTER|ALTER INDEX)\b"),
        (
            "0A000",
            NOT_ON_TABLES,
            r"^(?:CREATE|ALTER|DROP) (?:OR REPLACE )?(?:CONSTRAINT )?(?:EVENT )?" + rf"(?:{UNSUPPORTED_OBJECTS})\b",
        ),
        ("0A000", NOT_ON_TABLES, r"^(?:SAVEPOINT|RELEASE|ROLLBACK (?:WORK |TRANSACTION )?TO)\b"),
        ("42601", 'syntax error at or near "{first}"', rf"^(?:{UNSUPPORTED_COMMANDS})\b"),
        ("0A000", ONLY_S3, r"^COPY .*(?:FROM|TO) (?:STDIN|STDOUT|PROGRAM)\b"),
        ("42601", 'syntax error at or near "("', r"^COPY \("),
        (
            "0A000",
            "UNLOAD / WITH NO SCHEMA BINDING is not implemented in the emulator",
            r"^UNLOAD\b|\bWITH NO SCHEMA BINDING\b",
        ),
        (
            "0A000",
            "SELECT FOR UPDATE/SHARE is not supported on Redshift tables.",
            r"\bFOR (?:UPDATE|SHARE|NO KEY UPDATE|KEY SHARE)\b",
        ),
        ("0A000", "SELECT DISTINCT ON is not supported", r"\bDISTINCT ON \("),
        ("42601", 'syntax error at or near "("', r"\bFILTER \( WHERE\b"),
        ("42601", 'syntax error at or near "DISTINCT"', r"\bIS (?:NOT )?DISTINCT FROM\b"),
        ("42601", 'syntax error at or near "LATERAL"', r"\bLATERAL\b"),
        (
            "0A000",
            "VALUES lists as constant tables are not supported",
            r"(?:\bFROM|\bJOIN|\bUSING|,) \( VALUES\b",
        ),
        (
            "42601",
            'syntax error at or near "INSERT"',
            r"^WITH\b.*\) INSERT INTO\b|\bAS (?:NOT MATERIALIZED |MATERIALIZED )?\( (?:INSERT|UPDATE|DELETE)\b",
        ),
        ("0A000", "array and row constructors are not supported", r"\b(?:ARRAY \[|ROW \()"),
        (
            "42601",
            "syntax error at or near the DELETE target alias",
            r"^DELETE (?:FROM \S+|(?!FROM )\S+)(?: \. \S+)* (?:AS )?(?!USING\b|WHERE\b)[A-Z_\"]",
        ),
        (
            "42601",
            "syntax error: TRUNCATE takes one table and no options",
            r"^TRUNCATE (?:TABLE )?[^,]*(?:,|\bCASCADE\b|\bRESTART\b|\bCONTINUE\b|\bONLY\b)",
        ),
        ("42601", 'syntax error at or near "IF"', r"^ALTER TABLE (?:IF EXISTS|ONLY)\b"),
        ("42601", 'syntax error at or near "IF"', r"^ALTER TABLE .*\b(?:ADD|DROP) (?:COLUMN )?IF\b"),
        (
            "42601",
            'syntax error at or near ","',
            r"^ALTER TABLE .*\b(?:ADD|DROP) .*, (?:ADD|DROP|ALTER|RENAME)\b",
        ),
        (
            "0A000",
            "ALTER COLUMN SET/DROP is not supported",
            r"^ALTER TABLE .*\bALTER (?:COLUMN )?\S+ (?:SET|DROP)\b",
        ),
        ("42601", "syntax error in ALTER TABLE", rf"^ALTER TABLE .*\b(?:{UNSUPPORTED_ALTERATIONS})\b"),
        (
            "0A000",
            "CHECK and EXCLUDE constraints are not supported",
            r"^(?:CREATE|ALTER) TABLE .*\bCHECK \(|^CREATE TABLE .*\bEXCLUDE\b",
        ),
        ("42601", 'syntax error at or near "ON"', r"^CREATE .*\bON COMMIT (?:DROP|DELETE|PRESERVE)\b"),
        ("42601", 'syntax error at or near "DEFERRABLE"', r"^(?:START|BEGIN)\b.*\bDEFERRABLE\b"),
        (
            "42704",
            "type does not exist or is not supported: {found}",
            rf"(?::: |\bCAST \( [^()]+ AS )(?:{UNSUPPORTED_TYPES})\b",
        ),
        ("42883", "function {found}...) does not exist", rf"\b(?:{UNSUPPORTED_FUNCTIONS}) \("),
    ]
]

# Functions that run only on the leader node: a statement with a user's table cannot use them.
LEADER_ONLY = re.compile(
    r"\b(?:NOW \(|CURRENT_TIMESTAMP\b|LOCALTIMESTAMP\b|CURRENT_TIME\b|LOCALTIME\b|CURRENT_SCHEMAS?\b|VERSION \(|AGE \("
    r"|SESSION_USER\b)"
)
USERS_TABLE = re.compile(r"(?:\bFROM|\bJOIN|\bUPDATE) (?!PG_|INFORMATION_SCHEMA|\(|SV[VL]_|STV_|STL_|SYS_)[A-Z_\"#]")
FROM_OF_A_FUNCTION = re.compile(r"\b(?:EXTRACT|TRIM|SUBSTRING) \( [^()]*?FROM")
READS_TABLES = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE")
LARGEST_STATEMENT = 16 * 1024 * 1024


def refuse(tokens: list[Token], sql: str) -> None:
    """Raise RedshiftError if Redshift would refuse the statement `sql`, whose `tokens` are without white space."""
    form, first = shape(tokens), tokens[0]
    for code, message, pattern in RULES:
        if match := pattern.search(form):
            raise RedshiftError(code, message.format(sql=sql[:200], first=first.text, found=match[0].lower()))
    size = len(sql.encode())
    if size > LARGEST_STATEMENT:
        raise RedshiftError(
            "54001",
            f"Statement is too large. Statement Size: {size} bytes. Maximum Allowed: {LARGEST_STATEMENT} bytes",
        )
    plain = FROM_OF_A_FUNCTION.sub("EXTRACT (", form)
    leader_only = LEADER_ONLY.search(plain)
    if leader_only and USERS_TABLE.search(plain) and first.word in READS_TABLES:
        raise RedshiftError(
            "0A000",
            "Specified types or functions (one per INFO message) not supported on Redshift tables.",
            f'Function "{leader_only[0].lower()}" not supported.',
        )
