"""The thresholds of a server's sets, for commands to hand to the value."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from redracer.engine.context import Context
from redracer.types.set.value import SetLimits, current_limits, use_limits

if TYPE_CHECKING:
    from redracer.engine.engine import Engine

INTEGERS = "set-max-intset-entries"
ENTRIES = "set-max-listpack-entries"
VALUE = "set-max-listpack-value"

_limits: WeakKeyDictionary[Engine, SetLimits] = WeakKeyDictionary()


def limits_of(ctx: Context) -> SetLimits:
    """The thresholds in force. O(1), and cheap as long as one server's commands follow one another."""
    limits = current_limits(ctx.db)
    if limits is None:
        limits = _limits_of_engine(ctx.engine)
        use_limits(limits)
    return limits


def _limits_of_engine(engine: Engine) -> SetLimits:
    limits = _limits.get(engine)
    if limits is None:
        config = engine.config
        limits = SetLimits(engine.clock, config[INTEGERS], config[ENTRIES], config[VALUE])
        _limits[engine] = limits
        _keep_current(engine, limits)
    return limits


def _keep_current(engine: Engine, limits: SetLimits) -> None:
    """Has the thresholds follow CONFIG SET."""

    def set_integers(integers: int) -> None:
        limits.integers = integers

    def set_entries(entries: int) -> None:
        limits.entries = entries

    def set_value(length: int) -> None:
        limits.value = length

    engine.config.on_change(INTEGERS, set_integers)
    engine.config.on_change(ENTRIES, set_entries)
    engine.config.on_change(VALUE, set_value)
