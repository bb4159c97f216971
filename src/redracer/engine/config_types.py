"""The value types of configuration options: how text becomes a value, and a value becomes text.

One class per type of redis.conf. An option has a type and a default (config_options.py); this file
knows nothing of names. A type answers four questions:

- `parse(arguments, current)`: the value that the words after the name stand for, or ConfigError.
  `current` is the value in force, for types where a line changes only a part of it.
- `format(value)`: the text that CONFIG GET answers.
- `lines(value)`: the words that CONFIG REWRITE writes after the name, one per line of the file.
- `multiple`: whether the option takes several words. A single-word option refuses any other number.

Texts of errors are Redis's own, since tools and tests match them.
"""

from __future__ import annotations

from redracer.engine.config_text import canonical_integer, loose_integer, memory_size, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

INT_MAX = 2**31 - 1
INT_MIN = -(2**31)
UINT_MAX = 2**32 - 1
LONG_MAX = 2**63 - 1
ULONG_MAX = 2**64 - 1

WRONG_NUMBER = "wrong number of arguments"


class ConfigError(Exception):
    """A value is refused; `text` is the reason, as it stands after the dash in CONFIG SET's error."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text


def to_text(value: bytes) -> str:
    """The bytes of a configuration file as text; bytes that are no UTF-8 survive the round trip."""
    return value.decode("utf-8", "surrogateescape")


def to_bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


class OptionType:
    """What all types share; see the head of this file."""

    multiple = False
    # Lines of one option in a file add up (save), instead of the last one winning.
    adds_up = False

    def parse(self, arguments: Sequence[bytes], current: Any) -> Any:
        raise NotImplementedError

    def format(self, value: Any) -> bytes:
        raise NotImplementedError

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        """The words of each line, and whether it must be written even if the file has none of it."""
        return [(self.format(value), value != default)]


class Boolean(OptionType):
    """yes or no."""

    def parse(self, arguments: Sequence[bytes], current: Any) -> bool:
        word = arguments[0].lower()
        if word not in (b"yes", b"no"):
            raise ConfigError("argument must be 'yes' or 'no'")
        return word == b"yes"

    def format(self, value: Any) -> bytes:
        return b"yes" if value else b"no"


class Integer(OptionType):
    """A decimal integer within bounds, both included; `clamp` brings it into a narrower range silently."""

    unreadable = "argument couldn't be parsed into an integer"

    def __init__(self, lower: int, upper: int, clamp: tuple[int, int] | None = None) -> None:
        self.lower = lower
        self.upper = upper
        self.clamp = clamp

    def parse(self, arguments: Sequence[bytes], current: Any) -> int:
        value = self.read(arguments[0])
        if value is None:
            raise ConfigError(self.unreadable)
        self.check(value)
        if self.clamp is not None:
            value = min(max(value, self.clamp[0]), self.clamp[1])
        return value

    def read(self, word: bytes) -> int | None:
        return canonical_integer(word)

    def check(self, value: int) -> None:
        if not self.lower <= value <= self.upper:
            raise ConfigError(
                f"argument must be between {self.bound(self.lower)} and {self.bound(self.upper)} inclusive"
            )

    def bound(self, value: int) -> str:
        return str(value)

    def format(self, value: Any) -> bytes:
        return b"%d" % value


class Octal(Integer):
    """File permissions, in octal digits."""

    unreadable = "argument couldn't be parsed as an octal number"

    def read(self, word: bytes) -> int | None:
        return loose_integer(word, 8)

    def bound(self, value: int) -> str:
        return f"{value:o}"

    def format(self, value: Any) -> bytes:
        return b"%o" % value


class Memory(Integer):
    """A size in bytes, with an optional unit: k, kb, m, mb, g, gb (kb is 1024, k is 1000).

    A size beyond the bounds is refused. Redis lets the product of number and unit wrap around.
    """

    unreadable = "argument must be a memory value"

    def read(self, word: bytes) -> int | None:
        return memory_size(word)

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        return [(memory_words(value), value != default)]


class MemoryOrPercent(Memory):
    """A size in bytes, or a percentage, which is kept as a negative number: 5% is -5."""

    unreadable = "argument must be a memory or percent value"

    def read(self, word: bytes) -> int | None:
        size = memory_size(word)
        if size is not None or not word.endswith(b"%"):
            return size
        percent = canonical_integer(word[:-1])
        return -percent if percent is not None and percent >= 0 else None

    def check(self, value: int) -> None:
        if value < self.lower:
            raise ConfigError(f"percentage argument must be less or equal to {-self.lower}")
        super().check(value)

    def format(self, value: Any) -> bytes:
        return b"%d%%" % -value if value < 0 else b"%d" % value

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        words = self.format(value) if value < 0 else memory_words(value)
        return [(words, value != default)]


def memory_words(size: int) -> bytes:
    """A size with the largest unit that divides it, as CONFIG REWRITE writes it."""
    for unit, factor in ((b"gb", 1 << 30), (b"mb", 1 << 20), (b"kb", 1 << 10)):
        if size and size % factor == 0:
            return b"%d%s" % (size // factor, unit)
    return b"%d" % size


class Enumeration(OptionType):
    """One of a few words, in any case. `synonyms` maps a word to the one that it stands for."""

    def __init__(self, *words: str, synonyms: dict[str, str] | None = None) -> None:
        self.words = words
        self.synonyms = synonyms or {}

    def parse(self, arguments: Sequence[bytes], current: Any) -> Any:
        return self.word(arguments[0])

    def word(self, argument: bytes) -> str:
        word = to_text(argument).lower()
        if word not in self.words:
            raise self.refusal()
        return self.synonyms.get(word, word)

    def refusal(self) -> ConfigError:
        return ConfigError("argument(s) must be one of the following: " + ", ".join(self.words))

    def format(self, value: Any) -> bytes:
        return to_bytes(value)


class ShutdownFlags(Enumeration):
    """What SIGINT or SIGTERM does: a tuple of words in a fixed order; empty is `default`."""

    multiple = True

    def parse(self, arguments: Sequence[bytes], current: Any) -> tuple[str, ...]:
        if not arguments:
            raise self.refusal()
        chosen = {self.word(argument) for argument in arguments}
        if {"save", "nosave"} <= chosen:
            raise ConfigError("shutdown options SAVE and NOSAVE can't be used simultaneously")
        return tuple(word for word in self.words[1:] if word in chosen)

    def format(self, value: Any) -> bytes:
        return to_bytes(" ".join(value) or self.words[0])


class String(OptionType):
    """Text. `nullable`: the empty string means that there is none, and the value is None."""

    def __init__(self, nullable: bool = False, check: Any = None) -> None:
        self.nullable = nullable
        self.check = check

    def parse(self, arguments: Sequence[bytes], current: Any) -> Any:
        value = self.convert(arguments[0])
        if self.check is not None:
            self.check(value)
        return None if self.nullable and not value else value

    def convert(self, argument: bytes) -> Any:
        # A C string ends at its first zero byte; no path or name can hold one.
        return to_text(argument.partition(b"\0")[0])

    def format(self, value: Any) -> bytes:
        return b"" if value is None else to_bytes(value)

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        return [] if value is None else [(quoted(self.format(value)), value != default)]


class Secret(String):
    """A password or user name: bytes, since it is compared with what a client sends."""

    def convert(self, argument: bytes) -> Any:
        return argument

    def format(self, value: Any) -> bytes:
        return b"" if value is None else bytes(value)


class Directory(String):
    """The working directory; CONFIG REWRITE always writes it, so that relative paths keep their meaning."""

    def lines(self, value: Any, default: Any) -> list[tuple[bytes, bool]]:
        return [(quoted(to_bytes(value)), True)]


# --- checks of strings


def check_file_name(name: str) -> Any:
    """A check for `String`: the value must be a file's own name, without a directory."""

    def check(value: str) -> None:
        if name != "dbfilename" and not value:
            raise ConfigError(f"{name} can't be empty")
        if "/" in value or "\\" in value:
            kind = "dirname" if name == "appenddirname" else "filename"
            raise ConfigError(f"{name} can't be a path, just a {kind}")

    return check


def check_host_name(value: str) -> None:
    if len(value) >= 256:
        raise ConfigError("Hostnames must be less than 256 characters")
    if not all(character.isascii() and (character.isalnum() or character in "-.") for character in value):
        raise ConfigError("Hostnames may only contain alphanumeric characters, hyphens or dots")


def check_node_name(value: str) -> None:
    if len(value) > 64:
        raise ConfigError("Node name must be less than 64 characters")
    if not all("!" <= character <= "~" or character == "\u007f" for character in value):
        raise ConfigError(
            "Announced human node name contained invalid character: Only ASCII characters without space are "
            "allowed"
        )


TITLE_VARIABLES = ("title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file")


def check_title_template(value: str) -> None:
    """Redis's rule: `{name}` is a known variable, `{{` a brace, and there is more than the title in it."""
    rest = value.replace("{{", "")
    while "{" in rest:
        name, closing, rest = rest[rest.index("{") + 1 :].partition("}")
        if not closing or name not in TITLE_VARIABLES:
            raise ConfigError("template format is invalid or contains unknown variables")
    if not value.replace("{title}", "").strip(" "):
        raise ConfigError("template format is invalid or contains unknown variables")
