"""Moving a running server's data: the target follows the source as its replica, until it takes over.

The servers copy the data themselves, by PSYNC; here they are told to, and watched. Then writes to the source are held
(CLIENT PAUSE WRITE), the target is let have the rest, what it has is compared, and it becomes a primary.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from redracer.cli.migration.verification import Difference, compare, databases_of
from redracer.verify.connection import Connection, ServerError, Target, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_EVERY = 0.2  # s
CLOSE_ENOUGH = 1 << 20  # bytes of lag at which writes are held
MOST_DIFFERENCES = 20  # that are told
PAUSES_WRITES_SINCE = (6, 2)


class MigrationError(Exception):
    """It cannot be done; the text says why, and what would help."""


class Report(NamedTuple):
    """What was done. Seconds of each step; `held`: from the first write that waited to the end."""

    databases: dict[int, int]  # their keys
    copying: float
    held: float
    compared: int
    differences: list[Difference]


class Endpoint:
    """One of the two servers."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.connection = Connection(target)
        self.connection.login()
        self.info = self.read_info()

    def ask(self, *words: bytes | str | int | float) -> object:
        """A command's reply. Raises ServerError, Unreachable."""
        return self.connection.ask(*words)

    def read_info(self, section: str = "default") -> dict[str, str]:
        """The fields of INFO."""
        text: bytes = self.connection.ask("INFO", section)
        return dict(
            line.split(":", 1) for line in text.decode("utf-8", "replace").splitlines() if ":" in line
        )

    @property
    def name(self) -> str:
        """Where it is, and what it is."""
        return f"{self.target.address} (Redis {self.info.get('redis_version', '?')})"

    @property
    def version(self) -> tuple[int, ...]:
        """Of the Redis that it is like."""
        return tuple(
            int(part) for part in self.info.get("redis_version", "0").split(".")[:2] if part.isdigit()
        )


class Migration:
    """One migration. `say(text, transient)`: a line for the user; a transient one is written over by the next."""

    def __init__(
        self, source: Target, target: Target, say: Callable[[str, bool], None], patience: float
    ) -> None:
        self.source = Endpoint(source)
        self.target = Endpoint(target)
        self.say = say
        self.patience = patience
        self.restore: list[tuple[str, str]] = []  # settings of the target, as they were

    def check(self, replace: bool) -> None:
        """Raises MigrationError where it would lose something."""
        if self.source.info.get("run_id") == self.target.info.get("run_id"):
            raise MigrationError("the source and the target are the same server")
        if self.target.info.get("role") != "master":
            raise MigrationError(f"{self.target.name} is a replica; promote it first with REPLICAOF NO ONE")
        if any(databases_of(self.target.connection).values()) and not replace:
            raise MigrationError(f"{self.target.name} has data, which --replace would have it lose")

    def run(self, verify: bool, hold_seconds: float) -> Report:
        """Copies, holds writes, compares if wanted, and hands over. Raises MigrationError, ServerError, Unreachable.

        Whatever goes wrong: the source goes on as before.
        """
        began = time.monotonic()
        try:
            self._follow()
            self._wait_for_copy()
            copying = time.monotonic() - began
            held = time.monotonic()
            compared, differences = self._cut_over(verify, hold_seconds)
        except BaseException:
            self._give_up()
            raise
        if differences:
            self._give_up()
        else:
            self.target.ask("REPLICAOF", "NO", "ONE")
            self._restore_settings()
        return Report(
            databases_of(self.target.connection), copying, time.monotonic() - held, compared, differences
        )

    # --- the copy

    def _follow(self) -> None:
        host, port = self._reachable_source()
        credentials = self.source.target
        self._set("masteruser", credentials.user)
        self._set("masterauth", credentials.password or "")
        try:
            self._set("tls-replication", "yes" if credentials.tls is not None else "no", default="no")
        except ServerError as error:
            raise MigrationError(
                f"{self.target.name} cannot follow over TLS, for which it needs tls-cert-file, tls-key-file and "
                f"tls-ca-cert-file: {error}"
            ) from None
        self.target.ask("REPLICAOF", host, port)
        self.say(f"{self.target.name} follows {self.source.name}", False)

    def _set(self, name: str, value: str, default: str = "") -> None:
        """Sets an option of the target for the time of the copy. `default`: its value where it is unknown, or null."""
        found: list[bytes] = self.target.connection.ask("CONFIG", "GET", name)
        old = found[1].decode() if len(found) > 1 and found[1] else default
        if old != value:
            self.target.ask("CONFIG", "SET", name, value)
            self.restore.append((name, old))

    def _reachable_source(self) -> tuple[str, int]:
        endpoint = self.source.target.endpoint()
        if isinstance(endpoint, str):
            raise MigrationError("the target cannot follow a source by its Unix socket: give HOST:PORT")
        return endpoint

    def _wait_for_copy(self) -> None:
        """Until the target is in the stream, and close to its end."""
        silent_since = time.monotonic()
        last: tuple[str, ...] = ()
        while True:
            info = self.target.read_info("replication")
            if info.get("master_link_status") == "up":
                lag = self._lag(info)
                self.say(f"copied; {lag} bytes behind", True)
                if lag <= CLOSE_ENOUGH:
                    return
            else:
                self.say(self._progress(info), True)
            state = tuple(info.get(name, "") for name in ("master_sync_read_bytes", "slave_repl_offset"))
            loading = self.target.read_info("persistence").get("loading_loaded_bytes", "")
            if (*state, loading) != last:
                last, silent_since = (*state, loading), time.monotonic()
            elif time.monotonic() - silent_since > self.patience:
                raise MigrationError(
                    f"no progress for {self.patience:.0f} s: the logs of both servers say why (a password, a user "
                    "who may not PSYNC, a version of the RDB format that the target does not read)"
                )
            time.sleep(LOOK_EVERY)

    @staticmethod
    def _progress(info: dict[str, str]) -> str:
        total, read = int(info.get("master_sync_total_bytes", 0)), int(info.get("master_sync_read_bytes", 0))
        if info.get("master_sync_in_progress") != "1":
            return "waiting for the source's snapshot"
        if total > 0:
            filled = min(30 * read // total, 30)
            return f"copying [{'#' * filled}{'-' * (30 - filled)}] {100 * read // total} % of {total} bytes"
        return f"copying: {read} bytes"

    def _lag(self, target_info: dict[str, str]) -> int:
        source = int(self.source.read_info("replication").get("master_repl_offset", 0))
        return max(source - int(target_info.get("slave_repl_offset", 0)), 0)

    # --- the cut-over

    def _cut_over(self, verify: bool, hold_seconds: float) -> tuple[int, list[Difference]]:
        self._hold_writes(hold_seconds)
        place = int(self.source.read_info("replication")["master_repl_offset"])
        deadline = time.monotonic() + self.patience
        while int(self.target.read_info("replication").get("slave_repl_offset", 0)) < place:
            if time.monotonic() > deadline:
                raise MigrationError("the target does not catch up while writes are held")
            time.sleep(LOOK_EVERY / 10)
        if not verify:
            return 0, []
        compared, told = 0, time.monotonic()

        def progress(keys: int) -> None:
            nonlocal compared, told
            compared = keys
            self.say(f"comparing: {keys} keys", True)
            if time.monotonic() - told > hold_seconds / 4:
                told = time.monotonic()
                self._hold_writes(hold_seconds)

        differences = []
        for one in compare(self.source.connection, self.target.connection, progress):
            differences.append(one)
            if len(differences) >= MOST_DIFFERENCES:
                break
        return compared, differences

    def _hold_writes(self, seconds: float) -> None:
        if self.source.version < PAUSES_WRITES_SINCE:
            self.say("the source cannot hold writes (CLIENT PAUSE WRITE is of 6.2): stop the writers", False)
            return
        self.source.ask("CLIENT", "PAUSE", int(seconds * 1000), "WRITE")

    def _give_up(self) -> None:
        """The source goes on; the target is left a primary of its own with what it has."""
        for words in (("CLIENT", "UNPAUSE"), ("REPLICAOF", "NO", "ONE")):
            with suppress(ServerError, Unreachable):
                (self.source if words[0] == "CLIENT" else self.target).ask(*words)
        with suppress(ServerError, Unreachable):
            self._restore_settings()

    def _restore_settings(self) -> None:
        for name, value in self.restore:
            self.target.ask("CONFIG", "SET", name, value)
        self.restore.clear()
