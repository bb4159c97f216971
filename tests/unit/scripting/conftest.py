"""An engine with scripting, and no network."""

import pytest

from redracer.engine.effects import Feed
from redracer.scripting.service import Scripting
from tests.unit.commands.served import Served

pytest.importorskip("lupa")


class Scripted(Served, Feed):
    """Clients of an engine that runs scripts; `eval` gives the value of a script."""

    def __init__(self, **options):
        super().__init__(**options)
        self.scripting = Scripting(self.engine)
        self.engine.ports.update(scripting=self.scripting, functions=self.scripting.functions)
        self.fed = []
        self.engine.effects.add_feed(self)

    def feed(self, units):
        """What goes to the append-only file and replicas: units of (database, argv)."""
        self.fed.append([argv for _, argv in units])

    def eval(self, script, keys=(), arguments=(), command=b"EVAL", name="main"):
        code = script.encode() if isinstance(script, str) else script
        return self.value([command, code, b"%d" % len(keys), *keys, *arguments], name)

    def call(self, script, *arguments, keys=(), command=b"EVAL", name="main"):
        """The bytes that a script's reply is on the wire."""
        code = script.encode() if isinstance(script, str) else script
        return self.run([command, code, b"%d" % len(keys), *keys, *arguments], name)


@pytest.fixture
def served():
    return Scripted(enable_debug_command="yes")
