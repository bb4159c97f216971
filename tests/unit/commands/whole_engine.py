"""Commands that tell or change something about the engine itself, their replies read as values."""

from redracer.core.replies import Error
from tests.unit.commands.served import Served


class WholeEngine:
    """Runs command lines through dispatch as one client."""

    def __init__(self, **options):
        served = Served()
        self.engine = served.engine
        self.engine.config.values.update({name.replace("_", "-"): value for name, value in options.items()})
        self.client = served.client()
        self.engine.dispatcher.begin()

    def run(self, line):
        """The reply to a command line (bytes, split at spaces, or a list); an error as its text."""
        args = line.split() if isinstance(line, bytes) else line
        command = self.engine.dispatcher.resolve(args)
        assert command is not None, args
        reply = self.engine.dispatcher.call(self.client, command, args)
        return reply.text if isinstance(reply, Error) else reply

    def info(self, *sections):
        """INFO's fields by name, all values as text."""
        text = self.run([b"INFO", *(section.encode() for section in sections)]).text.decode()
        lines = (line for line in text.split("\r\n") if line and not line.startswith("#"))
        return dict(line.split(":", 1) for line in lines)
