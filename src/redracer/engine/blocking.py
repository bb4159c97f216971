# cython: annotation_typing=False
"""Clients that wait for keys: BLPOP and its kin, XREAD BLOCK, and whatever else waits for data.

There is one mechanism. A command that finds nothing calls `ctx.block(...)`; the client is BLOCKED and its
request is remembered. When a key that someone waits for has changed, and the command (or the transaction,
or the script) that changed it is over, the waiters of that key are called again in their order of arrival:
the same handler with the same arguments, which then replies or asks to go on waiting with the place in the
queue and the deadline that it had. Keys that this changes in turn are served after those that were ready
before. A waiter for a type is called only while the key holds that type, one for ANY_TYPE whatever happens to
the key, even if that is its end.

In the statistics a wait is one call, which is counted when it ends.

Waiting costs nothing: a dict entry per key and a heap entry for the deadline. Serving a key costs what its
waiters' calls cost, and one comparison where nothing is left for the next of them.
"""

from __future__ import annotations

import heapq
import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.replies import NO_REPLY, Error
from redracer.core.session import BLOCKED
from redracer.engine.client import REPLY_SKIP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redracer.engine.client import Client
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

ANY_TYPE = -1  # also what a keyspace says of a missing key
STALE_DEADLINES = 64  # that may be in the heap of deadlines before it is looked through for more

Place = tuple[int, bytes]  # a key: its database's index and its name
Queue = OrderedDict[
    int, "Waiter"
]  # by client id, in the order of arrival; O(1) at either end, as a dict is not


class Waiter:
    """One blocked client: what it asked for, and until when (Unix time in ms; 0: for ever)."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        __slots__ = ("argv", "client", "command", "database", "deadline", "keys", "timeout_reply", "type")

    def __init__(
        self,
        client: Client,
        command: Command,
        argv: list[bytes],
        keys: list[bytes],
        type: int,
        deadline: int,
        timeout_reply: Any,
    ) -> None:
        self.client = client
        self.command = command
        self.argv = argv
        self.keys = keys
        self.type = type
        self.deadline = deadline
        self.timeout_reply = timeout_reply  # a function of nothing: what it returns then
        self.database = client.db.index

    def reply_in_vain(self) -> Any:
        """What the client gets when the wait is over and nothing came of it."""
        return self.timeout_reply() if callable(self.timeout_reply) else self.timeout_reply


class Blocking:
    """Everyone who waits for keys. It observes keys only while somebody does."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.waiters: dict[int, Waiter] = {}  # by client id
        self.queues: dict[Place, dict[int, Queue]] = {}  # by key, by type
        self.ready: set[Place] = set()  # what is in the dispatcher's ready_keys
        self.resuming: Waiter | None = None
        self.deadlines: list[
            tuple[int, int, Waiter]
        ] = []  # a heap; waits that are over stay in it for a while
        self.stale_deadlines = 0
        self.sequence = 0
        self.timer_at = 0
        self.timer: Any = None

    @property
    def timed_count(self) -> int:
        """The number of clients that do not wait for ever."""
        return len(self.deadlines) - self.stale_deadlines

    @property
    def key_count(self) -> int:
        """The number of keys that someone waits for."""
        return len(self.queues)

    @property
    def any_type_key_count(self) -> int:
        """The number of keys whose end would wake someone. O(keys)."""
        return sum(1 for queues in self.queues.values() if ANY_TYPE in queues)

    def block(
        self,
        client: Client,
        argv: list[bytes],
        keys: list[bytes],
        type: int,
        timeout: int,
        timeout_reply: Any,
    ) -> Any:
        """Has `client` wait for any of `keys` to change into something of `type`, then call `argv` again.

        `timeout` is in ms, 0 for ever; then the client gets `timeout_reply`. `argv` is the client's request
        in the form in which it is to be called again (XREAD turns `$` into an id). O(keys).
        """
        if self.resuming is not None and self.resuming.client is client:
            self.resuming.argv = argv
            return NO_REPLY
        assert client.last_command is not None
        deadline = self.engine.clock.now + timeout if timeout else 0
        waiter = Waiter(
            client, client.last_command, argv, list(dict.fromkeys(keys)), type, deadline, timeout_reply
        )
        if not self.waiters:
            self.engine.effects.observe(self)
        self.waiters[client.id] = waiter
        for key in waiter.keys:
            queues = self.queues.setdefault((waiter.database, key), {})
            queues.setdefault(type, OrderedDict())[client.id] = waiter
        client.state |= BLOCKED
        client.blocked = waiter
        if deadline:
            self.sequence += 1
            heapq.heappush(self.deadlines, (deadline, self.sequence, waiter))
            self._set_timer()
        return NO_REPLY

    # --- keys that change

    def key_changed(self, database: int, key: bytes, event: str) -> None:
        """The effects say that a key changed: its waiters are served when the command is over."""
        self._make_ready((database, key))

    def key_event(self, database: int, key: bytes, event: str) -> None:
        """An event without a change serves nobody."""

    def databases_swapped(self, first: int, second: int) -> None:
        """Any key of these databases may be another now. O(keys that are waited for)."""
        self.databases_flushed([first, second])

    def databases_flushed(self, databases: list[int]) -> None:
        """Every key of these databases will be gone when the command is over. O(keys that are waited for)."""
        for place in self.queues:
            if place[0] in databases:
                self._make_ready(place)

    def _make_ready(self, place: Place) -> None:
        if place in self.queues and place not in self.ready:
            self.ready.add(place)
            self.engine.dispatcher.ready_keys.append(place)

    def serve(self) -> None:
        """Calls the waiters of the keys that changed, then of those that serving them changed, and so on.

        Not in the middle of a script, from which other clients may be served: it is one change with all the rest.
        """
        if self.engine.effects.held:
            return
        dispatcher = self.engine.dispatcher
        dispatcher.set_time()  # what was made by a long request may have expired by now
        while dispatcher.ready_keys:
            places, dispatcher.ready_keys = dispatcher.ready_keys, []
            for place in places:
                self.ready.discard(place)
                self._serve_key(place)

    def _serve_key(self, place: Place) -> None:
        type = self._type_of(place)
        if type != ANY_TYPE:
            for waiter in self._in_order(place, type):
                if self._type_of(place) != type:
                    break
                self._call_again(waiter)
        for waiter in self._in_order(place, ANY_TYPE):
            self._call_again(waiter)

    def _type_of(self, place: Place) -> int:
        """The type that a key holds now, ANY_TYPE for none; not a use of the key."""
        return self.engine.databases[place[0]].type_of(place[1])

    def _in_order(self, place: Place, type: int) -> Iterator[Waiter]:
        """The waiters of a key for a type in their order of arrival, while any of them may leave.

        The usual case, that each is served and leaves, looks at no other: O(1) a waiter.
        """
        queue = self.queues.get(place, {}).get(type)
        while queue:
            first = next(iter(queue.values()))
            yield first
            if queue.get(first.client.id) is first:
                break
        else:
            return
        for waiter in list(queue.values())[1:]:
            if queue.get(waiter.client.id) is waiter:
                yield waiter

    def _call_again(self, waiter: Waiter) -> None:
        client = waiter.client
        self.resuming = waiter
        self.engine.dispatcher.current = client
        try:
            reply = self.engine.dispatcher.call(client, waiter.command, waiter.argv)
        finally:
            self.resuming = None
        if reply is not NO_REPLY and self.waiters.get(client.id) is waiter:
            self._finish(waiter, reply)

    # --- the end of waiting

    def _finish(self, waiter: Waiter, reply: Any) -> None:
        """Replies to a waiter and lets its client go on."""
        client = waiter.client
        self.forget(client)
        client.last_interaction = self.engine.clock.now
        self.engine.dispatcher.reply(client, reply)
        self.engine.dispatcher.send_deferred()
        client.flags &= ~REPLY_SKIP
        if client.transport is not None:
            client.transport.wake()
            client.transport.resume()

    def forget(self, client: Client) -> None:
        """The client waits no more: it was served, or it is gone. O(keys)."""
        waiter = self.waiters.pop(client.id, None)
        if waiter is None:
            return
        client.blocked = None
        client.state &= ~BLOCKED
        for key in waiter.keys:
            self._leave_queue((waiter.database, key), waiter)
        if waiter.deadline:
            self._drop_deadlines()
        if not self.waiters:
            self.engine.effects.stop_observing(self)

    def _leave_queue(self, place: Place, waiter: Waiter) -> None:
        queues = self.queues[place]
        queue = queues[waiter.type]
        del queue[waiter.client.id]
        if not queue:
            del queues[waiter.type]
            if not queues:
                del self.queues[place]

    def unblock(self, client: Client, with_error: bool) -> bool:
        """CLIENT UNBLOCK: as if the time were over, or with an error; whether the client was waiting."""
        waiter = self.waiters.get(client.id)
        if waiter is None:
            return False
        if with_error:
            self.engine.count_error(errors.UNBLOCKED)
        self._give_up(waiter, Error(errors.UNBLOCKED) if with_error else waiter.reply_in_vain())
        return True

    def end_all(self) -> None:
        """The data is about to be another server's: whoever waits for it is told so, and has to connect anew."""
        for waiter in list(self.waiters.values()):
            self._give_up(waiter, Error(errors.ROLE_CHANGED))
            waiter.client.close_after_reply()

    def retry(self, client: Client) -> None:
        """Calls what a client waits with again: something that is no key has changed."""
        self._call_again(self.waiters[client.id])

    def _give_up(self, waiter: Waiter, reply: Any) -> None:
        """Ends a wait that found nothing."""
        failed = isinstance(reply, Error)
        self.engine.dispatcher.count_wait(waiter.client, waiter.command, waiter.argv, failed)
        self._finish(waiter, reply)

    # --- deadlines

    def expire_deadlines(self) -> None:
        """Gives everyone whose time is over their reply."""
        self.timer_at = 0
        self.engine.dispatcher.begin()
        now = self.engine.clock.now
        while self.deadlines and self.deadlines[0][0] <= now:
            waiter = heapq.heappop(self.deadlines)[2]
            if self.waiters.get(waiter.client.id) is waiter:
                waiter.deadline = 0  # it is in the heap no more
                self._give_up(waiter, waiter.reply_in_vain())
            else:
                self.stale_deadlines -= 1
        self._set_timer()

    def _drop_deadlines(self) -> None:
        """One more deadline in the heap is stale; looks through it when that is true of most. Amortised O(1)."""
        self.stale_deadlines += 1
        if self.stale_deadlines > max(len(self.deadlines) // 2, STALE_DEADLINES):
            self.deadlines = [
                entry for entry in self.deadlines if self.waiters.get(entry[2].client.id) is entry[2]
            ]
            heapq.heapify(self.deadlines)
            self.stale_deadlines = 0

    def _set_timer(self) -> None:
        """Has `expire_deadlines` called at the first deadline."""
        call_later = self.engine.ports.get("call_later")
        if not self.deadlines or call_later is None:
            return
        first = self.deadlines[0][0]
        if self.timer_at and self.timer_at <= first:
            return
        if self.timer_at and self.timer is not None:
            self.timer.cancel()
        self.timer_at = first
        self.timer = call_later(max(first - self.engine.clock.now, 0) / 1000 + 0.001, self.expire_deadlines)
