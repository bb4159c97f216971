# cython: annotation_typing=False
"""The command registry: what a command is, and the decorator that declares one.

The declaration is the only place that describes a command. Dispatch, COMMAND, COMMAND DOCS,
ACL categories, key extraction, hints and HELP texts all derive from it, so that adding a
command touches one place.

    @command("GETEX", arity=-2, flags=WRITE | FAST, keys=Key(1, RW | ACCESS | UPDATE), group=STRING,
             since="6.2.0", complexity="O(1)", args=[...])
    def getex(ctx, args):
        '''Returns the string value of a key after setting its expiration time.'''

A `Registry` holds declarations; `command` and `container` fill the process-wide `default`, and
an extension that comes later registers there in the same way. A server never runs on the
declarations themselves: `build_table` copies them, so that two servers in one process each
have their own renames and statistics.

A subcommand (`CONFIG|GET`, also written `CONFIG GET`) is a command of its own, held by its
container. Mistakes in a declaration raise RegistrationError where it is made, at import.

This module is compiled in Cython's pure mode (registry.pxd), and also runs as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from redracer.core.errors import CommandError, unknown_subcommand
from redracer.core.errors import unknown_command as unknown_command_text
from redracer.core.replies import Status
from redracer.engine import flags as f
from redracer.engine import grammar
from redracer.engine.grammar import Arg
from redracer.engine.key_specs import (
    INCOMPLETE,
    NOT_KEY,
    VARIABLE_FLAGS,
    Channels,
    KeyFunction,
    KeyReference,
    KeySpec,
    first_last_step,
)

# handler(ctx, args) -> reply. `Any`, because a context's type belongs to the engine above this module.
Handler = Callable[[Any, list[bytes]], Any]
AnyHandler = TypeVar("AnyHandler", bound=Handler)
# find_secrets(args) -> positions of the arguments that no log may show (a password).
SecretFunction = Callable[[list[bytes]], list[int]]


class RegistrationError(Exception):
    """A command's declaration is wrong: a programming error, raised when its module is imported."""


class Documentation:
    """What COMMAND DOCS and the reference tell of a command and no execution needs."""

    __slots__ = (
        "arguments",
        "complexity",
        "deprecated_since",
        "doc_flags",
        "group",
        "hints",
        "history",
        "replaced_by",
        "since",
        "summary",
    )

    def __init__(
        self,
        summary: str,
        group: str,
        since: str,
        complexity: str,
        arguments: tuple[Arg, ...],
        history: tuple[tuple[str, str], ...],
        hints: tuple[str, ...],
        doc_flags: int,
        deprecated_since: str,
        replaced_by: str,
    ) -> None:
        self.summary = summary
        self.group = group
        self.since = since
        self.complexity = complexity
        self.arguments = arguments
        self.history = history
        self.hints = hints
        self.doc_flags = doc_flags
        self.deprecated_since = deprecated_since
        self.replaced_by = replaced_by


class Command:
    """A command, or a subcommand with its `parent`, or a container of `subcommands` (handler None).

    `name` is lower-case and whole (`config|get`). `arity` counts the name (and the container's);
    negative, it is the least. `first_key`, `last_key`, `key_step` and the MOVABLEKEYS flag derive
    from `key_specs`. `flags_of(args)` gives the flags of a request where these depend on its arguments (a script that
    tells its own); it is one engine's. The statistics are dispatch's: `nanoseconds` is the total time of `calls`.
    """

    name: bytes
    handler: Any  # a Handler; None in a container, which its arity keeps from being called
    arity: int
    flags: int
    acl_categories: int
    first_key: int
    last_key: int
    key_step: int
    key_specs: tuple[KeySpec, ...]
    key_function: KeyFunction | None
    channels: Channels | None
    find_secrets: SecretFunction | None
    flags_of: Callable[[list[bytes]], int] | None
    subcommands: dict[bytes, Command] | None
    parent: Command | None
    documentation: Documentation
    calls: int
    nanoseconds: int
    rejected_calls: int
    failed_calls: int
    latency_histogram: Any

    def __init__(
        self,
        name: bytes,
        handler: Handler | None,
        arity: int,
        flags: int,
        acl_categories: int,
        key_specs: tuple[KeySpec, ...],
        key_function: KeyFunction | None,
        documentation: Documentation,
        find_secrets: SecretFunction | None = None,
        channels: Channels | None = None,
    ) -> None:
        self.name = name
        self.handler = handler
        self.arity = arity
        self.acl_categories = f.implied_acl_categories(flags, acl_categories)
        self.first_key, self.last_key, self.key_step, movable = first_last_step(key_specs)
        self.flags = flags | f.MOVABLEKEYS if movable else flags
        self.key_specs = key_specs
        self.key_function = key_function
        self.find_secrets = find_secrets
        self.channels = channels
        self.flags_of = None
        self.subcommands = None
        self.parent = None
        self.documentation = documentation
        self.latency_histogram = None
        self.reset_statistics()

    def reset_statistics(self) -> None:
        """Set every counter to zero (CONFIG RESETSTAT)."""
        self.calls = 0
        self.nanoseconds = 0
        self.rejected_calls = 0
        self.failed_calls = 0
        self.latency_histogram = None

    def copy(self) -> Command:
        """The same declaration with statistics of its own, its subcommands copied as well."""
        twin = Command(
            self.name,
            self.handler,
            self.arity,
            self.flags,
            self.acl_categories,
            self.key_specs,
            self.key_function,
            self.documentation,
            self.find_secrets,
            self.channels,
        )
        if self.subcommands is not None:
            twin.subcommands = {}
            for word, subcommand in self.subcommands.items():
                subtwin = subcommand.copy()
                subtwin.parent = twin
                twin.subcommands[word] = subtwin
        return twin

    def request_flags(self, args: list[bytes]) -> int:
        """The flags of a request of this command."""
        return self.flags if self.flags_of is None else self.flags_of(args)

    def accepts(self, argument_count: int) -> bool:
        """Whether the arity allows that many arguments, the name included."""
        return argument_count == self.arity if self.arity >= 0 else argument_count >= -self.arity

    def has_keys(self) -> bool:
        """Whether any argument may be a key."""
        return self.key_function is not None or bool(
            [spec for spec in self.key_specs if not spec.flags & NOT_KEY]
        )

    def keys_with_flags(self, args: list[bytes]) -> list[KeyReference]:
        """The keys among the arguments, as (position, key flags).

        An empty list if there are none, or if the arguments are malformed: the handler will say
        so better. The key specs answer, unless they cannot or their flags vary: then the key
        function does. O(arguments).
        """
        if not [spec for spec in self.key_specs if spec.flags & VARIABLE_FLAGS]:
            found = self._keys_by_specs(args)
            if found is not None:
                return found
        return self.key_function(args) if self.key_function is not None else []

    def _keys_by_specs(self, args: list[bytes]) -> list[KeyReference] | None:
        found: list[KeyReference] = []
        for spec in self.key_specs:
            if spec.flags & NOT_KEY:
                continue
            references = spec.find_keys(args)
            if references is None or spec.flags & INCOMPLETE:
                return None
            found += references
        return found

    def keys(self, args: list[bytes]) -> list[int]:
        """The positions of the keys among the arguments; as `keys_with_flags`."""
        return [position for position, _ in self.keys_with_flags(args)]


def lookup(table: Mapping[bytes, Command], args: list[bytes]) -> Command | None:
    """The command that an argument vector calls, the subcommand where there is one; None if unknown."""
    command = table.get(args[0].lower())
    if command is None or command.subcommands is None or len(args) == 1:
        return command
    return command.subcommands.get(args[1].lower())


def lookup_name(table: Mapping[bytes, Command], name: bytes) -> Command | None:
    """The command of a name as COMMAND INFO takes it (`get`, `config|get`); None if unknown."""
    container, separator, word = name.lower().partition(b"|")
    command = table.get(container)
    if not separator or command is None:
        return command
    return command.subcommands.get(word) if command.subcommands is not None else None


def unknown_command(table: Mapping[bytes, Command], args: list[bytes]) -> CommandError:
    """The error for an argument vector of which `lookup` knows nothing, in Redis's words."""
    if args[0].lower() in table:
        return CommandError(unknown_subcommand(args[0], args[1]))
    return CommandError(unknown_command_text(args))


class Registry:
    """Declared commands by lower-case name; subcommands are inside their containers."""

    def __init__(self) -> None:
        self.commands: dict[bytes, Command] = {}

    def register(self, command: Command) -> None:
        """Add a command. RegistrationError if the name is taken or a subcommand's container is missing."""
        container_name, separator, word = command.name.partition(b"|")
        if not separator:
            self._add(self.commands, command.name, command)
            return
        container = self.commands.get(container_name)
        if container is None:
            raise RegistrationError(f"{command.name!r}: its container is not registered")
        if container.subcommands is None:
            container.subcommands = {}
        self._add(container.subcommands, word, command)
        command.parent = container

    @staticmethod
    def _add(commands: dict[bytes, Command], name: bytes, command: Command) -> None:
        if name in commands:
            raise RegistrationError(f"{command.name!r} is registered twice")
        commands[name] = command

    def command(
        self,
        name: str,
        *,
        arity: int,
        group: str,
        since: str,
        flags: int = 0,
        keys: KeySpec | Iterable[KeySpec] = (),
        find_keys: KeyFunction | None = None,
        secrets: SecretFunction | None = None,
        channels: Channels | None = None,
        complexity: str = "",
        args: Iterable[Arg] = (),
        history: Iterable[tuple[str, str]] = (),
        hints: Iterable[str] = (),
        acl: int = 0,
        group_acl: bool = True,
        doc_flags: int = 0,
        deprecated_since: str = "",
        replaced_by: str = "",
    ) -> Callable[[AnyHandler], AnyHandler]:
        """Declare the decorated function a command; the function itself is returned unchanged.

        `acl` adds categories to those that follow from flags and group; `group_acl=False` leaves
        the group's own out (SORT is generic, yet not @keyspace). `find_keys` finds the keys that
        the key specs cannot; `secrets` finds the arguments that no log may show; `channels` tells the
        channels for which a user needs permission. The docstring's first paragraph is the summary.
        Raises RegistrationError, see the module.
        """

        def declare(handler: AnyHandler) -> AnyHandler:
            documentation = Documentation(
                _summary(name, handler),
                group,
                since,
                complexity,
                tuple(args),
                tuple(history),
                tuple(hints),
                doc_flags | (f.DEPRECATED if deprecated_since else 0),
                deprecated_since,
                replaced_by,
            )
            specs = (keys,) if isinstance(keys, KeySpec) else tuple(keys)
            categories = acl | (f.GROUP_ACL_CATEGORY.get(group, 0) if group_acl else 0)
            full_name = _full_name(name)
            _check(full_name, arity, flags, categories, specs, find_keys, documentation)
            self.register(
                Command(
                    full_name,
                    handler,
                    arity,
                    flags,
                    categories,
                    specs,
                    find_keys,
                    documentation,
                    secrets,
                    channels,
                )
            )
            return handler

        return declare

    def container(
        self,
        name: str,
        *,
        group: str,
        since: str,
        summary: str,
        help_since: str = "",
        help_flags: int = f.LOADING | f.STALE,
    ) -> None:
        """Declare a command that only holds subcommands; with `help_since` also its HELP.

        Raises RegistrationError, see the module.
        """
        documentation = Documentation(summary, group, since, "Depends on subcommand.", (), (), (), 0, "", "")
        full_name = _full_name(name)
        _check(full_name, -2, 0, 0, (), None, documentation)
        command = Command(full_name, None, -2, 0, 0, (), None, documentation)
        command.subcommands = {}
        self.register(command)
        if help_since:
            self.help_subcommand(name, group=group, since=help_since, flags=help_flags)

    def help_subcommand(
        self, name: str, *, group: str, since: str, flags: int = f.LOADING | f.STALE, acl: int = 0
    ) -> None:
        """Declare the HELP subcommand of a container; its text derives from the container's subcommands."""

        def help_handler(ctx: Any, args: list[bytes]) -> list[Status]:
            """Returns helpful text about the different subcommands."""
            return help_text(ctx.engine.commands[args[0].lower()])

        self.command(
            f"{name}|HELP", arity=2, flags=flags, group=group, since=since, complexity="O(1)", acl=acl
        )(help_handler)

    def build_table(self, renames: Mapping[bytes, bytes] | None = None) -> dict[bytes, Command]:
        """A server's command table: lower-case name -> Command, each with statistics of its own.

        `renames` maps names to new ones, or to b"" to take the command away (`rename-command`).
        Raises RegistrationError with Redis's words for an unknown name or a taken target. O(commands).
        """
        table = {name: command.copy() for name, command in self.commands.items()}
        for old, new in (renames or {}).items():
            command = table.pop(old.lower(), None)
            if command is None:
                raise RegistrationError("No such command in rename-command")
            if not new:
                continue
            if new.lower() in table:
                raise RegistrationError("Target command name already exists")
            table[new.lower()] = command
        return table


def help_text(command: Command) -> list[Status]:
    """A container's HELP reply: a line and an indented summary per subcommand, HELP last. O(subcommands)."""
    title = command.name.decode().upper()
    lines = [f"{title} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    subcommands = command.subcommands or {}
    if command.handler is not None:
        lines += ["(no subcommand)", f"    {command.documentation.summary}"]
    for word in sorted(subcommands):
        if word != b"help":
            documentation = subcommands[word].documentation
            usage = grammar.usage(documentation.arguments)
            lines += [f"{word.decode().upper()} {usage}".rstrip(), f"    {documentation.summary}"]
    lines += ["HELP", "    Print this help."]
    return [Status(line.encode()) for line in lines]


def _full_name(name: str) -> bytes:
    full_name = name.replace(" ", "|").lower().encode()
    words = full_name.split(b"|")
    if len(words) > 2 or not all(words):
        raise RegistrationError(f"{name!r} is not a command's name")
    return full_name


def _summary(name: str, handler: Handler) -> str:
    summary = " ".join((handler.__doc__ or "").strip().partition("\n\n")[0].split())
    if not summary and not sys.flags.optimize >= 2:  # python -OO strips docstrings
        raise RegistrationError(f"{name}: the handler has no docstring, which is the summary")
    return summary


def _check(
    name: bytes,
    arity: int,
    flags: int,
    categories: int,
    specs: tuple[KeySpec, ...],
    key_function: KeyFunction | None,
    documentation: Documentation,
) -> None:
    """RegistrationError unless the parts of a declaration fit together."""
    shown = name.decode()
    subcommand = b"|" in name
    if abs(arity) < (2 if subcommand else 1):
        raise RegistrationError(f"{shown}: the arity {arity} does not count the name")
    if flags & ~f.DECLARABLE_FLAGS:
        raise RegistrationError(f"{shown}: unknown flags {flags & ~f.DECLARABLE_FLAGS:#x}")
    if flags & f.WRITE and flags & f.READONLY:
        raise RegistrationError(f"{shown}: both WRITE and READONLY")
    if categories & ~f.ALL_ACL_CATEGORIES:
        raise RegistrationError(f"{shown}: unknown ACL categories")
    if documentation.doc_flags & ~(f.DEPRECATED | f.SYSCMD):
        raise RegistrationError(f"{shown}: unknown documentation flags")
    if documentation.group not in f.GROUP_ACL_CATEGORY:
        raise RegistrationError(f"{shown}: unknown group {documentation.group!r}")
    if not documentation.since:
        raise RegistrationError(f"{shown}: since which version?")
    _check_keys(shown, arity, specs, key_function, documentation.arguments)


def _check_keys(
    shown: str,
    arity: int,
    specs: tuple[KeySpec, ...],
    key_function: KeyFunction | None,
    arguments: tuple[Arg, ...],
) -> None:
    needs_function = [
        spec for spec in specs if spec.begin is None or spec.flags & (INCOMPLETE | VARIABLE_FLAGS)
    ]
    if needs_function and key_function is None:
        raise RegistrationError(f"{shown}: a key spec that cannot tell needs find_keys")
    for spec in specs:
        if arity > 0 and spec.plain_range and first_last_step((spec,))[1] >= arity:
            raise RegistrationError(f"{shown}: a key spec goes beyond the arity {arity}")
    for argument in arguments:
        _check_argument(shown, argument, len(specs))


def _check_argument(shown: str, argument: Arg, spec_count: int) -> None:
    if argument.key_spec_index >= spec_count:
        raise RegistrationError(f"{shown}: argument {argument.name} names a key spec that is not there")
    for inner in argument.arguments:
        _check_argument(shown, inner, spec_count)


default = Registry()
command = default.command
container = default.container
help_subcommand = default.help_subcommand
