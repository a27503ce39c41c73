"""Which addresses a file may be fetched from: none within the network, unless the table file allows it.

A name is resolved once, each of its addresses is checked, and the connection goes to one that was checked, so that a
name cannot answer otherwise a moment later. The server is asked for, and has to prove, the name all the same.
"""

import ipaddress
import socket

import httpx

from daybook.errors import SourceError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # NAT64: the last four bytes are an IPv4 address


def is_public(address: Address) -> bool:
    """Whether it lies in the internet: not loopback, private, link-local, multicast or reserved, in any guise."""
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
    """Sends every request of one download, also those of a redirect, to an address that was checked.

    Raises SourceError for an address, a scheme or a downgrade that is not allowed; `what` names the file in it.
    Link-local addresses are refused also with `allow_private`: there, clouds hand out a machine's credentials.
    """

    def __init__(self, what: str, *, allow_private: bool) -> None:
        self._what, self._allow_private = what, allow_private
        # without keep-alive, as one connection to an address would serve every name that has it
        self._transport = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
        self._was_https = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url, host = request.url, request.url.raw_host.decode("ascii")
        if url.scheme not in ("http", "https"):
            raise SourceError(f"{self._what}: it redirects to {url.scheme}://{host}, and only http and https are read")
        if self._was_https and url.scheme == "http":
            raise SourceError(
                f"{self._what}: it redirects from https to http://{host}, where anybody on the way could change it: "
                "nothing was changed. Give its new address as url: in the table file"
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
                headers=request.headers,  # Host is the name
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
        )

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of `host`, each of which is allowed: a name with one that is not is refused."""
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
                f"{self._what}: {host} is {text}, which is no public address: nothing was fetched. "
                + (
                    "Link-local addresses are never read"
                    if address.is_link_local
                    else "If it is meant to be, say allow_private: true under source: in the table file"
                )
            )
        return addresses

    def close(self) -> None:
        self._transport.close()
