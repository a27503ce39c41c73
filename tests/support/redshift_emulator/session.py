"""One client's session: split each request into statements, and plan and run each statement."""

import json
import struct
import threading
import time

from tests.support.redshift_emulator.actions import Action
from tests.support.redshift_emulator.connection import Connection
from tests.support.redshift_emulator.copy_load import run_copy
from tests.support.redshift_emulator.errors import ConnectionLost, RedshiftError
from tests.support.redshift_emulator.faults import Faults, wait_in_queue
from tests.support.redshift_emulator.lexer import literal, split_statements, sql_text
from tests.support.redshift_emulator.planner import plan
from tests.support.redshift_emulator.wire import c_string, read_message

CASE, TRUE = "enable_case_sensitive_identifier", ("TRUE", "ON", "1")
NO_OPERATION = "SET redshift_standin.noop = '1'"
SHARED_LOCK = "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE"
APPEND_COLUMNS = (
    "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped"
)
log_lock = threading.Lock()


class Session:
    """A client's requests over the simple and the extended protocol."""

    def __init__(self, connection: Connection, faults: Faults) -> None:
        self.connection, self.backend, self.faults = connection, connection.backend, faults
        estate = connection.settings.estate
        self.case_sensitive = estate.setting(connection.user, CASE).upper() in TRUE
        self.statements: dict[bytes, Action | None] = {}  # prepared statements that the emulator runs itself
        self.portals: dict[bytes, Action | None] = {}

    def serve(self) -> None:
        """Answer requests until the client disconnects."""
        skip_to_sync = False
        while True:
            kind, body = read_message(self.connection.stream)
            if kind == b"X":
                return
            if self.connection.black_holed():
                continue  # the client may send: nothing arrives
            self.connection.last_byte = time.monotonic()
            if kind == b"Q":
                self.simple(body[:-1].decode("utf-8", "surrogateescape"))
            elif kind == b"S":
                skip_to_sync = False
                self.backend.send(b"S")
                self.connection.relay(b"ZI")
            elif kind == b"H" or skip_to_sync or kind in (b"d", b"c", b"f"):
                continue
            else:
                skip_to_sync = not self.extended(kind, body)

    def simple(self, sql: str) -> None:
        """Run one request of the simple protocol. Several statements in it are one transaction."""
        statements = split_statements(sql)
        if not statements:
            self.backend.send(b"Q", c_string(sql))
            self.connection.relay(b"ZI")
            return
        worked, several, explicit = True, len(statements) > 1, self.backend.status != "I"
        for statement in statements:
            started = time.time()
            text = "".join(token.text for token in statement).strip()
            worked = False
            try:
                action = plan(statement, "T" if several else self.backend.status, self.case_sensitive)
                first = (action.shape or action.kind).split(" ")[0]
                own_transaction = False
                if first in ("BEGIN", "COMMIT", "ROLLBACK", "END", "ABORT"):
                    explicit = first == "BEGIN"
                elif self.backend.status == "I" and (several or (action.lock and action.kind in ("sql", "multi"))):
                    self.backend.query("BEGIN")
                    own_transaction, explicit = not several, False
                worked = self.run(action)
                if own_transaction:
                    worked = self._end_transaction(worked)
            except RedshiftError as error:
                self.connection.fail(error)
            finally:
                self._log(text, worked, started)
            if not worked:
                break
        if several and not explicit and self.backend.status != "I":
            self._end_transaction(worked)
        self.connection.send(b"Z", self.backend.status.encode())

    def _end_transaction(self, worked: bool) -> bool:
        error = self.backend.query("COMMIT" if worked else "ROLLBACK")[1]
        if error and worked:
            self.connection.send_error(error)
            return False
        return worked

    def extended(self, kind: bytes, body: bytes) -> bool:
        """Answer one message of the extended protocol. Return False after an error (skip to Sync)."""
        if kind == b"P":
            try:
                body = self._prepare(body)
            except RedshiftError as error:
                return self.connection.fail(error)
            until = b"1"
        elif kind == b"B":
            portal, statement, _ = body.split(b"\0", 2)
            self.portals[portal] = self.statements.get(statement)
            until = b"2"
        elif kind == b"E":
            action = self.portals.get(body.split(b"\0", 1)[0])
            if action:
                started = time.time()
                worked = self.run(action)
                self._log(_sql_of(action), worked, started)
                return worked
            until = b"CIs"
        elif kind == b"D":
            until = b"Tn"
        elif kind == b"C":
            until = b"3"
        else:
            raise ConnectionError("unsupported message")
        self.backend.send(kind, body)
        self.backend.send(b"H")
        return self.connection.relay(until)

    def _prepare(self, body: bytes) -> bytes:
        """Return the Parse message for PostgreSQL. A statement that the emulator runs itself becomes a no-op."""
        name, sql, types = body.split(b"\0", 2)
        statements = split_statements(sql.decode("utf-8", "surrogateescape"))
        self.statements[name] = None
        if len(statements) != 1:
            return body
        action = plan(statements[0], self.backend.status, self.case_sensitive)
        if action.kind == "sql":
            if action.lock and self.backend.status == "T":
                self.backend.query(SHARED_LOCK.format(action.lock))
            for statement in action.before:
                if error := self.backend.query(statement)[1]:
                    raise RedshiftError(error.get("C", "XX000"), error.get("M", "?"))
            body = name + b"\0" + c_string(action.sql) + types
        else:
            body = name + b"\0" + c_string(NO_OPERATION) + struct.pack("!h", 0)
            self.statements[name] = action
        if self.faults.hit(action.sql, "drop_before"):
            raise ConnectionLost
        return body

    def run(self, action: Action) -> bool:
        """Run `action`, and send the answer except ReadyForQuery. Return True if it succeeded."""
        sql = _sql_of(action)
        self.connection.started = time.time()
        fault = self.faults.hit(sql, "drop_before", "error", "delay", "queue")
        if fault and fault["action"] == "drop_before":
            raise ConnectionLost
        if fault and fault["action"] == "delay":
            time.sleep(fault.get("seconds", 1))
        if fault and fault["action"] == "queue" and not wait_in_queue(self.backend, fault.get("seconds", 1)):
            return self.connection.fail(RedshiftError("57014", "Query (1) cancelled on user's request"))
        if fault and fault["action"] == "error":
            code, message = fault.get("sqlstate", "XX000"), fault.get("message", "1023")
            return self.connection.fail(RedshiftError(code, message, fault.get("detail")))
        try:
            worked = self._run(action)
        except RedshiftError as error:
            worked = self.connection.fail(error)
        if worked and self.faults.hit(sql, "drop_after"):
            raise ConnectionLost
        return worked

    def _run(self, action: Action) -> bool:
        if action.kind == "copy":
            drop = bool(self.faults.hit(_sql_of(action), "drop_mid_copy"))
            return run_copy(self.connection, action.tokens, drop)
        if action.kind == "append":
            return self._append(*action.statements)
        before = list(action.before)
        if action.lock and self.backend.status == "T":
            before.append(SHARED_LOCK.format(action.lock))
        sql = action.sql
        if action.kind == "case":
            self.case_sensitive = action.sql in TRUE
        if action.kind == "show case":
            sql = f"SELECT '{'on' if self.case_sensitive else 'off'}' AS {CASE}"
        if action.kind in ("case", "noop"):
            sql = NO_OPERATION
        elif action.kind == "multi":
            *earlier, sql = action.statements
            before += earlier
        for statement in before:
            error = self.backend.query(statement)[1]
            if error:
                self.connection.send_error(error)
                return False
        self.backend.send(b"Q", c_string(sql))
        worked = self.connection.relay(b"Z", action.tag)
        if action.kind == "truncate" and worked and self.backend.status == "T":
            self.backend.query("COMMIT")
        return worked

    def _append(self, target: str, source: str) -> bool:
        """Run ALTER TABLE APPEND: move the rows from `source`, which may have an option after it, to `target`."""
        if self.backend.status != "I":
            raise RedshiftError("25001", "ALTER TABLE APPEND cannot run inside a transaction block")
        option = source.rpartition(" ")[2].upper()
        if option in ("IGNOREEXTRA", "FILLTARGET"):
            source = source.rpartition(" ")[0]
        into, out_of = (
            [row[0] or "" for row in self.backend.query(APPEND_COLUMNS.format(literal(name.replace(" ", ""))))[0]]
            for name in (target, source)
        )
        if not into or not out_of:
            raise RedshiftError("42P01", f'relation "{source}" or "{target}" does not exist')
        extra, missing = set(out_of) - set(into), set(into) - set(out_of)
        if (extra and option != "IGNOREEXTRA") or (missing and option != "FILLTARGET"):
            raise RedshiftError("0A000", "Columns of ALTER TABLE APPEND tables do not match (IGNOREEXTRA | FILLTARGET)")
        columns = ", ".join(name for name in out_of if name in into)
        move = f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {source}; DELETE FROM {source}"
        self.backend.send(b"Q", c_string(f"BEGIN; {move}; COMMIT"))
        if error := self.backend.finish():
            self.backend.query("ROLLBACK")
            self.connection.send_error(error)
            return False
        self.connection.send(b"C", c_string("ALTER TABLE APPEND"))
        return True

    def _log(self, sql: str, worked: bool, started: float) -> None:
        log = self.connection.settings.log
        if log is None:
            return
        entry = {
            "time": round(started, 3),
            "milliseconds": round((time.time() - started) * 1000, 1),
            "database": self.connection.database,
            "ok": worked,
            "status": self.backend.status,
            "sql": sql,
        }
        with log_lock, log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(json.dumps(entry) + "\n")


def _sql_of(action: Action) -> str:
    """Return the action's statement for fault rules and the log."""
    if action.sql:
        return action.sql
    return sql_text(action.tokens) if action.tokens else action.tag or action.kind
