"""A server in this process, with a feed that keeps what is propagated."""

import pytest

from redracer.core.replies import Error, Map, Status
from redracer.engine.effects import Feed

from ...commands.served import Served


class Streams(Served, Feed):
    """Runs command lines and reads replies as values; `propagated` is what feeds got since the last look."""

    def __init__(self):
        super().__init__()
        self.fed = []
        self.engine.effects.add_feed(self)

    def feed(self, units):
        self.fed += [b" ".join(argv).decode() for _, argv in units]

    @property
    def propagated(self):
        fed, self.fed = self.fed, []
        return fed

    def value(self, line, name="main"):
        """The reply to a command line as values: texts, numbers, lists; an error as its text after `-`."""
        argv = [word.encode() for word in line.split()]
        client = self.client(name)
        self.engine.dispatcher.begin()
        command = self.engine.dispatcher.resolve(argv)
        reply = plain(self.engine.dispatcher.call(client, command, argv))
        if self.engine.dispatcher.ready_keys:
            self.engine.blocking.serve()
        return reply

    def info(self, line):
        """A flat reply of names and values as a dict."""
        reply = self.value(line)
        return dict(zip(reply[::2], reply[1::2], strict=True))

    def dirty(self, line):
        """How many changes a command counts."""
        before = self.engine.effects.dirty
        self.value(line)
        return self.engine.effects.dirty - before


def plain(reply):
    if isinstance(reply, bytes):
        return reply.decode()
    if isinstance(reply, Status):
        return reply.text.decode()
    if isinstance(reply, Error):
        return "-" + reply.text.decode()
    if isinstance(reply, Map):
        return plain(reply.items)
    if isinstance(reply, list):
        return [plain(part) for part in reply]
    return reply


@pytest.fixture
def streams():
    return Streams()
