"""The part of a warehouse's protocol about the URL of its database."""

from typing import Any, ClassVar, Protocol

from sqlalchemy import URL


class ConnectionUrls(Protocol):
    """Examples and rules of the URL, and its connection as dbt spells it."""

    #: Examples of the URL, one for each of SQLAlchemy's drivers that Daybook supports.
    urls: ClassVar[tuple[str, ...]]

    @classmethod
    def check_url(cls, url: URL) -> None:
        """Check the options of the URL that only this warehouse has.

        Raises:
            WarehouseError: an option is wrong. "The URL" is the subject of the message, which never has the password.
        """

    @classmethod
    def dbt_output(cls, url: URL, password: str) -> dict[str, Any]:
        """Return the connection to `url` as an output of a dbt profile, without `schema` and `threads`.

        `password` is the expression with which dbt reads the password. The profile never has the password of `url`.

        Raises:
            DbtUnusable: dbt does not support this warehouse, or an option of the URL.
        """
        ...
