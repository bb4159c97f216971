"""The replica's side of a full synchronisation: a snapshot that comes in, and takes the place of what is there.

It goes to a file first, or (`repl-diskless-load`) straight into memory: into the empty databases, or beside the old
data, which it replaces when all of it has come. A snapshot of the same history that is loaded beside the old data
is served until then.

The bytes come when they come, so nothing here waits for them but the link's task: the loader takes what is there,
and says when it is out of bytes.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import aclosing, closing, suppress
from typing import TYPE_CHECKING, Any

from redracer.engine import log

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from redracer.replication.link import Link

PIECE = 1 << 18  # bytes read at a time
SYNC_EVERY = 8 << 20  # bytes of a snapshot after which it is brought to the disk
SAY_ALIVE_EVERY = 1.0  # s
MARK_AHEAD = b"EOF:"  # in the header of a snapshot whose end is marked, because its size is not known
WHAT = "MASTER <-> REPLICA sync: "


class LinkError(Exception):
    """The link cannot go on; the text says why."""


class FullSync:
    """One snapshot on its way. `header`: what the primary sent behind the `$`: a size, or EOF: and a mark."""

    def __init__(self, link: Link, header: bytes) -> None:
        self.link = link
        self.engine = link.engine
        self.mark = header[len(MARK_AHEAD) :] if header.startswith(MARK_AHEAD) else b""
        if not self.mark and not header.isdigit():
            raise LinkError(
                f"Bad protocol from MASTER, the size of the snapshot is '{header.decode('latin-1')}'"
            )
        self.size = 0 if self.mark else int(header)  # bytes; 0 where it was not told
        self.received = 0
        self.told = time.monotonic()

    async def run(self, same_history: bool) -> None:
        """Receives and loads it. Raises LinkError, OSError, TimeoutError; then the old data may be gone."""
        mode: str = self.engine.config["repl-diskless-load"]
        aside = mode == "swapdb"
        if aside or (mode == "on-empty-db" and not any(map(len, self.engine.databases))):
            await self._load_as_it_comes(aside, asynchronous=aside and same_history)
        else:
            await self._load_from_disk()

    def _announce(self, where: str) -> None:
        what = "streamed RDB from master with EOF" if self.mark else f"{self.size} bytes from master"
        log.notice(f"{WHAT}receiving {what} {where}")

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """What comes, to the end of the snapshot."""
        tail = b""  # held back, since it may be the mark
        while not self.mark or not tail.endswith(self.mark):
            most = PIECE if self.mark else min(self.size - self.received, PIECE)
            if not most:
                return
            data = await self.link.some(most)
            self.received += len(data)
            tail += data
            if self.mark:
                data, tail = tail[: -len(self.mark)], tail[-len(self.mark) :]
            else:
                tail = b""
            if data:
                yield data

    # --- by way of the disk

    async def _load_from_disk(self) -> None:
        self._announce("to disk")
        directory = str(self.engine.config["dir"])
        path = os.path.join(directory, f"temp-{int(time.time())}.{os.getpid()}.rdb")
        try:
            await self._receive(path)
        except BaseException:
            with suppress(OSError):
                os.unlink(path)
            raise
        # From now on it is our own file too: after a restart we can go on from its place in the history.
        self.engine.ports["transfers"].stop_saving()
        own = os.path.join(directory, str(self.engine.config["dbfilename"]))
        os.replace(path, own)
        log.notice(f"{WHAT}Flushing old data")
        self.link.replication.leave_history()
        loading = self.engine.ports["transfers"].load(own)
        log.notice(f"{WHAT}Loading DB in memory")
        try:
            with closing(loading):
                for _ in loading:
                    await self._breathe()
        except ValueError as problem:
            raise LinkError(
                f"Failed trying to load the MASTER synchronization DB from disk: {problem}"
            ) from None
        finally:
            self._remove_unwanted(own)

    def _remove_unwanted(self, path: str) -> None:
        """Removes the file, if nothing is to be left on a disk that keeps nothing else (rdb-del-sync-files)."""
        config = self.engine.config
        if config["rdb-del-sync-files"] and not config["appendonly"] and not config["save"]:
            log.notice(
                "Removing the RDB file obtained from the master. This replica has persistence disabled"
            )
            with suppress(OSError):
                os.unlink(path)

    async def _receive(self, path: str) -> None:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        synced = 0
        try:
            async for piece in self.pieces():
                view = memoryview(piece)
                while view:
                    view = view[os.write(file, view) :]
                if self.received - synced >= SYNC_EVERY:
                    synced = self.received
                    os.fdatasync(file)
            os.fsync(file)
        finally:
            os.close(file)

    async def _breathe(self) -> None:
        """Lets others have their turn; now and then the primary is told that we are alive."""
        await asyncio.sleep(0)
        now = time.monotonic()
        if now - self.told >= SAY_ALIVE_EVERY:
            self.told = now
            self.link.say_alive()

    # --- straight into memory

    async def _load_as_it_comes(self, aside: bool, asynchronous: bool) -> None:
        self._announce("to parser")
        if not aside:
            log.notice(f"{WHAT}Flushing old data")
            self.link.replication.leave_history()
        incoming = self.engine.ports["transfers"].receive(self.size, aside, asynchronous)
        log.notice(f"{WHAT}Loading DB in memory")
        try:
            with closing(incoming.loading):
                await self._feed(incoming, incoming.loading)
        except (ValueError, LinkError, OSError, EOFError) as problem:
            log.warning(
                f"Internal error in RDB reading offset {incoming.offset}: {problem}. Failure loading rdb format "
                "from socket, assuming connection error, resuming operation."
            )
            raise LinkError(
                "Failed trying to load the MASTER synchronization DB from socket, check server logs."
            ) from None

    async def _feed(self, incoming: Any, loading: Generator[int, None, None]) -> None:
        """Gives the loader what comes, whenever it is out of bytes. The snapshot must end where the bytes end."""
        async with aclosing(self.pieces()) as pieces:
            for _ in loading:
                while incoming.hungry:
                    piece = await anext(pieces, b"")
                    if piece:
                        incoming.feed(piece)
                    else:
                        incoming.finish()
                await self._breathe()
            self.link.replication.leave_history()
            async for _ in pieces:
                raise LinkError("Replication stream EOF marker is broken")
