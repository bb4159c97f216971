"""Failovers by redis-sentinel: python -m tests.sentinel [--failovers 50] [--only WORDS] [--base-port 33400].
`make sentinel` runs it.

Three Sentinels watch a primary and two replicas. A client writes and asks WAIT 1 for each write. The primary is killed
and started again, or stopped and continued, by turns; each time another must take its role, every write that WAIT has
acknowledged must be there, and the old primary must become a replica of the new one. Prints a line per set of servers,
with the time in which nothing could be written beyond Sentinel's own setting (down-after-milliseconds).
"""

from __future__ import annotations

import argparse
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.replication.node import REAL, Node, eventually

SENTINEL = shutil.which("redis-sentinel")
SETS = {
    "redracer": ["ours", "ours", "ours"],
    "redracer, replicas redis": ["ours", "redis", "redis"],
    "redis, replicas redracer": ["redis", "ours", "ours"],
    "redis alone": ["redis", "redis", "redis"],  # for the time that Sentinel itself takes
}
FAILOVER_TIMEOUT = 1500  # ms; within twice this time Sentinel does not begin another failover
DOWN_AFTER = 1000  # ms of silence after which a Sentinel takes a server for dead
NAME = "primary"


class Sentinels:
    """Three of them."""

    def __init__(self, base_port: int, primary: int, directory: Path) -> None:
        self.processes = []
        self.clients = []
        for number in range(3):
            port = base_port + number
            home = directory / f"sentinel-{number}"
            home.mkdir()
            settings = home / "sentinel.conf"
            settings.write_text(
                f"port {port}\ndir {home}\nsentinel monitor {NAME} 127.0.0.1 {primary} 2\n"
                f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER}\n"
                f"sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT}\nsentinel parallel-syncs {NAME} 2\n"
            )
            with (home / "log").open("wb") as log:
                self.processes.append(
                    subprocess.Popen([str(SENTINEL), str(settings)], stdout=log, stderr=log)
                )
            client = redis.Redis(
                port=port, socket_timeout=5, decode_responses=True, protocol=2, retry=Retry(NoBackoff(), 0)
            )
            client.response_callbacks.clear()  # what Sentinel says, as it says it
            self.clients.append(client)
        for client in self.clients:
            eventually(client.ping, "a Sentinel does not start")
            # So that an old primary is made a replica after 2 seconds, not 8.
            client.execute_command("SENTINEL", "DEBUG", "publish-period", 500, "info-period", 1000)

    def primary(self) -> int:
        """The port of the primary, as one of them says."""
        for client in self.clients:
            try:
                return int(client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[1])
            except redis.RedisError:
                continue
        raise TimeoutError("no Sentinel answers")

    def agree_on(self, port: int, replicas: set[int]) -> bool:
        """Whether all of them know this primary, these replicas, and one another."""
        for client in self.clients:
            words = client.execute_command("SENTINEL", "MASTER", NAME)
            state = dict(zip(words[::2], words[1::2], strict=True))
            good = set()
            for words in client.execute_command("SENTINEL", "REPLICAS", NAME):
                found = dict(zip(words[::2], words[1::2], strict=True))
                if found["flags"] == "slave":
                    good.add(int(found["port"]))
            if int(state["port"]) != port or state["num-other-sentinels"] != "2" or not replicas <= good:
                return False
        return True

    def stop(self) -> None:
        """Ends them."""
        for process in self.processes:
            process.kill()
            process.wait()


class Writer(threading.Thread):
    """Writes one key after the other to whoever is the primary, and notes what WAIT 1 has acknowledged."""

    def __init__(self, sentinels: Sentinels) -> None:
        super().__init__(daemon=True)
        self.sentinels = sentinels
        self.number = 0
        self.acknowledged: list[int] = []
        self.last_time = time.monotonic()  # of the last one that was
        self.gap = 0.0  # s, the longest between two
        self.stopped = False

    def run(self) -> None:
        client = None
        while not self.stopped:
            try:
                if client is None:
                    client = redis.Redis(
                        port=self.sentinels.primary(),
                        socket_timeout=0.5,
                        socket_connect_timeout=0.5,
                        retry=Retry(
                            NoBackoff(), 0
                        ),  # redis-py's own would wait for seconds for a dead server
                    )
                self.number += 1
                pipeline = client.pipeline(transaction=False)
                pipeline.set(f"written:{self.number}", self.number)
                pipeline.execute_command("WAIT", 1, 200)
                if pipeline.execute()[1] >= 1:
                    now = time.monotonic()
                    self.gap = max(self.gap, now - self.last_time)
                    self.last_time = now
                    self.acknowledged.append(self.number)
                else:
                    client = None
            except (redis.RedisError, TimeoutError):
                client = None
                time.sleep(0.01)


class Round:
    """One set of servers under its Sentinels."""

    def __init__(self, kinds: list[str], base_port: int, directory: Path) -> None:
        self.nodes = {
            base_port + place: Node(
                kind, base_port + place, directory / f"{place}-{kind}", base_port if place else 0, []
            )
            for place, kind in enumerate(kinds)
        }
        try:
            for node in self.nodes.values():
                node.start()
            self.sentinels = Sentinels(base_port + 10, base_port, directory)
        except TimeoutError:
            for node in self.nodes.values():
                node.kill()
            raise
        self.writer = Writer(self.sentinels)
        self.gaps: list[float] = []
        self.lost: list[int] = []

    def run(self, failovers: int) -> None:
        """Has the primary fail so often. Raises TimeoutError."""
        try:
            self._settle()
            self.writer.start()
            for number in range(failovers):
                self._fail_over(stop=number % 2 == 1)
                self._settle()
                self._check()
        finally:
            self.writer.stopped = True
            if self.writer.is_alive():
                self.writer.join(5)
            self.sentinels.stop()
            for node in self.nodes.values():
                if node.process is not None:
                    node.process.send_signal(signal.SIGCONT)
                node.kill()

    def _settle(self) -> None:
        """Waits until everyone has found their role."""

        def settled() -> bool:
            port = self.sentinels.primary()
            others = set(self.nodes) - {port}
            linked = all(
                self.nodes[other].client.info("replication").get("master_link_status") == "up"
                and self.nodes[other].client.info("replication").get("master_port") == port
                for other in others
            )
            return linked and self.sentinels.agree_on(port, others)

        eventually(settled, "the roles are not settled")

    def _fail_over(self, stop: bool) -> None:
        old = self.sentinels.primary()
        node = self.nodes[old]
        time.sleep(2 * FAILOVER_TIMEOUT / 1000)
        self.writer.gap = 0.0
        assert node.process is not None
        if stop:
            node.process.send_signal(signal.SIGSTOP)
        else:
            node.kill()
        failed = time.monotonic()
        eventually(lambda: self.sentinels.primary() != old, "there is no failover")
        eventually(lambda: self.writer.last_time > failed + DOWN_AFTER / 2000, "nothing can be written")
        eventually(lambda: self.writer.gap > DOWN_AFTER / 2000, "the gap is not over")
        self.gaps.append(self.writer.gap)
        if stop:
            node.process.send_signal(signal.SIGCONT)
        else:
            node.primary = 0  # it starts as what it was, and Sentinel tells it better
            node.start()

    def _check(self) -> None:
        """Every acknowledged write must be there."""
        client = self.nodes[self.sentinels.primary()].client
        numbers = list(self.writer.acknowledged)
        for at in range(0, len(numbers), 1000):
            part = numbers[at : at + 1000]
            found = client.mget([f"written:{number}" for number in part])
            self.lost += [
                n for n, value in zip(part, found, strict=True) if value is None and n not in self.lost
            ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sentinel", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--failovers", type=int, default=50, help="of the set of redracers alone; a fifth of others"
    )
    parser.add_argument("--only", default="", help="sets whose names contain these words")
    parser.add_argument("--base-port", type=int, default=33400)
    options = parser.parse_args()
    if SENTINEL is None or REAL is None:
        print("redis-sentinel and redis-server are needed (tests/compat/install-tools.sh)")
        return 1
    directory = Path(tempfile.mkdtemp(prefix="redracer-sentinel-"))
    failures = 0
    for number, (name, kinds) in enumerate(SETS.items()):
        if options.only not in name:
            continue
        home = directory / str(number)
        home.mkdir()
        count = options.failovers if number == 0 else max(options.failovers // 5, 1)
        round_ = Round(kinds, options.base_port + 20 * number, home)
        try:
            round_.run(count)
        except (TimeoutError, redis.RedisError) as problem:
            failures += 1
            print(f"FAILED {name}, {home}: {problem!r}", flush=True)
        failures += bool(round_.lost)
        beyond = [gap - DOWN_AFTER / 1000 for gap in round_.gaps] or [0.0]
        print(
            f"{name}: {len(round_.gaps)} failovers, {len(round_.writer.acknowledged)} acknowledged writes, "
            f"{len(round_.lost)} of them lost; without a primary beyond {DOWN_AFTER} ms: "
            f"median {statistics.median(beyond):.2f} s, longest {max(beyond):.2f} s",
            flush=True,
        )
    if not failures:
        shutil.rmtree(directory)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
