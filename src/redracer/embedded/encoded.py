"""A session that speaks the protocol: bytes in, bytes out, for who has a connection and wants the store behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core.errors import ProtocolError
from redracer.core.replies import Error
from redracer.core.resp_parse import requests
from redracer.core.resp_write import ReplyBuffer
from redracer.embedded.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from redracer.embedded.calls import Calls


class EncodedSession(Session):
    """`send_bytes` is given what the client is to get, with the store's lock held, and b"" when the session ends."""

    def __init__(self, store: Calls, send_bytes: Callable[[bytes], None]) -> None:
        self.send_bytes = send_bytes
        self.encoder = ReplyBuffer()
        self.unread = b""  # of a request that is not whole
        super().__init__(store, resp=2)

    def feed(self, data: bytes) -> None:
        """Executes the requests in what has come. A breach of the protocol is answered, and ends the session."""
        with self.store.lock:
            if self.closed:
                return
            self.unread += data
            try:
                whole, used = requests(self.client.parser, self.unread)
            except ProtocolError as breach:
                self.deliver(Error(breach.text))
                self.close()
                return
            self.unread = self.unread[used:]
            for argv in whole:
                if not self.closed:
                    self.send(argv)

    def deliver(self, value: Any) -> None:
        """Encodes a reply in the protocol that the client has now."""
        super().deliver(value)
        while self.replies:
            self.encoder.write(self.replies.popleft(), self.client.resp)
        self.send_bytes(self.encoder.take())

    def close(self) -> None:
        """Ends the session; a second call changes nothing."""
        with self.store.lock:
            if not self.closed:
                super().close()
                self.send_bytes(b"")
