"""Clients that wait for keys: BLPOP and its kin, XREAD BLOCK, and whatever else waits for data.

There is one mechanism. A command that finds nothing calls `ctx.block(...)`; the client is BLOCKED and its
request is remembered. When a key that someone waits for has changed, and the command (or the transaction,
or the script) that changed it is over, the waiters of that key are called again in their order of arrival:
the same handler with the same arguments, which then replies or asks to go on waiting with the place in the
queue and the deadline that it had. Waiters look only at keys of the type that they wait for.

Waiting costs nothing: a dict entry per key and a heap entry for the deadline.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.replies import NO_REPLY, Error
from redracer.core.session import BLOCKED

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

ANY_TYPE = -1


class Waiter:
    """One blocked client: what it asked for, and until when (Unix time in ms; 0: for ever)."""

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
        self.timeout_reply = timeout_reply
        self.database = client.db.index


class Blocking:
    """Everyone who waits for keys. It observes keys only while somebody does."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.waiters: dict[int, Waiter] = {}  # by client id
        # (database, key) -> client id -> waiter, in the order of arrival
        self.by_key: dict[tuple[int, bytes], dict[int, Waiter]] = {}
        self.deadlines: list[tuple[int, int, Waiter]] = []
        self.timer_at = 0
        self.sequence = 0
        self.resuming: Waiter | None = None

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
        waiter = Waiter(client, client.last_command, argv, list(dict.fromkeys(keys)), type, deadline, timeout_reply)
        if not self.waiters:
            self.engine.effects.observe(self)
        self.waiters[client.id] = waiter
        for key in waiter.keys:
            self.by_key.setdefault((waiter.database, key), {})[client.id] = waiter
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
        if (database, key) in self.by_key:
            self.engine.dispatcher.ready_keys.append((database, key))

    def key_event(self, database: int, key: bytes, event: str) -> None:
        """An event without a change serves nobody."""

    def serve(self) -> None:
        """Calls the waiters of the keys that changed, and of those that serving them changed."""
        ready = self.engine.dispatcher.ready_keys
        while ready:
            database, key = place = ready.pop(0)
            for waiter in list(self.by_key.get(place, {}).values()):
                if self.waiters.get(waiter.client.id) is not waiter:
                    continue
                kind = self.engine.databases[database].type_of(key)
                if waiter.type == ANY_TYPE or kind == waiter.type:
                    self._call_again(waiter)
                elif kind < 0:
                    break

    def _call_again(self, waiter: Waiter) -> None:
        client = waiter.client
        self.resuming = waiter
        try:
            reply = self.engine.dispatcher.call(client, waiter.command, waiter.argv)
        finally:
            self.resuming = None
        if reply is not NO_REPLY:
            self.finish(waiter, reply)

    # --- the end of waiting

    def finish(self, waiter: Waiter, reply: Any) -> None:
        """Replies to a waiter and lets its client go on."""
        client = waiter.client
        self.forget(client)
        client.last_interaction = self.engine.clock.now
        self.engine.dispatcher.reply(client, reply)
        if client.transport is not None:
            client.transport.wake()
            client.transport.resume()

    def forget(self, client: Client) -> None:
        """The client waits no more: it was served, or it is gone. O(keys)."""
        waiter = self.waiters.pop(client.id, None)
        if waiter is None:
            return
        client.blocked = None
        for key in waiter.keys:
            place = (waiter.database, key)
            others = self.by_key[place]
            del others[client.id]
            if not others:
                del self.by_key[place]
        if not self.waiters:
            self.engine.effects.stop_observing(self)
            self.deadlines.clear()

    def unblock(self, client: Client, with_error: bool) -> bool:
        """CLIENT UNBLOCK: as if the time were over, or with an error; whether the client was waiting."""
        waiter = self.waiters.get(client.id)
        if waiter is None:
            return False
        if with_error:
            self.engine.count_error(errors.UNBLOCKED)
        self.finish(waiter, Error(errors.UNBLOCKED) if with_error else waiter.timeout_reply)
        return True

    def expire_deadlines(self) -> None:
        """Gives everyone whose time is over their reply."""
        self.timer_at = 0
        self.engine.dispatcher.begin()
        now = self.engine.clock.now
        while self.deadlines and self.deadlines[0][0] <= now:
            waiter = heapq.heappop(self.deadlines)[2]
            if self.waiters.get(waiter.client.id) is waiter:
                self.finish(waiter, waiter.timeout_reply)
        self._set_timer()

    def _set_timer(self) -> None:
        """Has `expire_deadlines` called at the first deadline."""
        while self.deadlines and self.waiters.get(self.deadlines[0][2].client.id) is not self.deadlines[0][2]:
            heapq.heappop(self.deadlines)
        if not self.deadlines:
            return
        first = self.deadlines[0][0]
        call_later = self.engine.ports.get("call_later")
        if call_later is not None and (not self.timer_at or first < self.timer_at):
            self.timer_at = first
            call_later(max(first - self.engine.clock.now, 0) / 1000 + 0.001, self.expire_deadlines)
