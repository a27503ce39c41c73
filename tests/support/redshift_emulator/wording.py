"""The errors of PostgreSQL in Redshift's wording."""

import re

from tests.support.redshift_emulator.lexer import literal
from tests.support.redshift_emulator.wire import Backend, Fields, pack_fields

MISSING = re.compile('relation "(.+)" does not exist')


def with_oid_if_dropped(fields: Fields, table: str, backend: Backend, began: float) -> Fields:
    """Return the error for a missing `table`, or one with its OID if it was dropped while a statement waited for it.

    `backend` is another session, and `began` is the statement's time. The emulator's catalog logs each DROP.
    """
    name = literal(table.rpartition(".")[2])
    rows, _ = backend.query(
        f"SELECT oid FROM redshift_standin.dropped WHERE name = {name} "
        f"AND pg_xact_commit_timestamp(xmin) >= to_timestamp({began!r})"
    )
    if not rows:
        return fields
    return {**fields, "C": "XX000", "M": f"could not open relation with OID {rows[-1][0]}"}


def in_redshifts_words(fields: Fields) -> bytes:
    """Return the body of Redshift's error message for the fields of PostgreSQL's error."""
    code, text = fields.get("C"), fields.get("M", "")
    if code == "23514" and fields.get("n", "").startswith("rs_len_"):
        limit = fields["n"].rsplit("_", 1)[1]
        fields = {"S": "ERROR", "C": "22001", "M": f"value too long for type character varying({limit})"}
    elif code == "23514" and fields.get("n", "").startswith("rs_varbyte_"):
        limit = fields["n"].rsplit("_", 1)[1]
        fields = {"S": "ERROR", "C": "22001", "M": f"value too long for type varbyte({limit})"}
    elif code == "40001":
        cycle = "transactions forming the cycle are: 1, 2 (pid:1)"
        detail = f"Serializable isolation violation on table - 100001, {cycle}"
        fields = {**fields, "C": "XX000", "M": "1023", "D": detail}
    elif code == "23502":
        fields = {**fields, "C": "XX000", "M": f"Cannot insert a NULL value into column {fields.get('c')}"}
    elif text in ("tuple concurrently updated", "tuple concurrently deleted"):
        fields = {**fields, "C": "XX000", "M": "could not complete because of conflict with concurrent transaction"}
    elif "MERGE command cannot affect row a second time" in text:
        fields = {**fields, "C": "XX000", "M": "Found multiple matches to update the same tuple."}
    return pack_fields({name: value for name, value in fields.items() if name in "SVCMDHP"})
