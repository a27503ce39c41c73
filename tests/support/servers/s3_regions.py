"""Regions for buckets: a proxy in front of the S3 server that names a bucket's region, as Amazon S3 does.

Amazon S3 answers each HeadBucket with the header `x-amz-bucket-region`, also if it refuses the request. The tests' S3
server has no regions: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
"""

import contextlib
import dataclasses
import http.client
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

from tests.support.servers.s3 import S3

#: Headers of one connection, which a proxy does not pass on.
_OWN = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, s3: S3, regions: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.host = urlsplit(s3.endpoint).netloc
        self.regions = regions


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        proxy = cast(_Proxy, self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with contextlib.closing(http.client.HTTPConnection(proxy.host)) as server:
            server.request(self.command, self.path, body, dict(self.headers))  # with the host that was signed
            answer = server.getresponse()
            content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        if self.command == "HEAD" and (region := proxy.regions.get(urlsplit(self.path).path.strip("/"))):
            self.send_header("x-amz-bucket-region", region)
        size = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", size)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass

    def log_message(self, *_arguments: Any) -> None:
        pass


@contextlib.contextmanager
def with_regions(s3: S3, regions: Mapping[str, str]) -> Iterator[S3]:
    """Yield the same S3 server, at an address that names the regions of buckets, until the block ends."""
    proxy = _Proxy(s3, regions)
    threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield dataclasses.replace(s3, endpoint=f"http://127.0.0.1:{proxy.server_address[1]}")
    finally:
        proxy.shutdown()
        proxy.server_close()
