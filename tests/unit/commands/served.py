"""A whole engine without a network: clients whose replies are read as the bytes that would be sent."""

import redracer.commands
import redracer.types
from redracer.core.replies import Error
from redracer.core.session import CLOSED, Transport
from redracer.engine.config import Config
from redracer.engine.engine import Engine


class QuietTransport(Transport):
    """A connection that only remembers whether it is open."""

    def __init__(self, engine):
        self.engine = engine
        self.client = None

    def resume(self):
        self.client.state &= ~1

    def close(self):
        self.client.state |= CLOSED
        self.engine.client_gone(self.client)


class Served:
    """Clients of one engine by name; `run(b"PING")` is the default client's."""

    def __init__(self, **options):
        redracer.commands.load()
        redracer.types.load()
        config = Config()
        config.values.update({name.replace("_", "-"): value for name, value in options.items()})
        self.engine = Engine(config)
        self.clients = {}
        self.ports = 0

    def client(self, name="main"):
        if name not in self.clients:
            self.ports += 1
            transport = QuietTransport(self.engine)
            client = self.engine.connect(transport, f"127.0.0.1:{self.ports}", "127.0.0.1:6379")
            transport.client = client
            self.clients[name] = client
        return self.clients[name]

    def run(self, line, name="main"):
        """The reply to a request (bytes, split at spaces, or a list) as bytes on the wire."""
        argv = line.split() if isinstance(line, bytes) else line
        client = self.client(name)
        dispatcher = self.engine.dispatcher
        dispatcher.begin()
        dispatcher.execute(client, dispatcher.resolve(argv), argv)
        return client.out.take()

    def error(self, line, name="main"):
        """The error text that a request is answered with."""
        reply = self.run(line, name)
        assert reply[:1] == b"-" and reply.endswith(b"\r\n"), reply
        return reply[1:-2].decode()

    def text(self, line, name="main"):
        """The text of a bulk or verbatim string."""
        header, _, rest = self.run(line, name).partition(b"\r\n")
        assert header[:1] in b"$=" and len(rest) == int(header[1:]) + 2
        return rest[4 if header[:1] == b"=" else 0 : -2].decode()

    def value(self, line, name="main"):
        """The reply to a request as the value that the command returned; an error as its text."""
        argv = line.split() if isinstance(line, bytes) else line
        client = self.client(name)
        dispatcher = self.engine.dispatcher
        dispatcher.begin()
        command = dispatcher.resolve(argv)
        assert command is not None, argv
        reply = dispatcher.call(client, command, argv)
        return reply.text if isinstance(reply, Error) else reply

    def info(self, *sections):
        """INFO's fields by name, all values as text."""
        text = self.value([b"INFO", *(section.encode() for section in sections)]).text.decode()
        lines = (line for line in text.split("\r\n") if line and not line.startswith("#"))
        return dict(line.split(":", 1) for line in lines)

    def is_open(self, name="main"):
        return self.client(name).id in self.engine.clients
