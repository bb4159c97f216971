"""The time of a store, in the hands of a test.

The store's time is the system's plus what was ticked, or stands still. A tick lets everything happen that the time
would have brought: keys expire, waits end, their subscribers hear of it, all before `tick` returns.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redracer.embedded.store import Store

MILLISECOND = timedelta(milliseconds=1)


class Clock:
    """The clock of a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.dispatcher = store.engine.dispatcher

    @property
    def now(self) -> datetime:
        """What time it is for the store."""
        return datetime.fromtimestamp(self.dispatcher.unix_microseconds() / 1e6, UTC)

    def tick(
        self,
        seconds: float = 0,
        *,
        milliseconds: float = 0,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
    ) -> None:
        """Lets time pass at once. Raises ValueError for none, and for a time before now."""
        self._advance(
            timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
        )

    def move_to(self, when: datetime) -> None:
        """Lets time pass until `when`, which has a time zone. Raises ValueError if that is over."""
        if when.tzinfo is None:
            raise ValueError("a time without its zone: say datetime(..., tzinfo=UTC)")
        self._advance(when - self.now)

    def freeze(self) -> None:
        """Time stands still from now on, but for ticks: what waits for it to pass (BLPOP's timeout) waits for those."""
        with self.store.lock:
            self.dispatcher.frozen = self.dispatcher.unix_microseconds() // 1000

    def resume(self) -> None:
        """Time goes on from where it stands."""
        with self.store.lock:
            stood_at, self.dispatcher.frozen = self.dispatcher.frozen, 0
            if stood_at:
                self.dispatcher.time_shift += stood_at - self.dispatcher.unix_microseconds() // 1000

    def _advance(self, step: timedelta) -> None:
        milliseconds = -(-step // MILLISECOND)  # rounded up: not before the moment that was asked for
        if milliseconds <= 0:
            raise ValueError("time goes forward: a tick is of a millisecond at least")
        store = self.store
        with store.lock:
            store.check()
            if self.dispatcher.frozen:
                self.dispatcher.frozen += milliseconds
            else:
                self.dispatcher.time_shift += milliseconds
            store.engine.tick()
            self._expire()
            store.ticker.advance(milliseconds / 1000)
            self.dispatcher.before_sending()

    def _expire(self) -> None:
        """Deletes all that has expired: the engine's own cycle would leave a few for later."""
        engine = self.store.engine
        engine.dispatcher.begin()
        for database in engine.databases:
            while database.expires:
                expired, _, _ = database.sample_expired(database.expires)
                if not expired:
                    break
                for key in expired:
                    engine.expire(database, key)
        while engine.work():
            pass

    def __repr__(self) -> str:
        return (
            f"<redracer.testing.Clock: {self.now.isoformat()}{', frozen' if self.dispatcher.frozen else ''}>"
        )
