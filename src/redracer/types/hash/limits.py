"""The thresholds of a server's hashes, for commands to hand to the value."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from redracer.engine.context import Context
from redracer.types.hash.value import HashLimits, current_limits, use_limits

if TYPE_CHECKING:
    from redracer.engine.engine import Engine

ENTRIES = "hash-max-listpack-entries"
VALUE = "hash-max-listpack-value"

_limits: WeakKeyDictionary[Engine, HashLimits] = WeakKeyDictionary()


def limits_of(ctx: Context) -> HashLimits:
    """The thresholds in force. O(1), and cheap as long as one server's commands follow one another."""
    limits = current_limits(ctx.db)
    if limits is None:
        limits = _limits_of_engine(ctx.engine)
        use_limits(limits)
    return limits


def _limits_of_engine(engine: Engine) -> HashLimits:
    limits = _limits.get(engine)
    if limits is None:
        config = engine.config
        limits = _limits[engine] = HashLimits(engine.clock, config[ENTRIES], config[VALUE])
        _keep_current(engine, limits)
    return limits


def _keep_current(engine: Engine, limits: HashLimits) -> None:
    """Has the thresholds follow CONFIG SET."""

    def set_entries(entries: int) -> None:
        limits.entries = entries

    def set_value(length: int) -> None:
        limits.value = length

    engine.config.on_change(ENTRIES, set_entries)
    engine.config.on_change(VALUE, set_value)
