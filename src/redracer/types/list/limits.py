# cython: annotation_typing=False
"""The list options of the configuration as an object that hot commands reach with one comparison.

A process may hold several engines, each with a configuration of its own: the limits of the one that asked
last are at hand, those of the others are found by engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from redracer.types.list.value import Limits

if TYPE_CHECKING:
    from redracer.engine.context import Context

_by_engine: WeakKeyDictionary[Any, Limits] = WeakKeyDictionary()
_engine: Any = None
_limits = Limits(0, 0)


def limits_of(ctx: Context) -> Limits:
    """The limits that the configuration sets now. O(1)."""
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


def _followed(config: Any) -> Limits:
    """The limits of a configuration, kept up to date."""
    limits = Limits(config["list-max-listpack-size"], config["list-compress-depth"])

    def set_size(size: int) -> None:
        limits.size_limit = size

    def set_depth(depth: int) -> None:
        limits.compress_depth = depth

    config.on_change("list-max-listpack-size", set_size)
    config.on_change("list-compress-depth", set_depth)
    return limits
