"""One user of an embedded store: a client of the engine whose replies are kept as values, not bytes."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from redracer.core.replies import NO_REPLY, Push, Several
from redracer.core.session import BLOCKED, CLOSE_AFTER_REPLY, CLOSED, Transport
from redracer.embedded.messages import decoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from redracer.embedded.calls import Calls


class SessionTransport(Transport):
    """How the engine reaches the session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def wake(self) -> None:
        """What is no reply was encoded for the network."""
        for message in decoded(self.session.client.out.take()):
            self.session.arrived(message)

    def flush_now(self) -> None:
        """There are no bytes to be sent."""

    def resume(self) -> None:
        """What was sent behind a blocking command is executed now."""
        self.session.resumed()

    def close(self) -> None:
        """The engine closes the connection (CLIENT KILL, a limit)."""
        self.session.closed_by_engine()


class Session:
    """A connection without a network. All methods may be called by any thread; requests are executed in order.

    `on_reply`: called, with the store's lock held, whenever there is something to be read.
    """

    def __init__(self, store: Calls, resp: int = 3, on_reply: Callable[[], None] | None = None) -> None:
        self.store: Any = store
        self.replies: deque[Any] = deque()
        self.changed = threading.Condition(store.lock)
        self.on_reply = on_reply
        self.held: deque[list[bytes]] = deque()  # sent while the client is blocked
        self.late = 0  # replies that an outlet keeps back
        with store.lock:
            store.check()
            self.client = store.engine.connect(SessionTransport(self), local_address="127.0.0.1:0")
            self.client.address = f"127.0.0.1:{self.client.id}"  # nobody else's: CLIENT KILL may name it
            self.client.out.sink = self.arrived
            self.client.resp = resp
            store.sessions.add(self)

    @property
    def closed(self) -> bool:
        """Whether the engine knows it no more."""
        return bool(self.client.state & CLOSED)

    def send(self, argv: list[bytes]) -> None:
        """Executes a request, or keeps it until a blocking one before it is over. Raises StoreClosed."""
        store = self.store
        with store.lock:
            store.check()
            if store.observer is not None:
                store.observer(self, argv)
            if self.client.state & BLOCKED or self.held:
                self.held.append(argv)
            else:
                self._execute(argv)

    def _execute(self, argv: list[bytes]) -> None:
        dispatcher = self.store.engine.dispatcher
        dispatcher.begin()
        client = self.client
        dispatcher.execute(client, dispatcher.resolve(argv), argv)
        if client.retry:  # held by a pause
            client.retry = False
            self.held.appendleft(argv)
        dispatcher.before_sending()
        if client.state & CLOSE_AFTER_REPLY:
            self.close()

    def resumed(self) -> None:
        """The client is blocked no more."""
        self.client.state &= ~BLOCKED
        while self.held and not self.client.state & (BLOCKED | CLOSED):
            self._execute(self.held.popleft())

    def arrived(self, value: Any) -> None:
        """A reply, or a message; NO_REPLY says that there is none, yet or at all."""
        if value is NO_REPLY:
            return
        if self.store.outlet is None:
            self.deliver(value)
        else:
            self.store.outlet(self, value)

    def deliver(self, value: Any) -> None:
        """Puts it where it is read."""
        if type(value) is Several:
            self.replies.extend(value.items)
        else:
            self.replies.append(value)
        self.changed.notify_all()
        if self.on_reply is not None:
            self.on_reply()

    def receive(self, timeout: float | None = None) -> Any:
        """The next reply; waits for it up to `timeout` seconds (None: for ever).

        Raises TimeoutError, and ConnectionError when the session is closed and everything was read.
        """
        if self.replies:
            return self.replies.popleft()
        with self.changed:
            deadline = None if timeout is None else time.monotonic() + timeout
            while not self.replies:
                if self.closed:
                    raise ConnectionError("the store has closed this connection")
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError("no reply came in time")
                self.changed.wait(left)
            return self.replies.popleft()

    @property
    def waits(self) -> bool:
        """Whether a reply is still to come, or would be if the connection were not closed."""
        return bool(self.client.state & (BLOCKED | CLOSED) or self.held or self.late)

    def reply_to(self, argv: list[bytes]) -> Any:
        """Executes a request; its reply, or NO_REPLY if that is not there yet. Messages are dropped."""
        self.send(argv)
        while self.replies:
            reply = self.replies.popleft()
            if type(reply) is not Push:
                return reply
        return NO_REPLY

    def next_reply(self) -> Any:
        """Waits for the next reply; messages are dropped. Raises ConnectionError."""
        while type(reply := self.receive()) is Push:
            pass
        return reply

    def wait(self, timeout: float | None) -> bool:
        """Waits until there is a reply, or `timeout` seconds have passed; whether there is one."""
        with self.changed:
            return bool(self.changed.wait_for(lambda: self.replies or self.closed, timeout))

    def closed_by_engine(self) -> None:
        """The connection ends now."""
        self.close()

    def close(self) -> None:
        """Ends the session; a second call changes nothing."""
        with self.store.lock:
            if self.closed:
                return
            self.client.state |= CLOSED
            if self.store.unusable:  # in a forked child: nothing of the parent's is touched
                return
            self.store.sessions.discard(self)
            self.store.engine.client_gone(self.client)
            self.client.transport = None
            self.client.out.sink = None
            self.changed.notify_all()
            if self.on_reply is not None:
                self.on_reply()
