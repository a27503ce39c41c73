"""The action for a statement of the client."""

from dataclasses import dataclass, field

from tests.support.redshift_emulator.lexer import Token


@dataclass
class Action:
    """One step for the session.

    `kind` is "sql" (send `sql`), "truncate" (send it, then commit), "copy" (`tokens` of a COPY), "multi" (all of
    `statements` as one), "append" (`statements` are target and source), "case" (a setting of identifiers' case, in
    `sql`) or "noop". `tag` replaces PostgreSQL's own in the answer; `lock` is the table that a writer queues for.
    The statements in `before` run first, without an answer: if one fails, its error is the answer.
    """

    kind: str
    sql: str = ""
    tag: str | None = None
    lock: str | None = None
    tokens: list[Token] = field(default_factory=list)
    statements: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    shape: str = ""
