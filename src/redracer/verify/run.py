"""The verification from its first connection to the clean-up.

The order matters: what cannot be reached or entered has no data to look at, and whatever happens in between, the
clean-up runs. A check that fails is a result; only wrong usage raises.
"""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum

from redracer.verify import marker
from redracer.verify.checks import DATA_CHECKS, CheckFailed, Keys, wait_until
from redracer.verify.connection import Connection, ServerError, Target, Unreachable
from redracer.verify.report import Category, Report, Result, Status

PREFIX = "redracer:verify:"
PATIENCE = 120.0  # s for a save, and for a server to come back
Check = Callable[[], str]


class Phase(StrEnum):
    """The half of a verification around a restart that somebody else does."""

    BEFORE = "before"
    AFTER = "after"


class Skipped(Exception):
    """The check does not apply; the text says why."""


def verify(
    target: Target,
    *,
    prefix: str = PREFIX,
    phase: Phase | None = None,
    restart: str | None = None,
    patience: float = PATIENCE,
) -> Report:
    """Verify a server; the report of every check.

    `prefix` begins every key and channel that is used. `phase` BEFORE leaves the marker set for AFTER to find and
    remove. `restart` is a shell command that restarts the server; then the marker set is checked at once. `patience`
    is in seconds. Raises ValueError for an address that is none, an empty prefix, or `phase` together with `restart`.
    """
    target.endpoint()
    if not prefix:
        raise ValueError("the prefix must not be empty: keys of others could be meant")
    if phase and restart:
        raise ValueError("a verification with a restart of its own has no phases")
    return Verification(target, prefix, phase, restart, patience).run()


class Verification:
    """One run: its target, its keys, and the report that grows."""

    def __init__(
        self, target: Target, prefix: str, phase: Phase | None, restart: str | None, patience: float
    ) -> None:
        self.target = target
        self.phase = phase
        self.restart = restart
        self.patience = patience
        self.keys = Keys(f"{prefix}{secrets.token_hex(6)}:")
        self.marker_keys = Keys(f"{prefix}marker:")
        self.report = Report(target.address)

    def run(self) -> Report:
        if not self._check("reachable", Category.CONNECTION, self._reachable):
            return self.report
        self._check("password accepted", Category.AUTHENTICATION, self._accepted)
        self._check("wrong password refused", Category.AUTHENTICATION, self._wrong_refused)
        self._check("missing password refused", Category.AUTHENTICATION, self._missing_refused)
        if not self.report.passed:
            return self.report
        try:
            self._checks_of_data()
            self._forget_data()
            self._checks_of_persistence()
        finally:
            self._check("nothing left behind", Category.CLEANUP, self._clean)
        return self.report

    def _check(self, name: str, category: Category, check: Check) -> bool:
        """Run a check and report it; whether it passed."""
        start = time.monotonic()
        try:
            detail, status = check(), Status.PASSED
        except Skipped as error:
            detail, status = str(error), Status.SKIPPED
        except (CheckFailed, ServerError, Unreachable) as error:
            detail, status = str(error), Status.FAILED
        self.report.results.append(Result(name, category, status, detail, time.monotonic() - start))
        return status is Status.PASSED

    def _connected(self) -> Connection:
        """A connection that is logged in. Raises ServerError and Unreachable."""
        connection = Connection(self.target)
        try:
            connection.login()
        except (ServerError, Unreachable):
            connection.close()
            raise
        return connection

    # --- getting in

    def _reachable(self) -> str:
        with Connection(self.target) as server:
            try:
                server.ask("PING")
            except ServerError as error:  # an answer, even if it is that a password is needed
                return f"{self.target.address} answers: {error}"
        return f"{self.target.address} answers"

    def _accepted(self) -> str:
        with self._connected() as server:
            server.ask("PING")
            about = marker.information(server)
            self.report.server = f"version {about.get('redis_version', 'unknown')}"
        if self.target.password is None:
            raise Skipped("no password was given, and the server asks for none: anybody may enter")
        return "AUTH, PING"

    def _wrong_refused(self) -> str:
        if self.target.password is None:
            raise Skipped("no password was given")
        wrong = replace(self.target, password=self.target.password + secrets.token_hex(8))
        with Connection(wrong) as server:
            try:
                server.login()
            except ServerError as error:
                if str(error).startswith("WRONGPASS"):
                    return str(error)
                raise
        raise CheckFailed("a wrong password was accepted")

    def _missing_refused(self) -> str:
        if self.target.password is None:
            raise Skipped("no password was given")
        with Connection(self.target) as server:
            try:
                server.ask("PING")
            except ServerError as error:
                if str(error).startswith("NOAUTH"):
                    return str(error)
                raise
        raise CheckFailed("the server answers without a password")

    # --- data

    def _checks_of_data(self) -> None:
        for name, check in DATA_CHECKS.items():
            self._check(name, Category.DATA, lambda check=check: self._with_server(check))  # type: ignore[misc]

    def _with_server(self, check: Callable[[Connection, Keys], str]) -> str:
        """Each check has a connection of its own: one that broke must not spoil the next."""
        with self._connected() as server:
            return check(server, self.keys)

    def _forget_data(self) -> None:
        """Deletes what the checks of data wrote before anything is saved: a crash later must not bring it back."""
        with suppress(ServerError, Unreachable), self._connected() as server:  # the clean-up will tell
            server.ask("DEL", *self.keys.used)

    # --- persistence

    def _checks_of_persistence(self) -> None:
        if self.phase is Phase.AFTER:
            self._marked("restarted", marker.restarted)
            self._marked("data after the restart", marker.checked)
            return
        if not self._marked("marker set written", marker.written):
            return
        saved = self._marked("saved", lambda server, _: marker.saved(server, self.patience))
        if not self.restart:
            self._marked("data after the save", marker.checked)
        elif saved and self._check("restarted", Category.PERSISTENCE, self._restarted):
            self._marked("data after the restart", marker.checked)

    def _marked(self, name: str, check: Callable[[Connection, Keys], str]) -> bool:
        def on_marker() -> str:
            with self._connected() as server:
                return check(server, self.marker_keys)

        return self._check(name, Category.PERSISTENCE, on_marker)

    def _restarted(self) -> str:
        """Runs the command, and waits until another process serves."""
        with self._connected() as server:
            before = marker.information(server)["run_id"]
        assert self.restart
        try:
            done = subprocess.run(
                self.restart, shell=True, timeout=self.patience, capture_output=True, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            raise CheckFailed(f"the restart command has not ended within {self.patience:g} s") from None
        if done.returncode:
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
            raise CheckFailed(
                f"the restart command ended with {done.returncode}: {said or 'it said nothing'}"
            )
        wait_until(lambda: self._run_id() not in (None, before), self.patience, "another process serves")
        return "the server is another process than before"

    def _run_id(self) -> str | None:
        """The run_id of the server; None while there is none that serves."""
        try:
            with self._connected() as server:
                server.ask("EXISTS", self.keys("probe"))  # an error while the server still loads
                return marker.information(server)["run_id"]
        except (ServerError, Unreachable):
            return None

    # --- the end

    def _clean(self) -> str:
        """Removes every key; after a save also from the saved file, where a crash would find it again."""
        keep_marker = self.phase is Phase.BEFORE
        with self._connected() as server:
            names = self.keys.used + ([] if keep_marker else marker.names(self.marker_keys))
            server.ask("DEL", *names)
            left = server.ask("EXISTS", *names)
            if left:
                raise CheckFailed(f"{left} keys are left under {self.keys.prefix!r}")
            if keep_marker:
                return f"all removed but the marker set, {self.marker_keys.prefix}*, which `--phase after` removes"
            marker.saved(server, self.patience)
        return f"{len(names)} names removed, also from the saved file"
