"""The errors that the stand-in answers with, worded as Redshift words them."""


class RedshiftError(Exception):
    """An error for the client: `code` is its SQLSTATE."""

    def __init__(self, code: str, message: str, detail: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.detail = code, message, detail


class ConnectionLost(Exception):
    """A fault rule says that the client loses its connection now."""


def syntax(token: str) -> RedshiftError:
    """The error of Redshift's parser at `token`."""
    return RedshiftError("42601", f'syntax error at or near "{token}"')


def internal(message: str, code: int = 8001, context: str = "") -> RedshiftError:
    """The error of Redshift's execution engine, with the block of detail that it adds."""
    rule = "  -----------------------------------------------\n"
    return RedshiftError(
        "XX000",
        message,
        f"\n{rule}  error:  {message}\n  code:      {code}\n  context:   {context}\n  query:     0\n"
        f"  location:  tests.support.redshift_emulator\n  process:   padbmaster [pid=1]\n{rule}",
    )
