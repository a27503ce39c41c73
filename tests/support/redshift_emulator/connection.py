"""A client's socket and its PostgreSQL session: startup, relaying messages, and errors in Redshift's wording."""

import re
import secrets
import socket
import ssl
import struct
import time
from functools import lru_cache

from tests.support.redshift_emulator.errors import RedshiftError
from tests.support.redshift_emulator.lexer import literal
from tests.support.redshift_emulator.settings import Settings
from tests.support.redshift_emulator.wire import (
    HOST,
    Backend,
    Fields,
    c_string,
    hang_up,
    message,
    pack_fields,
    read_exactly,
    read_message,
    startup_packet,
    unpack_fields,
)
from tests.support.redshift_emulator.wording import MISSING, in_redshifts_words, with_oid_if_dropped

VERSION = (
    "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), "
    "Redshift 1.0.99999"
)
SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
ISOLATION = {"snapshot": "repeatable\\ read", "serializable": "serializable"}
# Startup options of libpq that Redshift does not know.
UNKNOWN_OPTIONS = re.compile(r"-c *(standard_conforming_strings|lock_timeout|idle_in_transaction_session_timeout)")
PASSED_ON = ("application_name", "options", "datestyle", "timezone")
HIDDEN_PARAMETERS = (
    *("standard_conforming_strings", "in_hot_standby", "default_transaction_read_only", "server_version"),
    *("IntervalStyle", "search_path", "scram_iterations"),
)
BACKEND_USER = "awsuser"
DIGEST = 13  # an authentication request that only AWS's drivers understand


class Connection:
    """The two sockets of one session: the client's and PostgreSQL's."""

    def __init__(self, client: socket.socket, settings: Settings) -> None:
        self.client, self.settings = client, settings
        self.stream = client.makefile("rb")
        self.database = self.user = ""
        self.started = 0.0
        self.backend: Backend
        self.last_byte = time.monotonic()

    def open(self) -> bool:
        """Greet the client and start its session. Return False for a refused client or a cancellation request."""
        body = self._startup_body()
        if body is None:
            return False
        words = iter(body[4:].split(b"\0"))
        asked = {word.decode(): next(words).decode() for word in words if word}
        self.user = asked.get("user", "")
        try:
            self._let_in(asked)
        except RedshiftError as error:
            self.send(b"E", pack_fields({"S": "FATAL", "C": error.code, "M": error.message}))
            return False
        self.send(b"R", struct.pack("!i", 0))
        shown = {
            "server_version": "8.0.2",
            "server_encoding": "UNICODE",
            "client_encoding": asked.get("client_encoding", "UNICODE").upper(),
            "is_superuser": "on",
            "session_authorization": asked.get("user", ""),
            "DateStyle": "ISO, MDY",
            "integer_datetimes": "on",
            "padb_version": "1.0.99999",
        }
        for name, value in shown.items():
            self.send(b"S", c_string(name) + c_string(value))
        self.send(b"K", self.backend.cancel_key)
        self.send(b"Z", b"I")
        return True

    def _startup_body(self) -> bytes | None:
        while True:
            size = struct.unpack("!i", read_exactly(self.stream, 4))[0]
            body = read_exactly(self.stream, size - 4)
            code = struct.unpack("!i", body[:4])[0]
            if code == SSL_REQUEST and self.settings.estate["tls"]:
                self.client.sendall(b"S")
                self.stream.detach()
                self.client = _tls(self.settings.estate["tls"]).wrap_socket(self.client, server_side=True)
                self.stream = self.client.makefile("rb")
            elif code in (SSL_REQUEST, GSS_REQUEST):
                self.client.sendall(b"N")
            elif code == CANCEL_REQUEST:
                with socket.create_connection((HOST, self.settings.postgres_port)) as canceller:
                    canceller.sendall(startup_packet(body))
                    canceller.recv(1)
                return None
            else:
                return body

    def _let_in(self, asked: dict[str, str]) -> None:
        user = self.settings.estate.user(self.user)
        if refuses := self.settings.estate["refuses"]:
            raise RedshiftError("57P03", refuses)
        wanted = user.get("password", self.settings.client_password)
        given = ""
        if user.get("request") == DIGEST:
            self._require_digest(wanted)
        elif wanted is not None:
            self.send(b"R", struct.pack("!i", 3))
            given = read_message(self.stream)[1][:-1].decode()
            if given != wanted:
                raise RedshiftError("28P01", f'password authentication failed for user "{self.user}"')
        if unknown := UNKNOWN_OPTIONS.search(asked.get("options", "")):
            raise RedshiftError("42704", f'unrecognized configuration parameter "{unknown[1]}"')
        options = {name: value for name, value in asked.items() if name.lower() in PASSED_ON}
        options.setdefault("TimeZone", "UTC")
        options["options"] = (
            f"{options.get('options', '')} -c standard_conforming_strings=off -c escape_string_warning=off "
            "-c backslash_quote=on -c extra_float_digits=0 "
            f"-c default_transaction_isolation={ISOLATION[self.settings.isolation]}"
        ).strip()
        if self.settings.estate["read_only"]:
            options["options"] += " -c default_transaction_read_only=on"
        self.database = asked.get("database") or self.user
        own = user.get("own_role")
        name, password = (self.user, given) if own else (BACKEND_USER, self.settings.postgres_password)
        self.backend = Backend(self.settings.postgres_port, name, password, self.database, options)

    def _require_digest(self, password: str) -> None:
        """Ask for a digest of the password, as Redshift does for a user with a sha256 password.

        https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_USER.html has such passwords. The messages are those
        that redshift_connector, AWS's own driver, reads and sends.
        """
        from redshift_connector.utils.extensible_digest import ExtensibleDigest

        salt, nonce = secrets.token_bytes(16), secrets.token_bytes(16)
        parts = b"".join(struct.pack("!i", len(part)) + part for part in (salt, nonce))
        self.send(b"R", struct.pack("!ii", DIGEST, 0) + parts)
        body = read_message(self.stream)[1]
        size = struct.unpack("!i", body[:4])[0]
        digest, client_nonce = body[4 : 4 + size], body[8 + size :]
        wanted = ExtensibleDigest.encode(
            client_nonce=client_nonce, password=password.encode(), salt=salt, algo_name="SHA256", server_nonce=nonce
        )
        if digest != wanted:
            raise RedshiftError("28P01", f'password authentication failed for user "{self.user}"')

    def black_holed(self) -> bool:
        """Return True if the network has dropped this connection, because no byte passed for too long."""
        limit = self.settings.estate["black_hole"]
        return limit is not None and time.monotonic() - self.last_byte > limit

    def send(self, kind: bytes, body: bytes = b"") -> None:
        """Send one message to the client. If the network has dropped the connection, nobody receives it.

        A NAT gateway or a load balancer drops a connection that was idle for 350 seconds, and says so to nobody:
        https://docs.aws.amazon.com/redshift/latest/mgmt/connecting-drop-issues.html
        """
        if self.black_holed():
            while self.client.recv(1 << 16):  # until the client has given up
                pass
            raise ConnectionError("the client has gone")
        self.client.sendall(message(kind, body))
        self.last_byte = time.monotonic()

    def send_error(self, error: bytes | Fields) -> None:
        """Send an error of PostgreSQL to the client, in Redshift's wording."""
        self.send(b"E", self._in_redshifts_words(unpack_fields(error) if isinstance(error, bytes) else error))

    def _in_redshifts_words(self, fields: Fields) -> bytes:
        if missing := MISSING.fullmatch(fields.get("M", "")):
            port, password = self.settings.postgres_port, self.settings.postgres_password
            asking = Backend(port, BACKEND_USER, password, self.database)
            fields = with_oid_if_dropped(fields, missing[1], asking, self.started)
            asking.close()
        return in_redshifts_words(fields)

    def relay(self, until: bytes, tag: str | None = None) -> bool:
        """Relay PostgreSQL's messages up to one of the types in `until`. Return False if one of them was an error.

        If `until` is only Z, do not relay the Z: the statement is done, but the client's request may have more.
        """
        worked = True
        while True:
            kind, body = self.backend.read()
            if kind == b"E":
                worked, body = False, self._in_redshifts_words(unpack_fields(body))
            elif kind == b"S" and body.split(b"\0")[0].decode() in HIDDEN_PARAMETERS:
                continue
            elif kind == b"C" and tag:
                body = c_string(tag)
            elif kind == b"Z":
                self.backend.status = body.decode()
            if not (kind == b"Z" and until == b"Z"):
                self.send(kind, body)
            if kind in until or (kind == b"E" and b"Z" not in until):
                return worked

    def fail(self, error: RedshiftError) -> bool:
        """Let PostgreSQL raise `error`, so that an open transaction really fails. Always return False."""
        detail = f", DETAIL={literal(error.detail)}" if error.detail else ""
        raising = f"ERRCODE={literal(error.code)}, MESSAGE={literal(error.message)}{detail}"
        self.backend.send(b"Q", c_string(f"DO $rs_standin$BEGIN RAISE EXCEPTION USING {raising};END$rs_standin$"))
        return self.relay(b"Z")

    def close(self) -> None:
        """Close both connections."""
        if hasattr(self, "backend"):
            self.backend.close()
        hang_up(self.client)


@lru_cache
def _tls(certificate: str) -> ssl.SSLContext:
    """Return the TLS context of a server with this certificate and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
