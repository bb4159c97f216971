"""A connection for modes that go on for hours: it comes back when the server does."""

from __future__ import annotations

import time

from redracer.cli.client.connection import ConnectionLost
from redracer.cli.client.options import fail
from redracer.cli.client.protocol import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.cli.client.protocol import Reply
    from redracer.cli.client.session import Session

CLEAR_LINE = "\r\x1b[0K"
PAUSE = 1  # s between two attempts


class Reconnecting:
    """Asks until there is an answer."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def ask(self, *words: bytes) -> Reply:
        """The reply to a command; connects and asks again as often as the connection is lost."""
        attempts = 0
        while True:
            connection = self.session.connection
            try:
                if connection is not None:
                    reply = connection.request(*words)
                    if attempts:
                        print(CLEAR_LINE, end="", flush=True)
                    return reply
            except ConnectionLost:
                pass
            except ProtocolError as error:
                raise fail(f"Error: {error}\n") from None
            attempts += 1
            print(f"{CLEAR_LINE}Reconnecting... {attempts}\r", end="", flush=True)
            self.session.connect(quiet=True)
            time.sleep(PAUSE)
