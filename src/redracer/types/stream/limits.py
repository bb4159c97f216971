# cython: annotation_typing=False
"""The stream options of the configuration as an object that XADD reaches with one comparison.

A process may hold several engines, each with a configuration of its own: the limits of the one that asked last
are at hand, those of the others are found by engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from redracer.types.stream.entry_log import NodeLimits

if TYPE_CHECKING:
    from redracer.engine.context import Context

BYTES = "stream-node-max-bytes"
ENTRIES = "stream-node-max-entries"

_by_engine: WeakKeyDictionary[Any, NodeLimits] = WeakKeyDictionary()
_engine: Any = None
_limits = NodeLimits(0, 0)


def limits_of(ctx: Context) -> NodeLimits:
    """The limits of nodes that the configuration sets now. O(1)."""
    if ctx.engine is not _engine:
        _use(ctx.engine)
    return _limits


def _use(engine: Any) -> None:
    """Has the limits of another engine at hand."""
    global _engine, _limits
    if engine not in _by_engine:
        _by_engine[engine] = _followed(engine.config)
    _engine = engine
    _limits = _by_engine[engine]


def _followed(config: Any) -> NodeLimits:
    """The limits of a configuration, kept up to date."""
    limits = NodeLimits(config[BYTES], config[ENTRIES])

    def set_bytes(size: int) -> None:
        limits.max_bytes = size

    def set_entries(count: int) -> None:
        limits.max_entries = count

    config.on_change(BYTES, set_bytes)
    config.on_change(ENTRIES, set_entries)
    return limits
