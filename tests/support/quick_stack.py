"""The local stack with less work for Prefect's processes, which take most of the tests' CPU time."""

import functools
from pathlib import Path

import certifi

from daybook.orchestration.local_stack.stack import LocalStack

#: The server's address is plain HTTP on the loopback interface, and its database has the types of blocks already.
QUICK = {
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",  # each client would ask for a token that the server does not use
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
}


class QuickStack(LocalStack):
    """The local stack, for a copy of a database of tests/support/prefect_databases.py."""

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables of all processes in the stack."""
        return super().environment | QUICK | {"PREFECT_API_SSL_CERT_FILE": one_certificate(self.home / "tmp")}


@functools.cache
def one_certificate(folder: Path) -> str:
    """Write a file with one of the certificates that Prefect trusts, and return its path.

    Prefect's clients load the certificates even for plain HTTP. To load all of them takes 45 ms of CPU time, and a run
    creates eight clients.
    """
    file = folder / "certificate.pem"
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----")
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(first + end, encoding="utf-8")
    return str(file)
