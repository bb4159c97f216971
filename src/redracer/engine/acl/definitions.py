"""Users as text: lines `user NAME rule ...` in an ACL file or in the configuration.

A file is read as a whole or not at all, and written so that a crash leaves the old or the new one.
"""

from __future__ import annotations

import os

from redracer.core import errors
from redracer.engine import log
from redracer.engine.acl.rules import RuleError, UnmatchedParenthesis, has_spaces, merge_selectors
from redracer.engine.acl.user import User
from redracer.engine.config_types import ConfigError, to_bytes, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from redracer.engine.registry import Command

FILE_MODE = 0o644
NOTHING_CHANGED = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
BOTH_SOURCES = (
    "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. "
    "This setup is very likely to lead to configuration errors and security holes, please define either an ACL "
    "file or declare users directly in your redis.conf, but not both."
)


class DefinitionError(Exception):
    """Users cannot be read; `text` says all that is wrong, in one line."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def check_declaration(words: Sequence[bytes], others: Iterable[bytes]) -> None:
    """Raises ConfigError if a `user` line of the configuration is wrong. `others`: the users before it.

    Commands are not known yet when the configuration is read, so names of commands are checked at start.
    """
    name, arguments = words[1], words[2:]
    if name in others:
        raise ConfigError(_bad_declaration(name, errors.ACL_DUPLICATE_USER))
    user = User(name, False)
    try:
        rules = merge_selectors(arguments)
    except UnmatchedParenthesis as error:
        raise ConfigError(_bad_declaration(arguments[error.start], errors.ACL_SYNTAX)) from None
    for rule in rules:
        try:
            user.apply(rule, {})
        except RuleError as error:
            if not error.unknown:
                raise ConfigError(_bad_declaration(rule, error.text)) from None


def _bad_declaration(word: bytes, reason: bytes) -> str:
    return to_text(b"Error in user declaration '%s': %s" % (word, reason))


def declared_users(
    lines: Iterable[Sequence[bytes]], pubsub_default: bool, commands: Mapping[bytes, Command]
) -> list[User]:
    """The users of the configuration's lines, as words. Raises DefinitionError."""
    users = []
    for words in lines:
        user = User(words[1], pubsub_default)
        if has_spaces(user.name):
            raise DefinitionError("Spaces not allowed in ACL usernames")
        for rule in merge_selectors(words[2:]):
            try:
                user.apply(rule, commands)
            except RuleError as error:
                text = b"Error loading ACL rule '%s' for the user named '%s': %s"
                raise DefinitionError(to_text(text % (rule, user.name, error.text))) from None
        if not user.enabled:
            log.notice(
                f"The user '{to_text(user.name)}' is disabled (there is no 'on' modifier in the user "
                "description). Make sure this is not a configuration error."
            )
        users.append(user)
    return users


def users_of_file(path: str, pubsub_default: bool, commands: Mapping[bytes, Command]) -> list[User]:
    """The users of an ACL file. Raises DefinitionError with all that is wrong in it."""
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except OSError as error:
        raise DefinitionError(f"Error loading ACLs, opening file '{path}': {error.strerror}") from None
    users: dict[bytes, User] = {}
    complaints = ""
    for number, line in enumerate(lines, 1):
        words = line.strip(b" \t\r\n").split(b" ")
        if words == [b""]:
            continue
        complaints += _read_line(f"{path}:{number}", number, words, users, pubsub_default, commands)
    if complaints:
        raise DefinitionError(complaints + NOTHING_CHANGED)
    return list(users.values())


def _read_line(
    place: str,
    number: int,
    words: list[bytes],
    users: dict[bytes, User],
    pubsub_default: bool,
    commands: Mapping[bytes, Command],
) -> str:
    """Adds the user of a line to `users`; returns what is wrong with it, or the empty string."""
    if words[0] != b"user" or len(words) < 2:
        return f"{place} should start with user keyword followed by the username. "
    name = words[1]
    if has_spaces(name):
        return f"'{place}: username '{to_text(name)}' contains invalid characters. "
    if name in users:
        return f"WARNING: Duplicate user '{to_text(name)}' found on line {number}. "
    users[name] = User(name, pubsub_default)
    try:
        rules = merge_selectors(words[2:])
    except UnmatchedParenthesis:
        return f"{place}: Unmatched parenthesis in selector definition."
    return _apply(place, rules, users[name], commands)


def _apply(place: str, rules: list[bytes], user: User, commands: Mapping[bytes, Command]) -> str:
    """Applies rules; of the errors, all unknown commands are told, and the first of the others."""
    complaints = ""
    told = False
    for rule in rules:
        rule = rule.strip(b"\t\r\n")
        try:
            user.apply(rule, commands)
        except RuleError as error:
            text = to_text(error.text)
            if error.unknown:
                complaints += f"{place}: Error in applying operation '{to_text(rule)}': {text}. "
            elif not told:
                complaints += f"{place}: {text}. "
                told = True
    return complaints


def write_file(path: str, lines: Iterable[bytes]) -> None:
    """Puts a file with these lines in the place of the one at `path`. Raises OSError."""
    temporary = f"{path}.tmp-{os.getpid()}"
    try:
        with open(temporary, "wb", opener=_open_for_users) as file:
            file.write(b"".join(b"user " + line + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _open_for_users(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def as_bytes(error: DefinitionError) -> bytes:
    """The error as the text of a reply."""
    return b"ERR " + to_bytes(error.text)
