"""The option types whose values have a structure: save points, buffer limits, addresses, event classes.

What `parse`, `format` and `lines` mean is in config_types.py.
"""

from __future__ import annotations

from redracer.engine.config_text import decimal, loose_integer, memory_size, quoted
from redracer.engine.config_types import (
    WRONG_NUMBER,
    ConfigError,
    OptionType,
    memory_words,
    to_bytes,
    to_text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

BIND_ADDRESSES_MAX = 16
PORT_MAX = 65535

# Event classes of notify-keyspace-events: the bit of each letter (Redis's own numbers).
EVENT_KEYSPACE = 1 << 0  # K
EVENT_KEYEVENT = 1 << 1  # E
EVENT_GENERIC = 1 << 2  # g
EVENT_STRING = 1 << 3  # $
EVENT_LIST = 1 << 4  # l
EVENT_SET = 1 << 5  # s
EVENT_HASH = 1 << 6  # h
EVENT_SORTED_SET = 1 << 7  # z
EVENT_EXPIRED = 1 << 8  # x
EVENT_EVICTED = 1 << 9  # e
EVENT_STREAM = 1 << 10  # t
EVENT_KEY_MISS = 1 << 11  # m, not part of A
EVENT_MODULE = 1 << 13  # d
EVENT_NEW = 1 << 14  # n, not part of A
EVENT_OVERWRITTEN = 1 << 15  # o, not part of A
EVENT_TYPE_CHANGED = 1 << 16  # c, not part of A
EVENT_ALL = (
    EVENT_GENERIC
    | EVENT_STRING
    | EVENT_LIST
    | EVENT_SET
    | EVENT_HASH
    | EVENT_SORTED_SET
    | EVENT_EXPIRED
    | EVENT_EVICTED
    | EVENT_STREAM
    | EVENT_MODULE
)  # A
# In the order in which CONFIG GET prints them.
EVENT_LETTERS = (
    (ord("g"), EVENT_GENERIC),
    (ord("$"), EVENT_STRING),
    (ord("l"), EVENT_LIST),
    (ord("s"), EVENT_SET),
    (ord("h"), EVENT_HASH),
    (ord("z"), EVENT_SORTED_SET),
    (ord("x"), EVENT_EXPIRED),
    (ord("e"), EVENT_EVICTED),
    (ord("t"), EVENT_STREAM),
    (ord("d"), EVENT_MODULE),
    (ord("n"), EVENT_NEW),
    (ord("o"), EVENT_OVERWRITTEN),
    (ord("c"), EVENT_TYPE_CHANGED),
    (ord("K"), EVENT_KEYSPACE),
    (ord("E"), EVENT_KEYEVENT),
    (ord("m"), EVENT_KEY_MISS),
)
EVENT_BITS = {**dict(EVENT_LETTERS), ord("A"): EVENT_ALL}


class KeyspaceEvents(OptionType):
    """A set of event classes, as an int of EVENT_ bits."""

    def parse(self, arguments: Sequence[bytes], current: Any) -> int:
        flags = 0
        for letter in arguments[0]:
            bit = EVENT_BITS.get(letter)
            if bit is None:
                raise ConfigError("Invalid event class character. Use 'Ag$lshzxeKEtmdnoc'.")
            flags |= bit
        return flags

    def format(self, value: Any) -> bytes:
        every: bool = value & EVENT_ALL == EVENT_ALL
        letters = [letter for letter, bit in EVENT_LETTERS if value & bit and not (every and bit & EVENT_ALL)]
        return b"A" * every + bytes(letters)

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        return [(quoted(self.format(value)), value != 0)]


class SavePoints(OptionType):
    """When to snapshot: a tuple of (seconds, changes)."""

    multiple = True
    adds_up = True

    def parse(self, arguments: Sequence[bytes], current: Any) -> tuple[tuple[int, int], ...]:
        if len(arguments) == 1 and not arguments[0]:
            return ()
        numbers = [loose_integer(argument) for argument in arguments]
        pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
        points = [(s, c) for s, c in pairs if s is not None and c is not None and s >= 1 and c >= 0]
        if len(numbers) % 2 or len(points) != len(pairs):
            raise ConfigError("Invalid save parameters")
        return tuple(points)

    def format(self, value: Any) -> bytes:
        return b" ".join(b"%d %d" % point for point in value)

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        return [(b"%d %d" % point, True) for point in value] or [(b'""', True)]


class ModuleNames(OptionType):
    """Names of Python modules: a tuple of dotted names."""

    multiple = True
    adds_up = True

    def parse(self, arguments: Sequence[bytes], current: Any) -> tuple[str, ...]:
        names = [argument.decode("ascii", "replace") for argument in arguments if argument]
        if not all(part.isidentifier() for name in names for part in name.split(".")):
            raise ConfigError("Invalid name of a Python module")
        return tuple(names)

    def format(self, value: Any) -> bytes:
        return " ".join(value).encode()

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        return [(name.encode(), True) for name in value]


CLIENT_CLASSES = ("normal", "replica", "pubsub")
CLIENT_CLASS_NAMES = {b"normal": "normal", b"slave": "replica", b"replica": "replica", b"pubsub": "pubsub"}


class OutputBufferLimits(OptionType):
    """Per class of clients: (hard bytes, soft bytes, soft seconds); 0 is no limit."""

    multiple = True

    def parse(self, arguments: Sequence[bytes], current: Any) -> dict[str, tuple[int, int, int]]:
        if len(arguments) % 4:
            raise ConfigError("Wrong number of arguments in buffer limit configuration.")
        limits = dict(current)
        for start in range(0, len(arguments), 4):
            name, *words = arguments[start : start + 4]
            client_class = CLIENT_CLASS_NAMES.get(name.lower())
            if client_class is None:
                raise ConfigError("Invalid client class specified in buffer limit configuration.")
            hard, soft, seconds = memory_size(words[0]), memory_size(words[1]), loose_integer(words[2])
            if hard is None or soft is None or seconds is None or seconds < 0:
                raise ConfigError(
                    "Error in hard, soft or soft_seconds setting in buffer limit configuration."
                )
            limits[client_class] = (hard, soft, seconds)
        return limits

    def format(self, value: Any) -> bytes:
        # CONFIG GET kept the older word for a replica; CONFIG REWRITE did not.
        words = [b"%s %d %d %d" % (name.encode(), *value[name]) for name in CLIENT_CLASSES]
        return b" ".join(words).replace(b"replica", b"slave")

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        written = []
        for name in CLIENT_CLASSES:
            hard, soft, seconds = value[name]
            words = b"%s %s %s %d" % (name.encode(), memory_words(hard), memory_words(soft), seconds)
            written.append((words, value[name] != default[name]))
        return written


OOM_CLASSES = 3
OOM_VALUE_MAX = 2000


class OomScoreValues(OptionType):
    """The kernel's out-of-memory score of a primary, a replica and a background child."""

    multiple = True

    def parse(self, arguments: Sequence[bytes], current: Any) -> tuple[int, ...]:
        if len(arguments) != OOM_CLASSES:
            raise ConfigError(WRONG_NUMBER)
        values = []
        for argument in arguments:
            value = loose_integer(argument)
            if value is None or abs(value) > OOM_VALUE_MAX:
                raise ConfigError("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
            values.append(value)
        return tuple(values)

    def format(self, value: Any) -> bytes:
        return b" ".join(b"%d" % score for score in value)


class Percentiles(OptionType):
    """The latency percentiles that INFO shows, each from 0 to 100."""

    multiple = True

    def parse(self, arguments: Sequence[bytes], current: Any) -> tuple[float, ...]:
        if len(arguments) == 1 and not arguments[0]:
            return ()
        values = []
        for argument in arguments:
            try:
                if not argument or argument[:1].isspace() or b"_" in argument:
                    raise ValueError
                value = float(argument)
            except ValueError:
                value = float("nan")
            if value != value:
                raise ConfigError("Invalid latency-tracking-info-percentiles parameters")
            if not 0.0 <= value <= 100.0:
                raise ConfigError(
                    "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
                )
            values.append(value)
        return tuple(values)

    def format(self, value: Any) -> bytes:
        return b" ".join(decimal(percentile) for percentile in value)

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        return [(self.format(value) or b'""', True)]


class Addresses(OptionType):
    """The addresses to listen on. One that starts with `-` may be missing; `*` is every IPv4 address,
    `::*` every IPv6 address."""

    multiple = True

    def parse(self, arguments: Sequence[bytes], current: Any) -> tuple[str, ...]:
        if len(arguments) > BIND_ADDRESSES_MAX:
            raise ConfigError("Too many bind addresses specified.")
        if len(arguments) == 1 and not arguments[0]:
            return ()
        return tuple(to_text(argument) for argument in arguments)

    def format(self, value: Any) -> bytes:
        return to_bytes(" ".join(value))

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        return [] if value == default else [(self.format(value) or b'""', True)]


class Primary(OptionType):
    """The primary to replicate from: (host, port), or None."""

    multiple = True

    def parse(self, arguments: Sequence[bytes], current: Any) -> tuple[str, int] | None:
        if len(arguments) != 2:
            raise ConfigError(WRONG_NUMBER)
        host, port = arguments
        if host.lower() == b"no" and port.lower() == b"one":
            return None
        number = loose_integer(port)
        if number is None or not 0 <= number <= PORT_MAX:
            raise ConfigError("Invalid master port")
        return to_text(host), number

    def format(self, value: Any) -> bytes:
        return b"" if value is None else b"%s %d" % (to_bytes(value[0]), value[1])

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        return [] if value is None else [(self.format(value), True)]
