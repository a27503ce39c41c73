"""The errors of the emulator, in Redshift's wording."""


class RedshiftError(Exception):
    """An error for the client. `code` is its SQLSTATE."""

    def __init__(self, code: str, message: str, detail: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.detail = code, message, detail


class ConnectionLost(Exception):
    """A fault rule closes the client's connection."""


def syntax(token: str) -> RedshiftError:
    """Return the error of Redshift's parser at `token`."""
    return RedshiftError("42601", f'syntax error at or near "{token}"')


def internal(message: str, code: int = 8001, context: str = "") -> RedshiftError:
    """Return an error of Redshift's execution engine, with its block of details."""
    rule = "  -----------------------------------------------\n"
    return RedshiftError(
        "XX000",
        message,
        f"\n{rule}  error:  {message}\n  code:      {code}\n  context:   {context}\n  query:     0\n"
        f"  location:  tests.support.redshift_emulator\n  process:   padbmaster [pid=1]\n{rule}",
    )
