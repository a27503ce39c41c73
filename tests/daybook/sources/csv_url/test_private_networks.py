"""Downloads from private networks are refused, in whatever form an address is written."""

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from daybook.errors import SourceError, SourceLost
from daybook.sources.csv_url.download import fetch
from daybook.sources.csv_url.private_networks import CheckedTransport, is_public
from tests.support.servers.tls_proxy import Authority
from tests.support.servers.web import Answer, Web, serving_web

PUBLIC = ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
PRIVATE = [
    *("127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "169.254.169.254"),
    *("192.0.2.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0"])
def test_no_request_is_sent_to_a_private_address(web: Web, host: str) -> None:
    web.offers(b"secret")
    with pytest.raises(
        SourceError, match=r"not a public address, so nothing was downloaded.*allow_private: true"
    ) as caught:
        fetch(web.url(host=host), what="raw.x, the file", max_bytes=100, allow_private=False)
    assert type(caught.value) is SourceError, "there is no retry"
    assert not web.asked


@pytest.mark.parametrize("host", ["[::1]", "[::ffff:127.0.0.1]"])
def test_no_request_is_sent_to_a_private_ipv6_address(host: str) -> None:
    with pytest.raises(SourceError, match="not a public address"):
        fetch(f"http://{host}:1/", what="raw.x, the file", max_bytes=100, allow_private=False)


@pytest.mark.parametrize("addresses", [("1.1.1.1", "127.0.0.1"), ("127.0.0.1", "1.1.1.1")], ids=str)
def test_a_name_with_one_private_address_is_refused(
    addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name may have several addresses. Retries must not reach a private one."""
    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: places)
    with pytest.raises(SourceError, match=r"files\.example is 127\.0\.0\.1, not a public address"):
        CheckedTransport("raw.x", allow_private=False).addresses("files.example", 80)


def test_the_connection_goes_to_the_address_that_was_checked(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is resolved only once, since a second answer may be another one (DNS rebinding)."""
    web.offers(b"here")
    answers = ["127.0.0.1", "127.0.0.2"]  # no server listens on the second
    real = socket.getaddrinfo

    def changing(host: str, *args: Any, **kwargs: Any) -> Any:
        return real(answers.pop(0) if host == "files.example" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    found = fetch(web.url(host="files.example"), what="raw.x", max_bytes=100, allow_private=True)
    assert found.file is not None
    with found.file as file:
        assert (file.read(), answers) == (b"here", ["127.0.0.2"])
    assert web.asked[0].headers["Host"] == f"files.example:{web.port}"


def test_the_next_address_of_a_name_is_tried(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.offers(b"here")
    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.2", "127.0.0.1")]
    real = socket.getaddrinfo

    def two(host: str, *args: Any, **kwargs: Any) -> Any:
        return places if host == "files.example" else real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", two)
    found = fetch(web.url(host="files.example"), what="raw.x", max_bytes=100, allow_private=True)
    assert found.file is not None
    found.file.close()


@contextmanager
def tls_web(host: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Web, list[str | None]]]:
    """Yield a server with a trusted certificate for `host`, and the names that clients have requested (SNI)."""
    authority, names = Authority(), list[str | None]()
    trusted = folder / "authority.pem"
    trusted.write_bytes(authority.certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    context = authority.context(host, folder)

    def note(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        names.append(name)

    context.sni_callback = note  # type: ignore[assignment]
    with serving_web(context) as web:
        yield web, names


def test_the_certificate_is_for_the_name_and_not_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tls_web("localhost", tmp_path, monkeypatch) as (web, names):
        web.offers(b"here")
        found = fetch(web.url(host="localhost"), what="raw.x", max_bytes=100, allow_private=True)
        assert found.file is not None
        found.file.close()
        assert (names, web.asked[0].headers["Host"]) == (["localhost"], f"localhost:{web.port}")


def test_a_certificate_for_another_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tls_web("files.example", tmp_path, monkeypatch) as (web, _):
        web.offers(b"here")
        with pytest.raises(SourceLost, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(web.url(host="localhost"), what="raw.x", max_bytes=100, allow_private=True)
        assert not web.asked


def test_https_does_not_redirect_to_http(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    web.offers(b"here")
    with tls_web("localhost", tmp_path, monkeypatch) as (secure, _):
        secure.offers(Answer(status=301, headers={"Location": web.url()}))
        with pytest.raises(SourceError, match="redirects from https to http"):
            fetch(secure.url(host="localhost"), what="raw.x", max_bytes=100, allow_private=True)
    assert not web.asked
