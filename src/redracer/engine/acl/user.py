# cython: annotation_typing=False, boundscheck=True, wraparound=True
"""A user: on or off, passwords (only their SHA-256), and selectors.

Passwords are compared by their digests in a time that tells nothing about them.
"""

from __future__ import annotations

from redracer.core import errors
from redracer.engine.acl.key_needs import key_needs, needed_permissions
from redracer.engine.acl.rules import CLOSE, OPEN, RuleError
from redracer.engine.acl.selector import DENIED_COMMAND, Denial, Selector
from redracer.engine.config_text import split_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from redracer.engine.registry import Command

DIGEST_LENGTH = 64
HEXADECIMAL = frozenset(b"0123456789abcdef")
FULL_ACCESS = (b"+@all", b"~*", b"&*", b"on", b"nopass")


def password_digest(password: bytes) -> bytes:
    """What is kept of a password: its SHA-256 in lower-case hexadecimal."""
    from hashlib import sha256  # here, because it loads OpenSSL, which most programs need not wait for

    return sha256(password).hexdigest().encode()


def _checked_digest(digest: bytes) -> bytes:
    if len(digest) != DIGEST_LENGTH or not HEXADECIMAL.issuperset(digest):
        raise RuleError(errors.ACL_BAD_DIGEST)
    return digest


class User:
    """A user; a new one is off and has neither passwords nor permissions.

    `pubsub_default`: whether a new selector allows all channels (`acl-pubsub-default`).
    """

    def __init__(self, name: bytes, pubsub_default: bool) -> None:
        self.name = name
        self.pubsub_default = pubsub_default
        self.enabled = False
        self.no_password = False
        self.sanitize = True
        self.passwords: list[bytes] = []
        self.selectors = [Selector(pubsub_default)]
        self.unrestricted = False  # may do everything, so that nothing needs to be asked

    def become(self, other: User) -> None:
        """Takes over everything of another user but the name."""
        self.enabled = other.enabled
        self.no_password = other.no_password
        self.sanitize = other.sanitize
        self.passwords = list(other.passwords)
        self.selectors = [selector.copy() for selector in other.selectors]
        self.unrestricted = other.unrestricted

    # --- rules

    def apply_all(self, rules: Iterable[bytes], commands: Mapping[bytes, Command]) -> None:
        """Applies rules in order; raises RuleError at the first bad one, with those before it in force."""
        for rule in rules:
            self.apply(rule, commands)

    def apply(self, rule: bytes, commands: Mapping[bytes, Command]) -> None:
        """Changes the user as one rule says; see `Selector.apply`."""
        self._apply(rule, commands)
        self.unrestricted = any(selector.unrestricted for selector in self.selectors)

    def _apply(self, rule: bytes, commands: Mapping[bytes, Command]) -> None:
        word = rule.lower()
        if not rule:
            return
        if word in (b"on", b"off"):
            self.enabled = word == b"on"
        elif word in (b"sanitize-payload", b"skip-sanitize-payload"):
            self.sanitize = word == b"sanitize-payload"
        elif word in (b"nopass", b"resetpass"):
            self.no_password = word == b"nopass"
            self.passwords.clear()
        elif rule[:1] in (b">", b"#"):
            self._add_password(rule)
        elif rule[:1] in (b"<", b"!"):
            self._remove_password(rule)
        elif rule.startswith(OPEN) and rule.endswith(CLOSE):
            self.selectors.append(self._new_selector(rule[1:-1], commands))
        elif word == b"clearselectors":
            del self.selectors[1:]
        elif word == b"reset":
            self.become(User(self.name, self.pubsub_default))
        else:
            self.selectors[0].apply(rule, commands)

    def _add_password(self, rule: bytes) -> None:
        digest = password_digest(rule[1:]) if rule[:1] == b">" else _checked_digest(rule[1:])
        if digest not in self.passwords:
            self.passwords.append(digest)
        self.no_password = False

    def _remove_password(self, rule: bytes) -> None:
        digest = password_digest(rule[1:]) if rule[:1] == b"<" else _checked_digest(rule[1:])
        if digest not in self.passwords:
            raise RuleError(errors.ACL_NO_SUCH_PASSWORD)
        self.passwords.remove(digest)

    def _new_selector(self, text: bytes, commands: Mapping[bytes, Command]) -> Selector:
        selector = Selector(self.pubsub_default)
        for rule in split_arguments(text) or ():
            selector.apply(rule, commands)
        return selector

    # --- description

    def flags(self) -> list[bytes]:
        """The words for what the user is."""
        flags = [b"on" if self.enabled else b"off"]
        if self.no_password:
            flags.append(b"nopass")
        flags.append(b"sanitize-payload" if self.sanitize else b"skip-sanitize-payload")
        return flags

    def describe(self) -> bytes:
        """All rules that make this user, as in ACL LIST and files."""
        passwords = [b"#" + digest for digest in self.passwords]
        selectors = [b"(" + selector.describe() + b")" for selector in self.selectors[1:]]
        return b" ".join([*self.flags(), *passwords, self.selectors[0].describe(), *selectors])

    # --- checks

    def accepts(self, password: bytes) -> bool:
        """Whether the user is on and the password is one of its own. O(passwords), whichever it is."""
        from hmac import compare_digest

        digest = password_digest(password)
        found = False
        for known in self.passwords:
            found |= compare_digest(known, digest)
        return self.enabled and (found or self.no_password)

    @property
    def is_open(self) -> bool:
        """Whether one is this user without a password."""
        return self.enabled and self.no_password

    def check(self, command: Command, argv: list[bytes]) -> Denial | None:
        """Why the request is refused, or None. Of what the selectors say, the most telling reason.

        O(selectors * keys * patterns).
        """
        keys = key_needs(command, argv)
        worst = DENIED_COMMAND
        for selector in self.selectors:
            denial = selector.check(command, argv, keys)
            if denial is None:
                return None
            if denial.reason > worst.reason or (
                denial.reason == worst.reason and denial.position > worst.position
            ):
                worst = denial
        return worst

    def allows_channel(self, channel: bytes, is_pattern: bool) -> bool:
        """Whether a selector allows the channel, or a pattern to subscribe to."""
        return any(selector.allows_channel(channel, is_pattern) for selector in self.selectors)

    def allows_with_every_key(self, command: Command, argv: list[bytes], flags: int) -> bool:
        """Whether one selector allows the request and besides any key, used in the way that key flags tell."""
        keys, needed = key_needs(command, argv), needed_permissions(flags)
        return any(
            selector.check(command, argv, keys) is None and selector.allows_every_key(needed)
            for selector in self.selectors
        )

    def allows_all_channels(self) -> bool:
        """Whether a selector allows every channel."""
        return any(selector.all_channels for selector in self.selectors)

    def channel_patterns(self) -> set[bytes]:
        """The channel patterns of all selectors."""
        return {pattern for selector in self.selectors for pattern in selector.channels}


def full_user(name: bytes, pubsub_default: bool) -> User:
    """A user who may do everything without a password, as `default` may when a server is new."""
    user = User(name, pubsub_default)
    user.apply_all(FULL_ACCESS, {})
    return user
