"""AWS's API for temporary passwords of Redshift, over HTTP on loopback: what boto3 sends, and what AWS answers.

It has GetClusterCredentials and GetClusterCredentialsWithIAM of clusters, and GetCredentials of Redshift Serverless:
https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html
"""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl


class Aws:
    """The API. `asked` has the action and the parameters of each request; `issue` gets each user and password."""

    def __init__(self, issue: Callable[[str, str], None]) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.signed_by: list[str] = []
        """The Authorization header of each request, which names the access key."""
        self.seconds = 900
        """For how long a password is valid."""
        self.clock = timedelta(0)
        """How far AWS's clock is ahead of this machine's."""
        self.refusals: list[tuple[int, str]] = []
        """The status and the error code of the next answers."""
        self._issue, self._number = issue, 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.aws = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables with which boto3 finds the API, and keys."""
        services = ("AWS_ENDPOINT_URL_REDSHIFT", "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS")
        keys = {"AWS_ACCESS_KEY_ID": "AKIAMACHINE", "AWS_SECRET_ACCESS_KEY": "machine's"}
        return dict.fromkeys(services, self.url) | keys | {"AWS_DEFAULT_REGION": "us-east-1"}

    def credentials(self, action: str, asked: dict[str, str]) -> tuple[str, str, datetime]:
        """Issue a password. The prefixes of users are AWS's."""
        self._number += 1
        prefix = "IAMA:" if asked.get("AutoCreate") == "true" else "IAM:"
        user = f"{prefix}{asked['DbUser']}" if action == "GetClusterCredentials" else "IAMR:daybook"
        password = f"temporary-{self._number}"
        self._issue(user, password)
        return user, password, datetime.now(UTC) + self.clock + timedelta(seconds=self.seconds)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        aws = cast(Aws, self.server.aws)  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        asked: dict[str, str] = json.loads(body) if target else dict(parse_qsl(body))
        action = target or asked["Action"]
        aws.asked.append((action, asked))
        aws.signed_by.append(self.headers["Authorization"])
        if aws.refusals:
            status, code = aws.refusals.pop(0)
            self._send(status, _error(code, bool(target)), aws)
            return
        user, password, until = aws.credentials(action, asked)
        if target:
            answer: Any = {"dbUser": user, "dbPassword": password, "expiration": until.timestamp()}
            self._send(200, json.dumps(answer), aws)
        else:
            fields = {"DbUser": user, "DbPassword": password, "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ")}
            inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
            self._send(200, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>", aws)

    def _send(self, status: int, body: str, aws: Aws) -> None:
        self.send_response_only(status)
        self.send_header("Date", format_datetime(datetime.now(UTC) + aws.clock, usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_arguments: object) -> None:
        pass


def _error(code: str, as_json: bool) -> str:
    if as_json:
        return json.dumps({"__type": code, "message": "refused"})
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>refused</Message></Error></ErrorResponse>"


@contextlib.contextmanager
def aws(issue: Callable[[str, str], None]) -> Iterator[Aws]:
    """Yield the API, until the block ends."""
    server = Aws(issue)
    try:
        yield server
    finally:
        server.close()
