"""One connection and what is known of it: its database, whether it is in a transaction, what it listens to.

Commands go through `run`, which connects when there is no connection, follows redirections, prints replies, and keeps
what is known of the connection up to date. Returning False means that there is no connection any more, as redis-cli
says it.
"""

from __future__ import annotations

import sys
import time

from redracer.cli.client import formats
from redracer.cli.client.connection import ConnectError, Connection, ConnectionLost, TlsError, connect
from redracer.cli.client.options import Exit, complain, fail
from redracer.cli.client.protocol import ARRAY, ERROR, MAP, NIL, PUSH, STRING, ProtocolError, encoded
from redracer.cli.client.words import leading_integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from redracer.cli.client.options import Options
    from redracer.cli.client.protocol import Reply

SUBSCRIBE = (b"subscribe", b"psubscribe", b"ssubscribe")
UNSUBSCRIBE = (b"unsubscribe", b"punsubscribe", b"sunsubscribe")
# Commands whose reply is a text to read: it is printed as it is. With None any number of words will do.
TEXTS: dict[tuple[bytes, ...], int | None] = {
    (b"info",): None,
    (b"lolwut",): None,
    (b"debug", b"htstats"): None,
    (b"debug", b"htstats-key"): None,
    (b"debug", b"client-eviction"): None,
    (b"memory", b"malloc-stats"): None,
    (b"memory", b"doctor"): None,
    (b"cluster", b"nodes"): 2,
    (b"cluster", b"info"): 2,
    (b"client", b"list"): None,
    (b"client", b"info"): None,
    (b"latency", b"graph"): 3,
    (b"latency", b"doctor"): 2,
    (b"proxy", b"info"): None,
}


class Session:
    """A connection that comes and goes, and the commands that it is used for."""

    def __init__(self, options: Options, interactive: bool = False) -> None:
        self.options = options
        self.interactive = interactive
        self.connection: Connection | None = None
        self.database = 0  # that of the connection
        self.wanted_database = options.database  # that of the next one
        self.in_transaction = False
        self.database_before = 0  # the transaction
        self.listening = False  # to channels
        self.resp3 = False
        self.shutting_down = False
        self.redirected = False
        self.asking = False
        self.show = self._print  # what to do with a reply's text

    # Connecting.

    def connect(self, quiet: bool = False) -> bool:
        """Connects anew and logs in. False, with a message unless `quiet`, if that fails.

        A connection on which the login fails stays: the server may well answer without it.
        """
        self.close()
        try:
            self.connection = connect(self.options)
        except TlsError as error:
            complain(f"Could not negotiate a TLS connection: {error}\n")
            return False
        except ConnectError as error:
            if not quiet:
                complain(f"Could not connect to Redis at {self._address()}: {error}\n")
            return False
        return self._log_in() and self.select() and self._switch_protocol()

    def _address(self) -> str:
        options = self.options
        return options.socket if options.socket is not None else f"{options.host}:{options.port}"

    def close(self) -> None:
        """Forgets the connection, and all that was known of it."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None
        self.database = 0
        self.in_transaction = False
        self.listening = False
        self.resp3 = False

    def _log_in(self) -> bool:
        options = self.options
        if options.password is None:
            return True
        words = [_encode(options.password)]
        if options.user is not None:
            words.insert(0, _encode(options.user))
        reply = self._ask(b"AUTH", *words)
        if reply is not None and reply.is_error:
            complain(b"AUTH failed: ", reply.value, b"\n")
        return reply is not None and not reply.is_error

    def select(self) -> bool:
        """Selects the wanted database where it is not selected."""
        wanted = self.wanted_database
        if wanted == self.database:
            return True
        reply = self._ask(b"SELECT", b"%d" % wanted)
        if reply is None:
            return False
        if reply.is_error:
            complain(b"SELECT %d failed: " % wanted, reply.value, b"\n")
            return False
        self.database = wanted
        return True

    def _switch_protocol(self) -> bool:
        wanted = self.options.resp3
        if not wanted or self.options.resp2:
            return True
        reply = self._ask(b"HELLO", b"3")
        if reply is None:
            return False
        if reply.is_error:
            complain(b"HELLO 3 failed: ", reply.value, b"\n")
            return wanted == "tried"
        self.resp3 = True
        return True

    def _ask(self, *words: bytes) -> Reply | None:
        """The reply to something that the client itself wants to know; None after an error of the connection."""
        assert self.connection is not None
        try:
            return self.connection.request(*words)
        except (ConnectionLost, ProtocolError):
            complain("\nI/O error\n")
            return None

    # Running commands.

    def run(self, words: Sequence[bytes], repeat: int = 1) -> bool:
        """Runs a command and prints its reply, `repeat` times, without end if that is negative."""
        while True:
            if (self.redirected or self.connection is None) and not self.connect():
                self.redirected = False
                return False
            self.redirected = False
            try:
                if self.asking:
                    self._ask(b"ASKING")
                    self.asking = False
                self._run(words, repeat)
            except (ConnectionLost, ProtocolError) as error:
                self._lost(error)
                return False
            if not self.redirected:
                return True

    def _lost(self, error: Exception) -> None:
        """The connection has ended while a reply was awaited; ends the program if that cannot be mended."""
        complain(f"Error: {error}\n")
        if not self.interactive:
            raise Exit(1)
        self.close()

    def _run(self, words: Sequence[bytes], repeat: int) -> None:
        connection = self.connection
        assert connection is not None
        name = words[0].lower()
        request = encoded(words)
        as_text = _is_text(words)
        self.shutting_down = self.shutting_down or name == b"shutdown"
        while repeat != 0:
            repeat -= repeat > 0
            connection.send(request)
            if name == b"monitor":
                self._monitor()
                return
            if name in (b"sync", b"psync"):
                self._replica()
                return
            if not self._answered(words, name, as_text):
                return
            if self.redirected:
                return
            if self.options.interval:
                time.sleep(self.options.interval)

    def _answered(self, words: Sequence[bytes], name: bytes, as_text: bool) -> bool:
        """Prints the reply; False if the server is gone because it was told to go."""
        try:
            reply = self._expect_reply(words, name, as_text)
        except ConnectionLost:
            if not self.shutting_down:
                raise
            self.close()
            return False
        self._note(words, name, reply)
        return True

    def _expect_reply(self, words: Sequence[bytes], name: bytes, as_text: bool) -> Reply:
        """Prints what arrives until the command is answered; the answer.

        Subscribing is answered by a message for each channel, which in RESP3 are pushed; others may come in between.
        """
        changes = name in SUBSCRIBE or name in UNSUBSCRIBE
        expected = max(len(words) - 1, 1) if changes else 0
        while True:
            reply = self.read(as_text, pushes_count=changes or self.listening)
            if not expected and not self.listening:
                return reply
            if self._is_message(reply):
                if not expected or reply.value[0].value.lower() != name:
                    continue
                if name in SUBSCRIBE:
                    self.listening = True
                expected -= 1
                if expected:
                    continue
            elif reply.kind == PUSH:
                continue
            return reply

    def _is_message(self, reply: Reply) -> bool:
        """Whether it is about channels: a message, or the news that one is listened to."""
        if reply.kind != (PUSH if self.resp3 else ARRAY) or len(reply.value) < 3:
            return False
        first = reply.value[0]
        return first.kind == STRING and bytes(first.value).endswith((b"message", b"subscribe"))

    def read(self, as_text: bool = False, pushes_count: bool = False) -> Reply:
        """Prints the next reply. What is pushed is printed or dropped, unless it is what is waited for."""
        assert self.connection is not None
        if pushes_count:
            reply = self.connection.reader.read()
        else:
            reply = self.connection.reply(self.show_pushed if self.options.show_pushes else None)
        if reply.is_error:
            if self.options.cluster and reply.value.startswith((b"MOVED ", b"ASK ")):
                self._redirect(reply.value)
                return reply
            if self.options.error_code and not self.interactive:
                raise fail(reply.value, b"\n")
        if as_text:
            self.show(reply, formats.raw(reply, self.options.between))
        else:
            self.show(reply, self.text(reply))
        return reply

    def text(self, reply: Reply) -> bytes:
        """The reply in the format that is asked for."""
        options = self.options
        return formats.text_of(reply, options.output, options.between, options.after)

    def show_pushed(self, reply: Reply) -> None:
        """Prints what was pushed."""
        line = formats.invalidation(reply) if self.options.output == formats.STANDARD else None
        self.show(reply, line if line is not None else self.text(reply))

    def _print(self, reply: Reply, text: bytes) -> None:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()  # after each, for who follows it through a pipe

    def _redirect(self, error: bytes) -> None:
        kind, slot, address = ([*error.split(b" "), b"", b""])[:3]
        host, _, port = address.rpartition(b":")
        if host:
            self.options.host = host.decode("utf-8", "surrogateescape")
        self.options.port = leading_integer(port)
        self.options.socket = None
        if self.interactive:
            where = f"{self.options.host}:{self.options.port}"
            print(f"-> Redirected to slot [{leading_integer(slot)}] located at {where}")
        self.redirected = True
        self.asking = kind == b"ASK"

    def _note(self, words: Sequence[bytes], name: bytes, reply: Reply) -> None:
        """Keeps what is known of the connection up to date."""
        count, refused = len(words), reply.kind == ERROR
        if name == b"select" and count == 2 and not refused:
            self.database = self.wanted_database = leading_integer(words[1])
        elif name == b"auth" and count in (2, 3):
            self.select()
        elif name == b"multi" and count == 1 and not refused:
            self.in_transaction = True
            self.database_before = self.database
        elif name == b"exec" and count == 1 and self.in_transaction:
            self.in_transaction = False
            if refused or reply.kind == NIL:
                self.database = self.wanted_database = self.database_before
        elif name == b"discard" and count == 1 and not refused:
            self.in_transaction = False
            self.database = self.wanted_database = self.database_before
        elif name == b"reset" and count == 1 and not refused:
            self.in_transaction = self.listening = self.resp3 = False
            self.database = self.wanted_database = 0
        elif name == b"hello" and reply.kind in (MAP, ARRAY):
            self.resp3 = reply.kind == MAP

    # Listening without end.

    def _monitor(self) -> None:
        while not self.read().is_error:
            pass

    def listen(self) -> None:
        """Prints what arrives on the channels, until the connection ends."""
        while self.listening:
            try:
                self.read(pushes_count=True)
            except (ConnectionLost, ProtocolError) as error:
                raise fail(f"Error: {error}\n") from None

    def _replica(self) -> None:
        from redracer.cli.client.transfer import coming_snapshot, follow

        print("Entering replica output mode...  (press Ctrl-C to quit)", flush=True)
        follow(self, coming_snapshot(self))

    def prompt(self) -> str:
        """redis-cli's prompt."""
        if self.connection is None:
            return "not connected> "
        options = self.options
        if options.socket is not None:
            where = f"redis {options.socket}"
        else:
            where = (
                f"[{options.host}]:{options.port}"
                if ":" in options.host
                else f"{options.host}:{options.port}"
            )
        database = f"[{self.database}]" if self.database else ""
        transaction = "(TX)" if self.in_transaction else ""
        listening = "(subscribed mode)" if self.listening else ""
        return f"{where}{database}{transaction}{listening}> "


def connected(options: Options) -> Session:
    """A session for a mode that needs a connection on which everything worked; ends the program otherwise."""
    session = Session(options)
    if not session.connect():
        raise Exit(1)
    return session


def _is_text(words: Sequence[bytes]) -> bool:
    lowered = tuple(word.lower() for word in words[:2])
    return any(
        lowered[: len(start)] == start and count in (None, len(words)) for start, count in TEXTS.items()
    )


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
