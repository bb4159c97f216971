"""Replication under load: python -m tests.replication [--seconds 120] [--seed 1] [--only WORDS] [--base-port 33300].
`make replication` runs it.

In each mode a primary and its replicas, over proxies, take random commands of all families, while links are cut,
replicas are killed or stopped and started again, and primaries stopped and started. At quiet points the digests of all
must be the same. Prints a line per mode, and exits with 1 after a difference, with the directory kept for a look.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import redis

from tests.replication.load import Load
from tests.replication.node import REAL, Node, eventually
from tests.replication.proxy import Proxy

MODES = {
    "ours to redis": ["ours", "redis"],
    "redis to ours": ["redis", "ours"],
    "ours to ours": ["ours", "ours"],
    "chain of three": ["ours", "ours", "ours"],
}
VARIANTS = (  # of full synchronisation, one for each round that starts anew
    [],
    ["--repl-diskless-sync", "no"],
    ["--repl-diskless-load", "swapdb"],
    ["--repl-diskless-load", "on-empty-db"],
)
QUIET_EVERY = 4.0  # s of load between two comparisons


class DifferenceError(Exception):
    """Two data sets that should be the same are not."""


class Run:
    """One mode, for some seconds."""

    def __init__(self, kinds: list[str], ports: Iterator[int], directory: Path, seed: str) -> None:
        self.random = random.Random(seed)
        self.load = Load(seed)
        self.counts: Counter[str] = Counter()
        options = self.random.choice(VARIANTS)
        self.nodes: list[Node] = []
        self.proxies: list[Proxy] = []
        for place, kind in enumerate(kinds):
            primary = 0
            if place:
                proxy = Proxy(next(ports), self.nodes[-1].port)
                self.proxies.append(proxy)
                primary = proxy.port
            self.nodes.append(Node(kind, next(ports), directory / f"{place}-{kind}", primary, options))

    def run(self, seconds: float) -> None:
        """Starts all, and disturbs them until the time is over. Raises DifferenceError, TimeoutError."""
        try:
            for node in self.nodes:
                node.start()
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                self.write(time.monotonic() + min(QUIET_EVERY, seconds / 3))
                self.compare()
        finally:
            for node in self.nodes:
                node.kill()
            for proxy in self.proxies:
                proxy.close()

    def write(self, until: float) -> None:
        """Load, with disturbances in between."""
        client = self.nodes[0].client
        while time.monotonic() < until:
            for _ in range(self.random.randint(20, 200)):
                batch = self.load.commands()
                pipeline = client.pipeline(transaction=len(batch) > 1)
                for argv in batch:
                    pipeline.execute_command(*argv)
                pipeline.execute(raise_on_error=False)
                self.counts["commands"] += len(batch)
            self.disturb()

    def disturb(self) -> None:
        """Cuts a link, or has a process end and start again."""
        draw = self.random.random()
        replica = self.random.choice(self.nodes[1:])
        if draw < 0.5:
            self.random.choice(self.proxies).cut()
            self.counts["links cut"] += 1
        elif draw < 0.6:
            replica.kill()
            replica.start()
            self.counts["replicas killed"] += 1
        elif draw < 0.7:
            replica.stop()
            replica.start()
            self.counts["replicas restarted"] += 1
        elif draw < 0.75:
            self.nodes[0].stop()
            self.nodes[0].start()
            self.counts["primaries restarted"] += 1

    def compare(self) -> None:
        """Waits until all have everything; then they must be the same. What expires is ended by the primary first."""
        first = self.nodes[0]
        for node in self.nodes[1:]:
            eventually(
                lambda node=node: (
                    node.client.info("replication")["master_link_status"] == "up"
                    and node.place() == first.place()
                ),
                f"{node.kind} {node.port} does not catch up",
            )
        for _ in range(100):
            digests = [node.digest() for node in self.nodes]
            if len(set(digests)) == 1:
                self.counts["comparisons"] += 1
                return
            time.sleep(0.1)  # a key may have expired here and not there yet
        raise DifferenceError(self.difference())

    def difference(self) -> str:
        """The first keys that differ."""
        one, other = self.nodes[0].described(), self.nodes[-1].described()
        keys = sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
        return f"{len(keys)} keys: " + ", ".join(
            f"{key.decode()} {one.get(key)!r} {other.get(key)!r}" for key in keys[:5]
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.replication", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120, help="for each mode")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="modes whose names contain these words")
    parser.add_argument("--base-port", type=int, default=33300)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="redracer-replication-"))
    failures = 0
    for name, kinds in MODES.items():
        if options.only not in name or ("redis" in kinds and REAL is None):
            continue
        total: Counter[str] = Counter()
        until, number = time.monotonic() + options.seconds, 0
        try:
            while time.monotonic() < until:  # anew each minute, with other settings
                number += 1
                home = directory / name.replace(" ", "-") / str(number)
                run = Run(kinds, count(options.base_port), home, f"{options.seed} {name} {number}")
                try:
                    run.run(min(60.0, until - time.monotonic()))
                finally:
                    total += run.counts
        except (DifferenceError, TimeoutError, redis.RedisError) as problem:
            failures += 1
            print(f"FAILED {name}, run {number}, {directory}: {problem!r}", flush=True)
        print(f"{name}: " + ", ".join(f"{times} {what}" for what, times in sorted(total.items())), flush=True)
    if not failures:
        shutil.rmtree(directory)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
