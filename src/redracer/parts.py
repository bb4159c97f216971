"""What an engine needs besides whoever talks to it: scripts, and the files that keep its data.

A server (app.py) and a store inside a program (embedded/) are two fronts of the same; this is what they share.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from redracer.persistence.aof import AppendOnlyFile
from redracer.persistence.child import Child
from redracer.persistence.snapshots import Snapshots
from redracer.scripting.service import Scripting

if TYPE_CHECKING:
    from collections.abc import Generator

    from redracer.engine.engine import Engine


@cache
def load_commands() -> None:
    """Imports every module that declares commands; each registers itself."""
    from redracer import commands, types

    commands.load()
    types.load()


class Parts:
    """The parts of one engine, each a port of its own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.scripting = Scripting(engine)
        self.child = Child(engine)
        self.snapshots = Snapshots(engine, self.child)
        self.aof = AppendOnlyFile(engine, self.child)
        engine.ports.update(
            child=self.child,
            snapshots=self.snapshots,
            aof=self.aof,
            scripting=self.scripting,
            functions=self.scripting.functions,
        )

    def load(self) -> Generator[int, None, None]:
        """Loads the data set from where it is kept; gives control back after each slice.

        Raises LoadError and FatalAofError.
        """
        self.aof.files.read_manifest()
        if self.engine.config["appendonly"]:
            yield from self.aof.load()
        else:
            yield from self.snapshots.load()

    def close(self) -> None:
        """Ends what works for them, once nothing changes any more."""
        self.aof.finish()
        self.child.kill()
