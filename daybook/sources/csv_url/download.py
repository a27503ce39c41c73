"""One file over HTTP, whole or not at all: checked on its way to a temporary file, and left alone where unchanged."""

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
_MAX_DOWNLOAD = 3600  # seconds for the whole file: a server may send one byte a second
_MAX_WAIT = 120  # seconds that a server may ask to wait before a retry
_MAX_REDIRECTS = 5
_UNPACKED_BY_US = {"", "identity", "gzip", "x-gzip", "zstd"}
_LATER = {408, 425, 429}
_REMEDIES = {
    401: "It needs a login, which a csv source has not",
    403: "Its owner does not let everybody read it",
    404: "Look up where the file is now, and correct url: in the table file",
    410: "Look up where the file is now, and correct url: in the table file",
}


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was fetched, from its first byte on; `unchanged` where it is what was known, and then without it."""

    version: Version | None
    file: IO[bytes] | None = None
    charset: str | None = None
    unchanged: bool = False


class _Again(Exception):
    """A failure that may pass; after so many seconds, if the server said how many."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


def shown(url: str) -> str:
    """A URL as it may stand in a log: without what may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}" + (
        "?…" if parts.query else ""
    )


def fetch(url: str, *, what: str, max_bytes: int, allow_private: bool, known: Version | None = None) -> Download:
    """Fetch `url`, unless it is still what is `known`. Whoever takes the file closes it.

    Tried again, with waits: a connection that fails or breaks off, 5xx and 429 (as long as Retry-After says).

    Raises:
        SourceLost: the server could not be reached, broke off or answered with an error, again and again.
        FileRefused: a page instead of a file, or more than `max_bytes`.
        SourceError: every other answer; an address that is not allowed; more than five redirects.
    """
    exponential = tenacity.wait_random_exponential(multiplier=0.5, min=0.1, max=20)

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, _Again) else None
        return exponential(state) if asked is None else asked

    def tell(state: tenacity.RetryCallState) -> None:
        why, pause = state.outcome.exception() if state.outcome else None, state.upcoming_sleep
        logger.warning("%s: try %d of %d: %s; again in %.1f s", what, state.attempt_number, ATTEMPTS, why, pause)

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=wait,
        retry=tenacity.retry_if_exception_type(_Again),
        before_sleep=tell,
        reraise=True,
    )
    try:
        with httpx.Client(
            transport=CheckedTransport(what, allow_private=allow_private),
            headers={"User-Agent": "daybook", "Accept": "text/csv, */*;q=0.5", "Accept-Encoding": "gzip"},
            follow_redirects=True,
            max_redirects=_MAX_REDIRECTS,
            timeout=_TIMEOUT,
            trust_env=False,  # a password in ~/.netrc is for nobody's redirects
        ) as client:
            return retrying(lambda: _Request(client, url, what, max_bytes, known).download())
    except _Again as error:
        raise SourceLost(
            f"{what}: {error}, in {ATTEMPTS} tries: nothing was changed. Run it again later, or ask its owner"
        ) from None


@dataclass(frozen=True, slots=True)
class _Request:
    """One try."""

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
                f"{self.what}: it redirects more than {_MAX_REDIRECTS} times. Open it in a browser, and give the final "
                "address as url: in the table file"
            ) from None
        except httpx.InvalidURL as error:
            raise SourceError(f"{self.what}: it redirects to what is no URL: {error}") from None
        except httpx.TransportError as error:
            raise _Again(str(error) or type(error).__name__) from None

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
                f"{self.what}: the server answered {status} {response.reason_phrase}: nothing was changed. "
                + _REMEDIES.get(status, "Open it in a browser, and correct url: in the table file")
            )
        if headers.get("content-type", "").lower().startswith(("text/html", "application/xhtml")):
            raise FileRefused(
                f"{self.what}: the server sent a page (Content-Type {headers['content-type']}) instead of a file: "
                "nothing was changed. Open it in a browser: it may ask for a login, or say that the file has moved"
            )
        if headers.get("content-encoding", "").lower() not in _UNPACKED_BY_US:
            raise FileRefused(
                f"{self.what}: the server sent Content-Encoding {headers['content-encoding']}, and was asked for gzip"
            )
        return self._saved(response, etag)

    def _saved(self, response: httpx.Response, etag: str | None) -> Download:
        length = response.headers.get("content-length", "")
        if length.isdigit():
            self._check_size(int(length))
        elif "transfer-encoding" not in response.headers:
            logger.warning("%s: the server does not say how long it is: a cut off file may not be noticed", self.what)
        began, size, digest = time.monotonic(), 0, hashlib.sha256()
        file = tempfile.TemporaryFile(prefix="daybook-")  # noqa: SIM115 - it is handed on
        try:
            for piece in response.iter_raw():
                size += len(piece)
                self._check_size(size)
                if time.monotonic() - began > _MAX_DOWNLOAD:
                    raise SourceLost(
                        f"{self.what}: {size:,} bytes came in {_MAX_DOWNLOAD} seconds: nothing was changed"
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
        logger.info("%s: fetched %s bytes", self.what, f"{size:,}")
        return Download(version, file, response.charset_encoding)

    def _check_size(self, size: int) -> None:
        if size > self.max_bytes:
            raise FileRefused(
                f"{self.what}: it is more than {self.max_bytes:,} bytes long, which is max_bytes: nothing was changed. "
                "If it may be that long, raise max_bytes: in the table file"
            )

    def _check_encoding(self, response: httpx.Response, file: IO[bytes]) -> None:
        file.seek(0)
        if "gzip" in response.headers.get("content-encoding", "").lower() and file.read(2) not in (b"\x1f\x8b", b""):
            raise FileRefused(
                f"{self.what}: the server says Content-Encoding gzip, and what it sent is not: nothing was changed. "
                "Ask its owner"
            )
        file.seek(0)

    def _later(self, response: httpx.Response) -> Exception:
        why = f"the server answered {response.status_code} {response.reason_phrase}"
        wait = retry_after(response.headers.get("retry-after", ""))
        if wait is not None and wait > _MAX_WAIT:
            return SourceLost(
                f"{self.what}: {why}, and asks to come back in {wait:.0f} seconds: nothing was changed. Run it then"
            )
        return _Again(why, wait)
