"""Errors of AWS that rclone's server never sends, as AWS documents them, over HTTP."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from daybook.errors import StageError, StageLost
from daybook.stage.s3 import S3Stage
from tests.support.servers.s3 import S3


@contextlib.contextmanager
def answering(status: int, body: bytes, length: int | None = None, region: str | None = None) -> Iterator[S3Stage]:
    """Yield a stage whose server gives this answer to every request. `length` is the Content-Length that it sends."""

    class Answer(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            if region:
                self.send_header("x-amz-bucket-region", region)
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_GET = do_HEAD = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        s3 = S3(f"http://127.0.0.1:{server.server_port}", access_key="AKIDEXAMPLE", secret_key="secretexample")
        yield S3Stage(s3.client(), "bucket")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (403, "AccessDenied", "the stage's credentials need s3:PutObject, s3:GetObject and s3:DeleteObject"),
        (403, "AllAccessDisabled", "the stage's credentials need s3:PutObject"),
        (400, "ExpiredToken", "renew it in the stage's credentials block"),
        (503, "SlowDown", "Run the load again"),
    ],
)
def test_an_error_of_s3_names_the_remedy(status: int, code: str, remedy: str) -> None:
    body = f"<Error><Code>{code}</Code><Message>of secretexample</Message></Error>".encode()
    with answering(status, body) as stage:
        for use in (lambda: stage.put("key", b"rows"), lambda: stage.get("key"), lambda: stage.delete("key")):
            with pytest.raises(StageError, match=rf"s3://bucket/key .*{code} \({status}\)\. .*{remedy}") as refused:
                use()
            assert "example" not in str(refused.value).lower()


def test_a_truncated_answer_is_refused() -> None:
    with (
        answering(200, b"half of it", length=20) as stage,
        pytest.raises(StageError, match="that this machine can reach it"),
    ):
        stage.get("key")


@pytest.mark.parametrize("status", [200, 403, 404])
@pytest.mark.parametrize("region", ["eu-central-1", None])
def test_the_region_is_found_even_if_the_bucket_may_not_be_listed(status: int, region: str | None) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html. Servers of others have no such header."""
    with answering(status, b"", region=region) as stage:
        assert stage.region() == region


def test_a_server_that_does_not_answer_has_no_region_but_an_error() -> None:
    with answering(200, b"") as stage:
        pass
    with pytest.raises(StageLost, match=r"Cannot read s3://bucket/ .*Check that the server runs there"):
        stage.region()
