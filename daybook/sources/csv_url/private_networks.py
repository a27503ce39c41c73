"""Refuse downloads from private networks, unless the table file allows them.

A name is resolved once, and all of its addresses are checked. The connection goes to one of these addresses, so that
a second resolution cannot return another one. The request and the TLS certificate still use the name.
"""

import ipaddress
import socket

import httpx

from daybook.errors import SourceError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # NAT64: the last four bytes are an IPv4 address


def is_public(address: Address) -> bool:
    """Return True if an address is public: not loopback, private, link-local, multicast or reserved, in any form."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class CheckedTransport(httpx.BaseTransport):
    """A transport that sends all requests of a download, with its redirects, only to checked addresses.

    It refuses link-local addresses even with `allow_private`, since clouds serve a machine's credentials there.

    Raises:
        SourceError: the address, the scheme or a downgrade from https is not allowed. `what` names the file there.
    """

    def __init__(self, what: str, *, allow_private: bool) -> None:
        self._what, self._allow_private = what, allow_private
        # no keep-alive: the transport could reuse the connection for another name with the same address
        self._transport = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
        self._was_https = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url, host = request.url, request.url.raw_host.decode("ascii")
        if url.scheme not in ("http", "https"):
            raise SourceError(
                f"{self._what}: the server redirects to {url.scheme}://{host}, but only http and https are allowed"
            )
        if self._was_https and url.scheme == "http":
            raise SourceError(
                f"{self._what}: the server redirects from https to http://{host}, where an attacker could change "
                "the file. Nothing was changed. If this is intended, set the new address as url: in the table file"
            )
        self._was_https = url.scheme == "https"
        addresses = self.addresses(host, url.port or {"http": 80, "https": 443}[url.scheme])
        for address in addresses[:-1]:
            try:
                return self._send(request, address, host)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return self._send(request, addresses[-1], host)

    def _send(self, request: httpx.Request, address: str, host: str) -> httpx.Response:
        return self._transport.handle_request(
            httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,  # with the name as Host
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
        )

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of `host`. Raise SourceError if one of them is not allowed."""
        try:
            found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} cannot be resolved: {error}") from None
        addresses = list(dict.fromkeys(str(place[4][0]) for place in found))
        for text in addresses:
            address = ipaddress.ip_address(text)
            if is_public(address) or (self._allow_private and not address.is_link_local):
                continue
            raise SourceError(
                f"{self._what}: {host} is {text}, not a public address, so nothing was downloaded. "
                + (
                    "Link-local addresses are never allowed"
                    if address.is_link_local
                    else "If this is intended, set allow_private: true under source: in the table file"
                )
            )
        return addresses

    def close(self) -> None:
        self._transport.close()
