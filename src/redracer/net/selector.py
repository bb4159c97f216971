"""The reactor as asyncio's selector, so that one epoll set and one wait serve both.

asyncio.SelectorEventLoop(ReactorSelector(reactor)) is all that it takes. Measured against the nested
form (the reactor's epoll descriptor registered with the loop by add_reader): one epoll_wait and one turn
of asyncio's loop less per wake-up.
"""

from __future__ import annotations

import select
import selectors
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

    from redracer.net.reactor import Reactor


def epoll_events(events: int) -> int:
    """The epoll mask of a selectors mask."""
    mask = select.EPOLLIN if events & selectors.EVENT_READ else 0
    return mask | (select.EPOLLOUT if events & selectors.EVENT_WRITE else 0)


class ReactorSelector(selectors.BaseSelector):
    """asyncio's view of the reactor: its own descriptors, without the reactor's connections."""

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self.keys: dict[int, selectors.SelectorKey] = {}
        self.view = _ByFileObject(self.keys)

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        descriptor = _descriptor(fileobj)
        if descriptor in self.keys:
            raise KeyError(f"{fileobj!r} is already registered")
        key = selectors.SelectorKey(fileobj, descriptor, events, data)
        self.reactor.watch(descriptor, epoll_events(events))
        self.keys[descriptor] = key
        return key

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        key = self.view[fileobj]
        del self.keys[key.fd]
        self.reactor.unwatch(key.fd)
        return key

    def modify(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self.view[fileobj]
        if events != key.events:
            self.reactor.rewatch(key.fd, epoll_events(events))
        key = key._replace(events=events, data=data)
        self.keys[key.fd] = key
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = []
        for descriptor, mask in self.reactor.poll(-1.0 if timeout is None else max(timeout, 0.0)):
            key = self.keys.get(descriptor)
            if key is not None:
                events = selectors.EVENT_READ if mask & ~select.EPOLLOUT else 0
                events |= selectors.EVENT_WRITE if mask & ~select.EPOLLIN else 0
                found.append((key, events & key.events))
        return found

    def close(self) -> None:
        self.keys.clear()

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self.view


class _ByFileObject(Mapping["FileDescriptorLike", selectors.SelectorKey]):
    """The registered keys by descriptor or by object with a fileno()."""

    def __init__(self, keys: dict[int, selectors.SelectorKey]) -> None:
        self.keys_by_descriptor = keys

    def __getitem__(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        try:
            return self.keys_by_descriptor[_descriptor(fileobj)]
        except KeyError:
            raise KeyError(f"{fileobj!r} is not registered") from None

    def __iter__(self) -> Any:
        return iter(self.keys_by_descriptor)

    def __len__(self) -> int:
        return len(self.keys_by_descriptor)


def _descriptor(fileobj: FileDescriptorLike) -> int:
    """The descriptor of a fileobj, also of one that was closed while registered (it stays its number)."""
    return fileobj if isinstance(fileobj, int) else fileobj.fileno()
