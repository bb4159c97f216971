# cython: annotation_typing=False, boundscheck=True, wraparound=True
"""A selector: permissions that hold together. A user's first one, the root, is what its plain rules change.

Commands are kept as a default (`+@all` or `-@all` was last) and the names that are exceptions to it, so that
a command that an extension adds later is what the default says, and a check is one look into a set. The rules
themselves are kept in their order as well, without those that later ones made void: that is what ACL LIST and
files show.
"""

from __future__ import annotations

from redracer.core import errors
from redracer.core.glob import match
from redracer.engine.acl.key_needs import ALL, READ, WRITE
from redracer.engine.acl.rules import RuleError, has_spaces
from redracer.engine.flags import ACL_CATEGORIES, NO_AUTH
from redracer.engine.registry import lookup_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from redracer.engine.acl.key_needs import KeyNeed
    from redracer.engine.registry import Command

PATTERN_PREFIXES = {ALL: b"~", READ: b"%R~", WRITE: b"%W~"}
PERMISSION_LETTERS = {b"R": READ, b"W": WRITE}

# Why a request is refused; of several reasons the greater one is told.
COMMAND_DENIED = 1
KEY_DENIED = 2
CHANNEL_DENIED = 3


class Denial:
    """A refusal: the reason, and the position of the argument that it is about (0: the command)."""

    def __init__(self, reason: int, position: int) -> None:
        self.reason = reason
        self.position = position


DENIED_COMMAND = Denial(COMMAND_DENIED, 0)


class Selector:
    """Permissions; a new one has none, but for channels if `acl-pubsub-default` says so."""

    def __init__(self, all_channels: bool) -> None:
        self.command_default = False
        self.command_exceptions: set[bytes] = set()
        self.command_rules: list[bytes] = []
        self.first_arguments: dict[bytes, list[bytes]] = {}  # by the name of a command otherwise not allowed
        self.all_keys = False
        self.keys: dict[bytes, int] = {}  # pattern to READ, WRITE or ALL, in the order of their rules
        self.all_channels = all_channels
        self.channels: list[bytes] = []  # patterns

    def copy(self) -> Selector:
        """Another selector with the same permissions."""
        twin = Selector(self.all_channels)
        twin.command_default = self.command_default
        twin.command_exceptions = set(self.command_exceptions)
        twin.command_rules = list(self.command_rules)
        twin.first_arguments = {name: list(first) for name, first in self.first_arguments.items()}
        twin.all_keys = self.all_keys
        twin.keys = dict(self.keys)
        twin.channels = list(self.channels)
        return twin

    @property
    def all_commands(self) -> bool:
        """Whether every command is allowed, those to come included."""
        return self.command_default and not self.command_exceptions

    @property
    def unrestricted(self) -> bool:
        """Whether it allows everything."""
        return self.all_commands and self.all_keys and self.all_channels

    # --- rules

    def apply(self, rule: bytes, commands: Mapping[bytes, Command]) -> None:
        """Changes the permissions as the rule says; `commands` are all there are, by their original names.

        Raises RuleError, and then nothing has changed.
        """
        word = rule.lower()
        if word in (b"allkeys", b"~*", b"resetkeys"):
            self.all_keys = word != b"resetkeys"
            self.keys.clear()
        elif word in (b"allchannels", b"&*", b"resetchannels"):
            self.all_channels = word != b"resetchannels"
            self.channels.clear()
        elif word in (b"allcommands", b"+@all", b"nocommands", b"-@all"):
            self.command_default = word in (b"allcommands", b"+@all")
            self.command_exceptions.clear()
            self.command_rules.clear()
            self.first_arguments.clear()
        elif rule[:1] in (b"~", b"%"):
            self._add_key_pattern(rule)
        elif rule[:1] == b"&":
            self._add_channel_pattern(rule[1:])
        elif rule[:1] in (b"+", b"-"):
            self._change_commands(rule[1:], rule[:1] == b"+", commands)
        else:
            raise RuleError(errors.ACL_SYNTAX)

    def _add_key_pattern(self, rule: bytes) -> None:
        if self.all_keys:
            raise RuleError(errors.ACL_KEYS_AFTER_ALL)
        permissions, pattern = _key_pattern(rule)
        if has_spaces(pattern):
            raise RuleError(errors.ACL_SYNTAX)
        self.keys[pattern] = self.keys.get(pattern, 0) | permissions

    def _add_channel_pattern(self, pattern: bytes) -> None:
        if self.all_channels:
            raise RuleError(errors.ACL_CHANNELS_AFTER_ALL)
        if has_spaces(pattern):
            raise RuleError(errors.ACL_SYNTAX)
        if pattern not in self.channels:
            self.channels.append(pattern)

    def _change_commands(self, what: bytes, allowed: bool, commands: Mapping[bytes, Command]) -> None:
        """`what`: a name (`get`, `config|get`), a name with a first argument (`select|0`), or `@category`."""
        if what[:1] == b"@":
            category = ACL_CATEGORIES.get(what[1:].lower())
            if category is None:
                raise RuleError(errors.ACL_UNKNOWN_COMMAND)
            self._set_category(category, allowed, commands.values())
            self._note_rule(what, allowed)
            return
        command = lookup_name(commands, what)
        if command is None and allowed and b"|" in what:
            self._allow_first_argument(what, commands)
        elif command is None:
            raise RuleError(errors.ACL_UNKNOWN_COMMAND)
        else:
            self._set_command(command, allowed)
            self._note_rule(command.name, allowed)

    def _allow_first_argument(self, what: bytes, commands: Mapping[bytes, Command]) -> None:
        name, _, argument = what.rpartition(b"|")
        command = lookup_name(commands, name)
        if command is None:
            raise RuleError(errors.ACL_UNKNOWN_COMMAND)
        if command.parent is not None:
            raise RuleError(errors.ACL_FIRST_ARGUMENT)
        if not argument:
            raise RuleError(errors.ACL_SYNTAX)
        if command.subcommands is not None:  # then it would be a subcommand, and there is none of that name
            raise RuleError(errors.ACL_UNKNOWN_COMMAND)
        first = self.first_arguments.setdefault(command.name, [])
        if argument.lower() not in first:
            first.append(argument.lower())
        self._note_rule(what, True)

    def _set_category(self, category: int, allowed: bool, commands: Iterable[Command]) -> None:
        for command in commands:
            if command.acl_categories & category:
                self._set_command(command, allowed)
            if command.subcommands is not None:
                self._set_category(category, allowed, command.subcommands.values())

    def _set_command(self, command: Command, allowed: bool) -> None:
        """Allows or forbids a command with its subcommands."""
        self.first_arguments.pop(command.name, None)
        names = [command.name]
        if command.subcommands is not None:
            names += [subcommand.name for subcommand in command.subcommands.values()]
        if allowed == self.command_default:
            self.command_exceptions.difference_update(names)
        else:
            self.command_exceptions.update(names)

    def _note_rule(self, what: bytes, allowed: bool) -> None:
        """Adds a rule about commands to those shown, in place of those that it makes void."""
        what = what.lower()
        subordinate = what + b"|"
        kept = [
            rule for rule in self.command_rules if rule[1:] != what and not rule[1:].startswith(subordinate)
        ]
        self.command_rules = [*kept, (b"+" if allowed else b"-") + what]

    # --- description

    def describe_commands(self) -> bytes:
        """The rules about commands, as GETUSER shows them."""
        return b" ".join([b"+@all" if self.command_default else b"-@all", *self.command_rules])

    def describe_keys(self) -> bytes:
        """The key patterns."""
        if self.all_keys:
            return b"~*"
        return b" ".join([self._describe_key(*item) for item in self.keys.items()])

    def _describe_key(self, pattern: bytes, permissions: int) -> bytes:
        if pattern == b"*" and permissions == ALL and len(self.keys) > 1:
            return b"%RW~*"  # `~*` would not let other patterns follow (Redis writes it, and cannot read it again)
        return PATTERN_PREFIXES[permissions] + pattern

    def describe_channels(self) -> bytes:
        """The channel patterns."""
        return b"&*" if self.all_channels else b" ".join(b"&" + pattern for pattern in self.channels)

    def describe(self) -> bytes:
        """All rules that make this selector out of a new one."""
        channels = self.describe_channels()
        if not self.all_channels:
            channels = b"resetchannels " + channels
        parts = (self.describe_keys(), channels.rstrip(), self.describe_commands())
        return b" ".join(part for part in parts if part)

    # --- checks

    def check(self, command: Command, argv: list[bytes], keys: list[KeyNeed]) -> Denial | None:
        """Why the request is refused, or None. `keys`: what it needs of its keys. O(keys * patterns)."""
        if not self.allows_command(command, argv):
            return DENIED_COMMAND
        if not self.all_keys:
            for position, needed in keys:
                if not self.allows_key(argv[position], needed):
                    return Denial(KEY_DENIED, position)
        channels = command.channels
        if channels is not None and not self.all_channels:
            for position in channels.positions(len(argv)):
                if not self.allows_channel(argv[position], channels.patterns):
                    return Denial(CHANNEL_DENIED, position)
        return None

    def allows_command(self, command: Command, argv: list[bytes]) -> bool:
        """Whether the command may be called, whatever its keys; everybody may say who they are."""
        if (command.name in self.command_exceptions) != self.command_default or command.flags & NO_AUTH:
            return True
        first = self.first_arguments.get(command.name)
        return first is not None and len(argv) > 1 and argv[1].lower() in first

    def allows_key(self, key: bytes, needed: int) -> bool:
        """Whether the key may be used in a way that needs these permissions."""
        if self.all_keys:
            return True
        for pattern, permissions in self.keys.items():
            if permissions & needed == needed and match(pattern, key, False):
                return True
        return False

    def allows_channel(self, channel: bytes, is_pattern: bool) -> bool:
        """Whether the channel may be used; a pattern to subscribe to must be one of ours to the letter."""
        if self.all_channels:
            return True
        if is_pattern:
            return channel in self.channels
        return any(match(pattern, channel, False) for pattern in self.channels)

    def allows_every_key(self, needed: int) -> bool:
        """Whether any key may be used so (for commands that find keys in data)."""
        return self.all_keys or self.keys.get(b"*", 0) & needed == needed


def _key_pattern(rule: bytes) -> tuple[int, bytes]:
    """(permissions, pattern) of `~pattern` or `%RW~pattern`; RuleError if the letters make no sense."""
    if rule[:1] == b"~":
        return ALL, rule[1:]
    letters, _, pattern = rule[1:].partition(b"~")
    permissions = 0
    for position in range(len(letters)):
        permission = PERMISSION_LETTERS.get(letters[position : position + 1].upper(), 0)
        if not permission or permissions & permission:
            raise RuleError(errors.ACL_SYNTAX)
        permissions |= permission
    if not permissions:
        raise RuleError(errors.ACL_SYNTAX)
    return permissions, pattern
