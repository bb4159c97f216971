"""One server that is killed again and again while clients write, and what each restart must find.

A writer counts: each number goes to a string, to the end of a list, and in a transaction to two strings more. It knows
of each of the three what was acknowledged last. A restart must find

- each of them at what was acknowledged or at one that was sent later (with `appendfsync always`, whatever happened;
  else what was acknowledged longer than the promised window ago);
- in the list every number up to its last, in order: the log has no holes;
- the two strings of the transaction equal.

A kill loses nothing that was written, synced or not. `lose_unsynced` is the other crash, that of the machine: every
file of the log is cut to a length between what the preloaded library (faults.c) saw synced and what was written.
"""

from __future__ import annotations

import mmap
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

CONTROL = struct.Struct("5q")
UNLIMITED = -1
WINDOW = 2.5  # s that `everysec` may lose: one, one for a sync that is going on, and the machine's slowness
PATIENCE = 60  # s for a start
WRITERS = 3
RETRY_PAUSE = 0.02  # s after an error reply


@dataclass(frozen=True)
class Mode:
    """How the server runs, what goes on meanwhile, and how it ends."""

    name: str
    policy: str = "always"
    options: tuple[str, ...] = ()
    meanwhile: str = ""  # a command, again and again
    budget: int = UNLIMITED  # bytes that the disk takes, at most
    syncs: int = UNLIMITED  # that succeed, at most
    renames: int = 0  # until the server kills itself, at most
    lose_unsynced: bool = False


MODES = (
    Mode("always"),
    Mode("always, the machine fails", lose_unsynced=True),
    Mode("everysec", "everysec"),
    Mode("everysec, the machine fails", "everysec", lose_unsynced=True),
    Mode("no", "no"),
    Mode("during BGSAVE", meanwhile="BGSAVE"),
    Mode("during a rewrite", meanwhile="BGREWRITEAOF"),
    Mode("during a rewrite, the machine fails", meanwhile="BGREWRITEAOF", lose_unsynced=True),
    Mode("during a rewrite, everysec", "everysec", meanwhile="BGREWRITEAOF"),
    Mode("during a rewrite as commands", options=("--aof-use-rdb-preamble", "no"), meanwhile="BGREWRITEAOF"),
    Mode("at a rename", meanwhile="BGREWRITEAOF", renames=8),
    Mode("at a rename, the machine fails", meanwhile="BGREWRITEAOF", renames=8, lose_unsynced=True),
    Mode("the disk is full", budget=60_000),
    Mode("the disk is full, everysec", "everysec", budget=60_000),
    Mode("the disk is full during rewrites", "everysec", meanwhile="BGREWRITEAOF", budget=60_000),
    Mode("a sync fails", syncs=40),
    Mode("a sync fails, the machine fails", syncs=40, lose_unsynced=True),
    Mode("syncs fail, everysec", "everysec", syncs=1),
)


class Violation(AssertionError):
    """A promise was broken."""


@dataclass
class Writer:
    """What one connection has sent, and what was acknowledged, by what it was written to."""

    name: str
    sent: int = 0
    history: dict[str, list[tuple[float, int]]] = field(
        default_factory=lambda: {"string": [], "pair": [], "list": []}
    )

    def run(self, port: int, ended: threading.Event) -> None:
        """Writes until the server is gone."""
        with suppress(redis.ConnectionError, redis.TimeoutError, OSError):
            client = redis.Redis(port=port, socket_timeout=PATIENCE, retry=None)
            while not ended.is_set():
                self.sent += 1
                self.write(client)

    def write(self, client: redis.Redis) -> None:
        """Writes a number; what the server refuses, a full disk, is tried again."""
        left = list(self.history)
        while left:
            for target in list(left):
                try:
                    self.write_to(target, client)
                except redis.ResponseError:
                    time.sleep(RETRY_PAUSE)
                    continue
                self.history[target].append((time.monotonic(), self.sent))
                left.remove(target)

    def write_to(self, target: str, client: redis.Redis) -> None:
        """Writes the number to one of the three."""
        if target == "string":
            client.set(f"{self.name}:string", self.sent)
        elif target == "list":
            client.rpush(f"{self.name}:list", self.sent)
        else:
            pipeline = client.pipeline(transaction=True)
            pipeline.set(f"{self.name}:left", self.sent)
            pipeline.set(f"{self.name}:right", self.sent)
            pipeline.execute()

    def promised(self, target: str, until: float) -> int:
        """The last number that was acknowledged by a time."""
        return max((number for when, number in self.history[target] if when <= until), default=0)

    def check(self, client: redis.Redis, until: float) -> int:
        """Raises Violation if a promise was broken; returns the acknowledged writes that are gone all the same."""
        items = [int(item) for item in client.lrange(f"{self.name}:list", 0, -1)]
        if items != list(range(1, len(items) + 1)):
            raise Violation(f"{self.name}: the list has holes: {items[-20:]}")
        left, right = client.mget(f"{self.name}:left", f"{self.name}:right")
        if left != right:
            raise Violation(f"{self.name}: half of a transaction: {left!r} and {right!r}")
        found = {
            "string": int(client.get(f"{self.name}:string") or 0),
            "pair": int(left or 0),
            "list": len(items),
        }
        gone = 0
        for target, number in found.items():
            promised = self.promised(target, until)
            if not promised <= number <= self.sent:
                raise Violation(
                    f"{self.name}: {target} is at {number}, {promised} was promised, {self.sent} was sent"
                )
            gone += max(self.promised(target, time.monotonic()) - number, 0)
        return gone


class Victim:
    """The server in a directory, on a port of its own."""

    def __init__(self, directory: Path, library: Path, draw: random.Random) -> None:
        self.directory = directory
        self.draw = draw
        self.sync_log = directory / "syncs"
        control = directory / "control"
        control.write_bytes(CONTROL.pack(UNLIMITED, UNLIMITED, 0, 0, 0))
        with control.open("r+b") as file:
            self.control = mmap.mmap(file.fileno(), CONTROL.size)
        self.environment = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "FAULTS_CONTROL": str(control),
            "FAULTS_LOG": str(self.sync_log),
        }
        self.sync_log.touch()
        self.log = directory / "log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.client: redis.Redis | None = None  # of the server that runs

    def set_faults(self, budget: int = UNLIMITED, syncs: int = UNLIMITED, renames: int = 0) -> None:
        """How much still works from now on."""
        self.control[:] = CONTROL.pack(budget, syncs, renames, self.draw.randrange(2), 0)

    def start(self, mode: Mode) -> redis.Redis:
        """Starts it if it does not run; a client once it has loaded. Raises Violation if it does not start."""
        if self.client is not None:
            return self.client
        self.set_faults()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [str(Path(sys.prefix) / "bin" / "redracer-server"), "--port", str(self.port)]
        command += ["--bind", "127.0.0.1", "--dir", str(self.directory), "--save", "", "--appendonly", "yes"]
        command += ["--appendfsync", mode.policy, *mode.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)
        client = redis.Redis(port=self.port, socket_timeout=PATIENCE, retry=None)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Violation(f"it does not start: {self.log.read_text()[-3000:]}")
            with suppress(redis.ConnectionError):  # a BusyLoadingError too
                if client.ping():
                    self.client = client
                    return client
            time.sleep(0.02)
        raise Violation("it does not come up")

    def kill(self) -> None:
        """SIGKILL, if it is still there, to it alone: a child goes on, as it would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.client = None

    def lose_unsynced(self) -> None:
        """The machine fails: of each file of the log only what was synced is certain."""
        synced: dict[int, int] = {}
        for line in self.sync_log.read_text().splitlines():
            inode, size = line.split()
            synced[int(inode)] = int(size)
        for path in (self.directory / "appendonlydir").iterdir():
            status = path.stat()
            certain = min(synced.get(status.st_ino, 0), status.st_size)
            if certain < status.st_size and path.suffix == ".aof":
                os.truncate(path, self.draw.randint(certain, status.st_size))


def run(victim: Victim, mode: Mode, number: int, longest: float) -> int:
    """One life of the server, its end, and the look at what is left, by the server that lives next.

    Returns the acknowledged writes that are gone. `longest`: s that it may live. Raises Violation.
    """
    client = victim.start(mode)
    draw = victim.draw
    writers = [Writer(f"{number}.{i}") for i in range(WRITERS)]
    ended = threading.Event()
    threads: list[threading.Thread] = [
        threading.Thread(target=writer.run, args=(victim.port, ended), daemon=True) for writer in writers
    ]
    if mode.meanwhile:
        threads.append(threading.Thread(target=disturb, args=(client, mode.meanwhile, ended), daemon=True))
    victim.set_faults(
        draw.randrange(mode.budget) if mode.budget >= 0 else UNLIMITED,
        draw.randrange(mode.syncs) if mode.syncs >= 0 else UNLIMITED,
        draw.randint(1, mode.renames) if mode.renames else 0,
    )
    for thread in threads:
        thread.start()
    end_by = time.monotonic() + draw.uniform(0.05, longest)
    assert victim.process is not None
    while time.monotonic() < end_by and victim.process.poll() is None:
        time.sleep(0.005)
    victim.kill()
    killed = time.monotonic()
    ended.set()
    for thread in threads:
        thread.join()
    if mode.lose_unsynced:
        victim.lose_unsynced()
    client = victim.start(mode)
    until = killed if mode.policy == "always" else killed - WINDOW
    gone = sum(writer.check(client, until) for writer in writers)
    client.flushall()
    return gone


def disturb(client: redis.Redis, command: str, ended: threading.Event) -> None:
    """Asks for a command again and again."""
    while not ended.is_set():
        try:
            client.execute_command(command)
        except redis.ResponseError:  # one is going on
            pass
        except (redis.ConnectionError, OSError):
            return
        time.sleep(0.02)


def build_library(directory: Path) -> Path | None:
    """Compiles faults.c; None where there is no compiler."""
    library = directory / "faults.so"
    source = Path(__file__).with_name("faults.c")
    command: list[Any] = ["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError:
        return None
    return library
