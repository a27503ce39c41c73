"""The case of names: by default, Redshift folds quoted names, too.

It keeps their case with `enable_case_sensitive_identifier`, which targets of zero-ETL integrations need. The setting is
that of the cluster's parameter group, of the user, or of the session:
https://docs.aws.amazon.com/redshift/latest/dg/r_enable_case_sensitive_identifier.html
"""

from collections.abc import Iterable

from daybook.errors import SchemaMismatch
from daybook.model.target import Target
from daybook.sql.database_error import DatabaseError
from daybook.warehouses.session import Session

SETTING = "enable_case_sensitive_identifier"


def in_lower_case(name: str) -> str:
    """Return a name with its ASCII letters in lower case."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def keeps_case(session: Session) -> bool:
    """Return True if the session keeps the case of quoted names."""
    try:
        return str(session.one(f"SHOW {SETTING}")).lower() in ("on", "true", "1")
    except DatabaseError as error:
        if error.lost:
            raise
        return False  # the server has no such setting


def check_case(session: Session, target: Target, table: str, existing: Iterable[str], keeps: bool) -> None:
    """Check that the columns of a table were not made while the setting was another one.

    `table` is the quoted name of the table, `existing` has its columns, and `keeps` is the setting now.

    Raises:
        SchemaMismatch: some columns differ from those of the target only in case. The message has the statements that
            rename them, and the setting that makes this unnecessary.
    """
    present = set(existing)
    wanted = {name if keeps else in_lower_case(name): name for name in target.column_names}
    others = {in_lower_case(name): name for name in present - wanted.keys()}
    pairs = {key: others[in_lower_case(key)] for key in wanted.keys() - present if in_lower_case(key) in others}
    if not pairs:
        return
    lines = [
        f"- its column {old!r} is {wanted[key]!r} at the source"
        + (f': ALTER TABLE {table} RENAME COLUMN "{old}" TO "{key}"' if keeps else "")
        for key, old in sorted(pairs.items())
    ]
    user, earlier = session.one("SELECT current_user"), "false" if keeps else "true"
    raise SchemaMismatch(
        f"{target.name}: {SETTING} is {'on' if keeps else 'off'} now, but the table's columns were made while it was "
        f"{'off' if keeps else 'on'}:\n"
        + "\n".join(lines).replace("%%", "%")
        + f"\n{'Rename them, or set' if keeps else 'Set'} it for Daybook's user: "
        + f'ALTER USER "{user}" SET {SETTING} TO {earlier}'
    )
