"""What clients have asked a store, and assertions about it that say what was asked instead."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from redracer.embedded.values import encode
from redracer.engine.monitors import quoted
from redracer.testing.greetings import is_greeting

if TYPE_CHECKING:
    from types import TracebackType

    from redracer.embedded.session import Session
    from redracer.embedded.store import Store

SHOWN = 30  # requests in a message, the last ones
# What clients say of themselves when they connect.
GREETINGS = {
    b"hello",
    b"auth",
    b"select",
    b"client setinfo",
    b"client setname",
    b"client maint_notifications",
}


class _Any:
    """Equal to every argument."""

    def __repr__(self) -> str:
        return "ANY"


ANY = _Any()


class Request(tuple[bytes, ...]):
    """A request: its arguments, the name first. `database` is the one that its client was in."""

    database: int

    @classmethod
    def of(cls, argv: list[bytes], database: int) -> Request:
        """The request with these arguments."""
        request = cls(argv)
        request.database = database
        return request

    @property
    def is_greeting(self) -> bool:
        """Whether a client says something of itself while it connects."""
        return is_greeting(list(self))

    def matches(self, pattern: tuple[Any, ...]) -> bool:
        """Whether it is `pattern`: arguments in which ANY is any one, and a last `...` any number of them.

        The name is compared without regard to case.
        """
        rest = bool(pattern) and pattern[-1] is ...
        wanted = pattern[:-1] if rest else pattern
        if len(self) < len(wanted) or (len(self) > len(wanted) and not rest):
            return False
        pairs = list(zip(self, wanted, strict=False))
        return all(
            want is ANY or (got.lower() == encode(want).lower() if at == 0 else got == encode(want))
            for at, (got, want) in enumerate(pairs)
        )

    def __repr__(self) -> str:
        return shown(self)


class Recorder:
    """Records what is sent to a store between `start` and `stop`, or in a `with` block. One at a time for a store.

    `requests` leaves out what clients say of themselves when they connect; `everything` has that too.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.everything: list[Request] = []

    @property
    def requests(self) -> list[Request]:
        """What was asked, in order."""
        return [request for request in self.everything if not request.is_greeting]

    def start(self) -> None:
        """Records from now on."""
        self.store.observer = self._note

    def stop(self) -> None:
        """Records no more."""
        self.store.observer = None

    def clear(self) -> None:
        """Forgets what was asked until now."""
        self.everything.clear()

    def _note(self, session: Session, argv: list[bytes]) -> None:
        self.everything.append(Request.of(argv, session.client.db.index))

    def matching(self, *pattern: Any) -> list[Request]:
        """The requests that match: `matching("GET", ...)`, `matching("SET", "key", ANY)`."""
        return [request for request in self.requests if request.matches(pattern)]

    def assert_sent(self, *pattern: Any, times: int | None = None) -> None:
        """That a request was sent: at least once, or so many times."""
        __tracebackhide__ = True
        found = len(self.matching(*pattern))
        if times is None and not found:
            raise AssertionError(f"{shown(pattern)} was not sent{self._instead(pattern)}")
        if times is not None and found != times:
            raise AssertionError(
                f"{shown(pattern)} was sent {times_(found)}, not {times_(times)}{self._instead(pattern)}"
            )

    def assert_not_sent(self, *pattern: Any) -> None:
        """That no such request was sent."""
        __tracebackhide__ = True
        found = self.matching(*pattern)
        if found:
            raise AssertionError(f"{shown(pattern)} was sent{self._instead(pattern)}")

    def assert_only_sent(self, *patterns: tuple[Any, ...]) -> None:
        """That exactly these requests were sent, in this order."""
        __tracebackhide__ = True
        requests = self.requests
        if len(requests) == len(patterns) and all(map(Request.matches, requests, patterns)):
            return
        wanted = [shown(pattern) for pattern in patterns]
        sent = [
            wanted[at] if at < len(patterns) and request.matches(patterns[at]) else shown(request)
            for at, request in enumerate(requests)
        ]
        lines = difflib.ndiff(wanted, sent)
        text = "\n".join(f"  {line}" for line in lines if not line.startswith("?"))
        raise AssertionError(f"other requests were sent (-: missing, +: not expected):\n{text}")

    def _instead(self, pattern: tuple[Any, ...]) -> str:
        """What was sent, with a mark at what is nearest."""
        requests = self.requests
        if not requests:
            return "; nothing was"
        lines = [shown(request) for request in requests]
        near = difflib.get_close_matches(shown(pattern), lines, n=1, cutoff=0.5)
        more = [f"  ... {len(lines) - SHOWN} before"] if len(lines) > SHOWN else []
        told = [f"{'>' if line in near else ' '} {line}" for line in lines[-SHOWN:]]
        return "; this was:\n" + "\n".join(more + told)

    def __enter__(self) -> Recorder:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return "<redracer.testing.Recorder:" + "".join(f"\n  {request!r}" for request in self.requests) + ">"


def shown(arguments: tuple[Any, ...]) -> str:
    """A request or a pattern as one types it, with quotes where they are needed."""
    return " ".join(_shown(argument) for argument in arguments)


def _shown(argument: Any) -> str:
    if argument is ...:
        return "..."
    if argument is ANY:
        return "ANY"
    text = quoted(encode(argument)).decode("latin-1")
    plain = text[1:-1]
    return plain if plain and not set(plain) & set(" '\\\"") else text


def times_(count: int) -> str:
    """A number of times in words."""
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
