"""Download one file over HTTP to a temporary file, completely or not at all, unless it is unchanged."""

import hashlib
import logging
import tempfile
import time
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

import httpx
import tenacity

from daybook.errors import FileRefused, SourceError, SourceLost
from daybook.sources.csv_url.headers import Version, modified, retry_after
from daybook.sources.csv_url.private_networks import CheckedTransport

logger = logging.getLogger(__name__)

ATTEMPTS = 4
_TIMEOUT = httpx.Timeout(30, connect=10)  # seconds without a byte
_MAX_DOWNLOAD = 3600  # seconds for the whole file, as protection from a server that sends one byte a second
_MAX_WAIT = 120  # the longest Retry-After to wait for, in seconds
_MAX_REDIRECTS = 5
_UNPACKED_BY_US = {"", "identity", "gzip", "x-gzip", "zstd"}
_LATER = {408, 425, 429}
_REMEDIES = {
    401: "The file needs a login, and a csv source cannot log in. Provide it at an address without a login",
    403: "Access is denied. Ask the file's owner to make it readable without a login",
    404: "Find the new address of the file, and correct url: in the table file",
    410: "Find the new address of the file, and correct url: in the table file",
}


@dataclass(frozen=True, slots=True)
class Download:
    """The result of a download: an open file at its first byte, or `unchanged`, without a file."""

    version: Version | None
    file: IO[bytes] | None = None
    charset: str | None = None
    unchanged: bool = False


class _Retry(Exception):
    """A temporary failure. `wait` is the server's Retry-After in seconds, if it sent one."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


def shown(url: str) -> str:
    """Return a URL for logs, without the parts that may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}" + (
        "?…" if parts.query else ""
    )


def fetch(url: str, *, what: str, max_bytes: int, allow_private: bool, known: Version | None = None) -> Download:
    """Download `url`, unless the file still has the version `known`. The caller closes the file.

    It retries failed and aborted connections and the statuses 408, 425, 429 and 5xx, with exponential backoff or the
    wait of Retry-After.

    Args:
        url: the address of the file.
        what: the name of the file in errors.
        max_bytes: the maximum size of the file, as it is sent.
        allow_private: True if the server may be in a private network.
        known: the version that was loaded last.

    Raises:
        SourceLost: every try failed, or the server asks for a longer wait.
        FileRefused: the server sent a web page, an encoding that was not requested, or more than `max_bytes`.
        SourceError: the server sent any other answer or more than five redirects, or its address is not allowed.
    """
    exponential = tenacity.wait_random_exponential(multiplier=0.5, min=0.1, max=20)

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        requested = error.wait if isinstance(error, _Retry) else None
        return exponential(state) if requested is None else requested

    def log_retry(state: tenacity.RetryCallState) -> None:
        why, pause = state.outcome.exception() if state.outcome else None, state.upcoming_sleep
        logger.warning("%s: try %d of %d: %s; retry in %.1f s", what, state.attempt_number, ATTEMPTS, why, pause)

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=wait,
        retry=tenacity.retry_if_exception_type(_Retry),
        before_sleep=log_retry,
        reraise=True,
    )
    try:
        with httpx.Client(
            transport=CheckedTransport(what, allow_private=allow_private),
            headers={"User-Agent": "daybook", "Accept": "text/csv, */*;q=0.5", "Accept-Encoding": "gzip"},
            follow_redirects=True,
            max_redirects=_MAX_REDIRECTS,
            timeout=_TIMEOUT,
            trust_env=False,  # no redirect may get a password from ~/.netrc
        ) as client:
            return retrying(lambda: _Request(client, url, what, max_bytes, known).download())
    except _Retry as error:
        raise SourceLost(
            f"{what}: {error}, after {ATTEMPTS} tries. Nothing was changed. Run the load again later, or ask the "
            "file's owner"
        ) from None


@dataclass(frozen=True, slots=True)
class _Request:
    """One try of a download."""

    client: httpx.Client
    url: str
    what: str
    max_bytes: int
    known: Version | None

    def download(self) -> Download:
        try:
            with self.client.stream("GET", self.url, headers=self._conditions()) as response:
                return self._answered(response)
        except httpx.TooManyRedirects:
            raise SourceError(
                f"{self.what}: the server redirects more than {_MAX_REDIRECTS} times. Open the address in a browser, "
                "and set the final address as url: in the table file"
            ) from None
        except httpx.InvalidURL as error:
            raise SourceError(f"{self.what}: the server redirects to an invalid URL: {error}") from None
        except httpx.TransportError as error:
            raise _Retry(str(error) or type(error).__name__) from None

    def _conditions(self) -> dict[str, str]:
        if self.known and self.known.etag:
            return {"If-None-Match": self.known.etag}
        return {"If-Modified-Since": self.known.modified} if self.known and self.known.modified else {}

    def _answered(self, response: httpx.Response) -> Download:
        headers, status = response.headers, response.status_code
        etag = headers.get("etag")
        if self.known and (status == 304 or (status == 200 and etag and etag == self.known.etag)):
            return Download(None, unchanged=True)
        if status >= 500 or status in _LATER:
            raise self._later(response)
        if status != 200:
            raise SourceError(
                f"{self.what}: the server answered {status} {response.reason_phrase}, so nothing was changed. "
                + _REMEDIES.get(status, "Open the address in a browser, and correct url: in the table file")
            )
        if headers.get("content-type", "").lower().startswith(("text/html", "application/xhtml")):
            raise FileRefused(
                f"{self.what}: the server sent a web page (Content-Type {headers['content-type']}) instead of a file. "
                "Nothing was changed. Open the address in a browser: it may ask for a login, or say that the file has "
                "moved"
            )
        if headers.get("content-encoding", "").lower() not in _UNPACKED_BY_US:
            raise FileRefused(
                f"{self.what}: the server sent Content-Encoding {headers['content-encoding']}, but gzip was requested. "
                "Nothing was changed. Ask the file's owner to correct the server"
            )
        return self._saved(response, etag)

    def _saved(self, response: httpx.Response, etag: str | None) -> Download:
        length = response.headers.get("content-length", "")
        if length.isdigit():
            self._check_size(int(length))
        elif "transfer-encoding" not in response.headers:
            logger.warning(
                "%s: the server does not send the file's size, so a file that is cut off cannot be detected", self.what
            )
        started, size, digest = time.monotonic(), 0, hashlib.sha256()
        file = tempfile.TemporaryFile(prefix="daybook-")  # noqa: SIM115 - the caller closes it
        try:
            for piece in response.iter_raw():
                size += len(piece)
                self._check_size(size)
                if time.monotonic() - started > _MAX_DOWNLOAD:
                    raise SourceLost(
                        f"{self.what}: the server sent only {size:,} bytes in {_MAX_DOWNLOAD} seconds, so nothing was "
                        "changed. Run the load again later, or ask the file's owner"
                    )
                digest.update(piece)
                file.write(piece)
            self._check_encoding(response, file)
        except BaseException:
            file.close()
            raise
        version = Version(digest.hexdigest(), etag if etag and len(etag) < 500 else None, modified(response.headers))
        if self.known and self.known.sha256 == version.sha256:
            file.close()
            return Download(version, unchanged=True)
        logger.info("%s: downloaded %s bytes", self.what, f"{size:,}")
        return Download(version, file, response.charset_encoding)

    def _check_size(self, size: int) -> None:
        if size > self.max_bytes:
            raise FileRefused(
                f"{self.what}: the file has more than {self.max_bytes:,} bytes, the limit of max_bytes, so nothing was "
                "changed. If this size is expected, raise max_bytes: in the table file"
            )

    def _check_encoding(self, response: httpx.Response, file: IO[bytes]) -> None:
        file.seek(0)
        if "gzip" in response.headers.get("content-encoding", "").lower() and file.read(2) not in (b"\x1f\x8b", b""):
            raise FileRefused(
                f"{self.what}: the server declared Content-Encoding gzip, but sent something else, so nothing was "
                "changed. Ask the file's owner to correct the server"
            )
        file.seek(0)

    def _later(self, response: httpx.Response) -> Exception:
        why = f"the server answered {response.status_code} {response.reason_phrase}"
        wait = retry_after(response.headers.get("retry-after", ""))
        if wait is not None and wait > _MAX_WAIT:
            return SourceLost(
                f"{self.what}: {why}, and asks to retry in {wait:.0f} seconds. Nothing was changed. Run the load then"
            )
        return _Retry(why, wait)
