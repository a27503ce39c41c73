"""An HTTPS proxy that answers for internet hosts that a library has built in, and for no other hosts.

A client finds the proxy and its certificate authority through environment variables. It speaks real TLS with a
certificate for a host such as `sheets.googleapis.com`. The proxy passes the plain HTTP inside on to a small server on
loopback. The client itself is not modified.
"""

import asyncio
import contextlib
import ssl
import tempfile
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Address = tuple[str, int]


class TlsProxy:
    """Pass requests to the hosts in `answering` on to the servers at those addresses, in plain HTTP."""

    def __init__(self, answering: Mapping[str, Address], folder: Path) -> None:
        self._answering = dict(answering)
        self._authority = Authority()
        self.trusted = folder / "authority.pem"
        """The file with the certificate of the authority that signs the certificate of every host."""
        self.trusted.write_bytes(self._authority.certificate)
        self._contexts = {host: self._authority.context(host, folder) for host in self._answering}
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.asked: list[str] = []
        """The requested hosts, with one entry per connection."""
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that make requests, libcurl and httpx use and trust the proxy, except for loopback."""
        trusted = {name: str(self.trusted) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")}
        proxy = f"http://127.0.0.1:{self.port}"
        none = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        return {"HTTPS_PROXY": proxy, "https_proxy": proxy, **none, **trusted}

    def close(self) -> None:
        """Accept no more connections, and drop the open ones."""

        async def end() -> None:
            self._server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError), _closing(writer):
            method, target, _ = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0].decode().split(" ", 2)
            host = target.partition(":")[0]
            self.asked.append(host)
            if method != "CONNECT" or host not in self._answering:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")  # no request leaves this machine
                return
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await writer.start_tls(self._contexts[host])
            server_reader, server_writer = await asyncio.open_connection(*self._answering[host])
            with _closing(server_writer):
                ways = [(reader, server_writer), (server_reader, writer)]
                passing = [asyncio.create_task(_pass(*way)) for way in ways]
                await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
                for task in passing:
                    task.cancel()
                await asyncio.gather(*passing, return_exceptions=True)


@contextlib.contextmanager
def tls_proxy(answering: Mapping[str, Address]) -> Iterator[TlsProxy]:
    """Yield a proxy that answers for these hosts with the servers at these addresses, until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        proxy = TlsProxy(answering, Path(folder))
        try:
            yield proxy
        finally:
            proxy.close()


@contextlib.contextmanager
def _closing(writer: asyncio.StreamWriter) -> Iterator[None]:
    try:
        yield
    finally:
        writer.close()


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while block := await source.read(1 << 16):
        sink.write(block)
        await sink.drain()


class Authority:
    """A new certificate authority for each proxy."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Daybook's tests")])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        signed = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = signed.public_bytes(serialization.Encoding.PEM)

    def context(self, host: str, folder: Path) -> ssl.SSLContext:
        """Return a TLS context with a certificate for `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        signed = (
            self._builder(name, key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = folder / f"{host}.pem"
        chain.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=7))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
