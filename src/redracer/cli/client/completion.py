"""What may come next on a line: the hint behind it, and what Tab completes it to.

Words are matched with a command's arguments as COMMAND DOCS describes them. Optional ones that follow one another may
come in any order.
"""

from __future__ import annotations

import os
import time

from redracer.cli.client.connection import ConnectionLost
from redracer.cli.client.protocol import ProtocolError
from redracer.cli.client.words import SHOWN, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redracer.cli.client.help import Argument, Entry
    from redracer.cli.client.repl import Repl
    from redracer.cli.client.session import Session

KEYS = 50  # keys that are offered
SCAN_COUNT = 1000  # keys that the server looks at in a step
SCAN_TIME = 0.1  # s that looking for keys may take
OWN_WORDS = (
    "clear",
    "connect",
    "exit",
    "help",
    "quit",
    ":set hints",
    ":set nohints",
    ":set pager",
    ":set nopager",
)
PATTERN_CHARACTERS = b"*?[]\\"


class Pending:
    """An argument, or a part of one, that has not been typed yet."""

    def __init__(
        self, argument: Argument, synopsis: str, token_typed: bool = False, optional: bool = False
    ) -> None:
        self.argument = argument
        self.synopsis = synopsis
        self.token_typed = token_typed
        self.optional = optional

    def tokens(self) -> Iterable[str]:
        """The words that it may begin with."""
        return _tokens(self.argument, self.token_typed)

    def takes_key(self) -> bool:
        """Whether it may begin with a key."""
        return _takes_key(self.argument, self.token_typed)


def _tokens(argument: Argument, token_typed: bool = False) -> Iterable[str]:
    if argument.token and not token_typed:
        yield argument.token
    elif argument.type == "oneof":
        for inner in argument.arguments:
            yield from _tokens(inner)
    elif argument.type == "block":
        for inner in argument.arguments:
            yield from _tokens(inner)
            if not inner.optional:
                break


def _takes_key(argument: Argument, token_typed: bool = False) -> bool:
    if argument.token and not token_typed:
        return False
    if argument.type == "oneof":
        return any(_takes_key(inner) for inner in argument.arguments)
    if argument.type == "block":
        return bool(argument.arguments) and _takes_key(argument.arguments[0])
    return argument.type == "key"


def pending(arguments: Sequence[Argument], words: Sequence[str]) -> list[Pending] | None:
    """What is still to come after the words; None if they do not fit."""
    taken, left = _match_all(arguments, words)
    return left if taken == len(words) else None


def _match_all(arguments: Sequence[Argument], words: Sequence[str]) -> tuple[int, list[Pending]]:
    """How many words the arguments take, and what is left of them."""
    at = 0
    left: list[Pending] = []
    index = 0
    while index < len(arguments):
        if arguments[index].optional:
            end = index
            while end < len(arguments) and arguments[end].optional:
                end += 1
            count, rest = _match_options(arguments[index:end], words[at:])
            index = end
        else:
            count, rest = _match_repeated(arguments[index], words[at:])
            if not count and at < len(words):
                return at, left
            if count:
                left = []  # it is too late for the options before it
            index += 1
        at += count
        left += rest
    return at, left


def _match_options(arguments: Sequence[Argument], words: Sequence[str]) -> tuple[int, list[Pending]]:
    """Options in any order."""
    at = 0
    open_ones = list(arguments)
    rests: list[Pending] = []
    found = True
    while found and at < len(words):
        found = False
        for argument in open_ones:
            count, rest = _match_repeated(argument, words[at:])
            if count:
                at += count
                rests += rest
                open_ones.remove(argument)
                found = True
                break
    return at, rests + [Pending(argument, argument.synopsis(), optional=True) for argument in open_ones]


def _match_repeated(argument: Argument, words: Sequence[str]) -> tuple[int, list[Pending]]:
    """An argument, as often as it may come."""
    count, rest = _match(argument, words)
    if not count:
        return 0, [Pending(argument, argument.synopsis(), optional=argument.optional)]
    if not argument.multiple:
        return count, rest
    while not rest and count < len(words):
        more, rest = _match(argument, words[count:], token_typed=not argument.multiple_token)
        if not more:
            rest = []
            break
        count += more
    single = argument.synopsis_once(with_token=argument.multiple_token)
    again = Pending(argument, f"[{single} ...]", token_typed=not argument.multiple_token, optional=True)
    return count, [*rest, again]


def _match(argument: Argument, words: Sequence[str], token_typed: bool = False) -> tuple[int, list[Pending]]:
    """An argument once: how many words it takes, 0 if they do not fit, and what of it is left if they end in it."""
    if not words:
        return 0, []
    if argument.token and not token_typed:
        if words[0].upper() != argument.token:
            return 0, []
        if argument.type == "pure-token":
            return 1, []
        count, rest = _match_value(argument, words[1:])
        if not count:
            if len(words) > 1:
                return 0, []
            rest = [Pending(argument, argument.synopsis_once(with_token=False), token_typed=True)]
        return 1 + count, rest
    return _match_value(argument, words)


def _match_value(argument: Argument, words: Sequence[str]) -> tuple[int, list[Pending]]:
    if not words:
        return 0, []
    if argument.type == "oneof":
        for inner in argument.arguments:
            count, rest = _match_repeated(inner, words)
            if count:
                return count, rest
        return 0, []
    if argument.type == "block":
        count, rest = _match_all(argument.arguments, words)
        return count, rest
    if argument.type in ("integer", "double", "unix-time") and not _is_number(words[0]):
        return 0, []
    return 1, []


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def find_entry(entries: Iterable[Entry], words: Sequence[str]) -> Entry | None:
    """The command that a line begins with, the one of the most words."""
    upper = [word.upper() for word in words[:2]]
    found = None
    for entry in entries:
        if entry.words == upper[: len(entry.words)] and (
            found is None or len(entry.words) > len(found.words)
        ):
            found = entry
    return found


class Completer:
    """Completes lines with what the server tells."""

    def __init__(self, repl: Repl) -> None:
        self.repl = repl

    def hint(self, line: str) -> str:
        """What is still to be typed, as it is to be shown behind the line."""
        words = _typed(line)
        if not self.repl.hints or not words:
            return ""
        entry = find_entry(self.repl.help.entries, words)
        if entry is None:
            return ""
        left = pending(entry.arguments, words[len(entry.words) :])
        if not left:
            return ""
        shown = " ".join(item.synopsis for item in left)
        return shown if line[-1:].isspace() else " " + shown

    def complete(self, line: str) -> tuple[str, list[str]]:
        """The word that is being typed, and what it may become."""
        word = "" if not line or line[-1].isspace() else line.split()[-1]
        before = _typed(line[: len(line) - len(word)])
        if before is None or word[:1] in ("'", '"'):
            return word, []
        if before and before[0].lower() in ("help", "?"):
            return word, _beginning(self._topics(before[1:]), word)
        if not before:
            names = [entry.words[0] for entry in self.repl.help.entries]
            return word, _beginning([*dict.fromkeys(names), *OWN_WORDS], word)
        return word, self._arguments(before, word)

    def _topics(self, before: list[str]) -> list[str]:
        if before:
            return self._subcommands(before)
        groups = {f"@{entry.group}" for entry in self.repl.help.entries}
        return [*dict.fromkeys(entry.words[0] for entry in self.repl.help.entries), *sorted(groups)]

    def _subcommands(self, before: list[str]) -> list[str]:
        if len(before) != 1:
            return []
        return [
            entry.words[1]
            for entry in self.repl.help.entries
            if len(entry.words) == 2 and entry.words[0] == before[0].upper()
        ]

    def _arguments(self, before: list[str], word: str) -> list[str]:
        entry = find_entry(self.repl.help.entries, before)
        if entry is None:
            return []
        found = _beginning(self._subcommands(before), word) if len(entry.words) == 1 else []
        keys = False
        for item in pending(entry.arguments, before[len(entry.words) :]) or []:
            found += _beginning(item.tokens(), word)
            keys = keys or item.takes_key()
            if not item.optional:
                break
        if keys:
            found += keys_beginning(self.repl.session, word)
        return found


def _typed(line: str) -> list[str]:
    """The words of a line, without a number of repetitions in front."""
    words = [os.fsdecode(word) for word in split(os.fsencode(line)) or []]
    return words[1:] if words and words[0].isdigit() else words


def _beginning(names: Iterable[str], word: str) -> list[str]:
    """The names that begin with what was typed, in the case in which it was typed."""
    upper = word.upper()
    lower = bool(word) and word == word.lower()
    return [name.lower() if lower else name for name in names if name.upper().startswith(upper)]


def keys_beginning(session: Session, word: str) -> list[str]:
    """Keys that begin with a word, as words: as many as are found soon."""
    connection = session.connection
    if connection is None or session.in_transaction or session.listening:
        return []
    start = os.fsencode(word)
    pattern = (
        b"".join(b"\\%c" % byte if byte in PATTERN_CHARACTERS else b"%c" % byte for byte in start) + b"*"
    )
    found: set[bytes] = set()
    cursor = b"0"
    deadline = time.monotonic() + SCAN_TIME
    while len(found) < KEYS and time.monotonic() < deadline:
        try:
            reply = connection.request(b"SCAN", cursor, b"MATCH", pattern, b"COUNT", b"%d" % SCAN_COUNT)
        except (ConnectionLost, ProtocolError):
            session.close()
            return []
        if reply.is_error:
            return []
        cursor = reply.value[0].value
        found.update(key.value for key in reply.value[1].value)
        if cursor == b"0":
            break
    return [_as_word(key) for key in sorted(found)[:KEYS]]


def _as_word(key: bytes) -> str:
    """The key as it is to be typed: in quotes where it has blanks, quotes or bytes that are not text."""
    try:
        text = key.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and text.isprintable() and not any(mark in text for mark in " \"'\\"):
        return text
    return '"' + b"".join(SHOWN[byte] for byte in key).decode("ascii") + '"'
