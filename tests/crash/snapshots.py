"""A server without a log that is killed while it takes snapshots, and what each restart must find.

    python -m tests.crash.snapshots [--kills 200] [--seed 1]

A writer counts in transactions: to two strings and to the end of a list. Now and then it has a snapshot taken, and
knows the number at which one was said to be there. A restart must come up with the state of one moment: the strings
equal, the list without holes and as long as they say, at what was promised or later. That holds when the server or
its child is killed at any moment, at a rename, with a full disk, and with syncs that fail; and a file that stands
under the name of the snapshot must have been synced as a whole.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.crash.episode import PATIENCE, UNLIMITED, Mode, Victim, Violation, build_library

OPTIONS = ("--appendonly", "no", "--stop-writes-on-bgsave-error", "yes")
FILL = 300  # bytes per item, so that a snapshot takes a while
MODES = (
    Mode("SAVE", options=OPTIONS, meanwhile="SAVE"),
    Mode("BGSAVE", options=OPTIONS, meanwhile="BGSAVE"),
    Mode(
        "BGSAVE, the child is killed", options=(*OPTIONS, "--rdb-key-save-delay", "2000"), meanwhile="BGSAVE"
    ),
    Mode("SAVE at a rename", options=OPTIONS, meanwhile="SAVE", renames=4),
    Mode("BGSAVE at a rename", options=OPTIONS, meanwhile="BGSAVE", renames=4),
    Mode("SAVE, the disk is full", options=OPTIONS, meanwhile="SAVE", budget=60_000),
    Mode("BGSAVE, the disk is full", options=OPTIONS, meanwhile="BGSAVE", budget=60_000),
    Mode("SAVE, syncs fail", options=OPTIONS, meanwhile="SAVE", syncs=6),
    Mode("BGSAVE, syncs fail", options=OPTIONS, meanwhile="BGSAVE", syncs=6),
)


@dataclass
class Counter:
    """What was sent, and what a snapshot was said to hold."""

    sent: int = 0
    promised: int = 0

    def run(self, port: int, command: str, ended: threading.Event) -> None:
        """Counts and has snapshots taken until the server is gone."""
        with suppress(redis.ConnectionError, redis.TimeoutError, OSError):
            client = redis.Redis(port=port, socket_timeout=PATIENCE, retry=None)
            while not ended.is_set():
                for _ in range(20):
                    self.count(client)
                counted = self.sent
                with suppress(redis.ResponseError):  # a full disk: tried again
                    if command == "SAVE":
                        client.save()
                        self.promised = counted
                    elif self.saved_behind(client):
                        self.promised = counted

    def count(self, client: redis.Redis) -> None:
        """One more; what is refused because a snapshot failed is not counted."""
        pipeline = client.pipeline(transaction=True)
        number = self.sent + 1
        pipeline.set("left", number)
        pipeline.set("right", number)
        pipeline.rpush("list", f"{number}:".ljust(FILL, "x"))
        pipeline.set(f"key:{number % 50}", "x" * FILL)
        self.sent = number
        try:
            pipeline.execute()
        except redis.ResponseError:
            self.sent = number - 1

    @staticmethod
    def saved_behind(client: redis.Redis) -> bool:
        """Has the child take a snapshot; whether it did."""
        client.bgsave()
        while client.info("persistence")["rdb_bgsave_in_progress"]:
            time.sleep(0.01)
        status: str = client.info("persistence")["rdb_last_bgsave_status"]
        return status == "ok"

    def check(self, client: redis.Redis) -> None:
        """Raises Violation if what is there is not the state of one moment that was promised or later."""
        left, right = client.mget("left", "right")
        items = [int(item.partition(b":")[0]) for item in client.lrange("list", 0, -1)]
        found = int(left or 0)
        if left != right or items != list(range(1, found + 1)):
            raise Violation(f"not of one moment: {left!r}, {right!r}, {items[-3:]}")
        if not self.promised <= found <= self.sent:
            raise Violation(f"at {found}: {self.promised} was promised, {self.sent} was sent")


def run(victim: Victim, mode: Mode, longest: float) -> None:
    """One life of the server, its end, and the look at what is left. Raises Violation."""
    draw = victim.draw
    for path in victim.directory.glob("*.rdb"):
        path.unlink()
    victim.sync_log.write_text("")
    victim.start(mode)
    counter, ended = Counter(), threading.Event()
    thread = threading.Thread(target=counter.run, args=(victim.port, mode.meanwhile, ended), daemon=True)
    victim.set_faults(
        draw.randrange(mode.budget) if mode.budget >= 0 else UNLIMITED,
        draw.randrange(mode.syncs) if mode.syncs >= 0 else UNLIMITED,
        draw.randint(1, mode.renames) if mode.renames else 0,
    )
    thread.start()
    end_by = time.monotonic() + draw.uniform(0.1, longest)
    assert victim.process is not None
    while time.monotonic() < end_by and victim.process.poll() is None:
        if "child" in mode.name:
            kill_child(victim.process.pid)
        time.sleep(0.02)
    victim.kill()
    ended.set()
    thread.join()
    check_synced(victim)
    counter.check(victim.start(mode))
    victim.kill()


def kill_child(pid: int) -> None:
    """SIGKILL to the child that takes a snapshot, if there is one."""
    with suppress(OSError, ValueError):
        for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(word), signal.SIGKILL)


def check_synced(victim: Victim) -> None:
    """The file that a start would load must have been brought to the disk before it got its name."""
    path = victim.directory / "dump.rdb"
    if not path.exists():
        return
    status = path.stat()
    synced = [line.split() for line in victim.sync_log.read_text().splitlines()]
    if not any(int(inode) == status.st_ino and int(size) == status.st_size for inode, size in synced):
        raise Violation(f"the snapshot of {status.st_size} bytes was renamed before it was synced")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.snapshots")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="redracer-crash-"))
    library = build_library(directory)
    if library is None:
        print("gcc is needed to build the library that makes faults")
        return 1
    violations = 0
    for place, mode in enumerate(MODES):
        home = directory / f"{place}"
        home.mkdir()
        victim = Victim(home, library, random.Random(f"{options.seed} {place}"))
        done = 0
        try:
            for _ in range(options.kills // len(MODES) + (place < options.kills % len(MODES))):
                done += 1
                run(victim, mode, 1.5)
        except Violation as violation:
            violations += 1
            print(f"VIOLATION in {mode.name!r}, {home}: {violation}", flush=True)
        finally:
            victim.kill()
        print(f"{mode.name}: {done} kills", flush=True)
    print(f"{violations} broken promises")
    if not violations:
        shutil.rmtree(directory)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
