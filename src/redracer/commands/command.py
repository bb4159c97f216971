"""COMMAND and its subcommands: what this server's commands are, told to programs.

Every reply derives from the declarations in the engine's command table; there is no second
description of a command. The shapes are Redis's: COMMAND INFO's entries have ten elements,
COMMAND DOCS answers maps, and sets of names are sets in RESP3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from redracer.core import errors, glob
from redracer.core.errors import CommandError
from redracer.core.replies import Map, Reply, Set, Status
from redracer.engine import flags as f
from redracer.engine.grammar import BLOCK, ONE_OF, Arg, one_of, pattern, string
from redracer.engine.key_specs import KEY_FLAG_NAMES, Count, Index, KeySpec, Keyword, Range
from redracer.engine.registry import Command, command, help_subcommand, lookup, lookup_name

if TYPE_CHECKING:
    from redracer.engine.context import Context

FLAGS = f.LOADING | f.STALE
UNORDERED = ("nondeterministic_output_order",)
COMMAND_NAMES = [string("command-name", optional=True, multiple=True)]
FULL_COMMAND = [string("command"), string("arg", optional=True, multiple=True)]


@command(
    "COMMAND",
    arity=-1,
    flags=FLAGS,
    group=f.SERVER,
    since="2.8.13",
    complexity="O(N) where N is the total number of Redis commands",
    hints=UNORDERED,
    acl=f.ACL_CONNECTION,
)
def command_all(ctx: Context, args: list[bytes]) -> Reply:
    """Returns detailed information about all commands."""
    return [_info(entry) for entry in ctx.engine.commands.values()]


@command(
    "COMMAND|COUNT",
    arity=2,
    flags=FLAGS,
    group=f.SERVER,
    since="2.8.13",
    complexity="O(1)",
    acl=f.ACL_CONNECTION,
)
def command_count(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a count of commands."""
    return len(ctx.engine.commands)


@command(
    "COMMAND|INFO",
    arity=-2,
    flags=FLAGS,
    group=f.SERVER,
    since="2.8.13",
    complexity="O(N) where N is the number of commands to look up",
    args=COMMAND_NAMES,
    history=[("7.0.0", "Allowed to be called with no argument to get info on all commands.")],
    hints=UNORDERED,
    acl=f.ACL_CONNECTION,
)
def command_info(ctx: Context, args: list[bytes]) -> Reply:
    """Returns information about one, multiple or all commands."""
    table = ctx.engine.commands
    if len(args) == 2:
        return [_info(entry) for entry in table.values()]
    found = (lookup_name(table, name) for name in args[2:])
    return [None if entry is None else _info(entry) for entry in found]


@command(
    "COMMAND|DOCS",
    arity=-2,
    flags=FLAGS,
    group=f.SERVER,
    since="7.0.0",
    complexity="O(N) where N is the number of commands to look up",
    args=COMMAND_NAMES,
    hints=UNORDERED,
    acl=f.ACL_CONNECTION,
)
def command_docs(ctx: Context, args: list[bytes]) -> Reply:
    """Returns documentary information about one, multiple or all commands."""
    table = ctx.engine.commands
    if len(args) == 2:
        wanted = list(table.values())
    else:
        found = (lookup_name(table, name) for name in args[2:])
        wanted = [entry for entry in found if entry is not None]
    return _docs_by_name(wanted)


@command(
    "COMMAND|LIST",
    arity=-2,
    flags=FLAGS,
    group=f.SERVER,
    since="7.0.0",
    complexity="O(N) where N is the total number of Redis commands",
    args=[
        one_of(
            "filterby",
            string("module-name", token="MODULE"),
            string("category", token="ACLCAT"),
            pattern(token="PATTERN"),
            token="FILTERBY",
            optional=True,
        )
    ],
    hints=UNORDERED,
    acl=f.ACL_CONNECTION,
)
def command_list(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a list of command names."""
    if len(args) == 2:
        return [entry.name for entry in _with_subcommands(ctx.engine.commands)]
    if len(args) != 5 or args[2].lower() != b"filterby":
        raise CommandError(errors.SYNTAX)
    chosen = _filter(args[3].lower(), args[4])
    return [entry.name for entry in _with_subcommands(ctx.engine.commands) if chosen(entry)]


def _filter(kind: bytes, value: bytes) -> Callable[[Command], bool]:
    if kind == b"aclcat":
        category = f.ACL_CATEGORIES.get(value.lower(), 0)
        return lambda entry: bool(entry.acl_categories & category)
    if kind == b"pattern":
        return lambda entry: glob.match(value, entry.name, True)
    if kind == b"module":
        return lambda entry: False  # there are no modules, so no command comes from one
    raise CommandError(errors.SYNTAX)


@command(
    "COMMAND|GETKEYS",
    arity=-3,
    flags=FLAGS,
    group=f.SERVER,
    since="2.8.13",
    complexity="O(N) where N is the number of arguments to the command",
    args=FULL_COMMAND,
    acl=f.ACL_CONNECTION,
)
def command_getkeys(ctx: Context, args: list[bytes]) -> Reply:
    """Extracts the key names from an arbitrary command."""
    return [key for key, _ in _keys_of(ctx.engine.commands, args[2:])]


@command(
    "COMMAND|GETKEYSANDFLAGS",
    arity=-3,
    flags=FLAGS,
    group=f.SERVER,
    since="7.0.0",
    complexity="O(N) where N is the number of arguments to the command",
    args=FULL_COMMAND,
    acl=f.ACL_CONNECTION,
)
def command_getkeysandflags(ctx: Context, args: list[bytes]) -> Reply:
    """Extracts the key names and access flags for an arbitrary command."""
    return [[key, _statuses(flags, KEY_FLAG_NAMES)] for key, flags in _keys_of(ctx.engine.commands, args[2:])]


help_subcommand("COMMAND", group=f.SERVER, since="5.0.0", acl=f.ACL_CONNECTION)


def _keys_of(table: Mapping[bytes, Command], args: list[bytes]) -> list[tuple[bytes, int]]:
    """The keys of a whole command and their flags, or the CommandError that says why there are none."""
    entry = lookup(table, args)
    if entry is None:
        raise CommandError(errors.INVALID_COMMAND)
    if not entry.has_keys():
        raise CommandError(errors.NO_KEY_ARGUMENTS)
    if not entry.accepts(len(args)):
        raise CommandError(errors.INVALID_ARGUMENT_COUNT)
    found = entry.keys_with_flags(args)
    if not found and not entry.flags & f.NO_MANDATORY_KEYS:
        raise CommandError(errors.INVALID_KEY_ARGUMENTS)
    return [(args[position], flags) for position, flags in found]


def _with_subcommands(table: Mapping[bytes, Command]) -> Iterator[Command]:
    for entry in table.values():
        yield entry
        if entry.subcommands is not None:
            yield from entry.subcommands.values()


def _statuses(bits: int, names: tuple[tuple[int, bytes], ...], prefix: bytes = b"") -> Set:
    return Set([Status(prefix + name) for name in f.names_of(bits, names)])


# COMMAND INFO


def _info(entry: Command) -> list[Reply]:
    subcommands = entry.subcommands
    return [
        entry.name,
        entry.arity,
        _statuses(entry.flags, f.COMMAND_FLAG_NAMES),
        entry.first_key,
        entry.last_key,
        entry.key_step,
        _statuses(entry.acl_categories, f.ACL_CATEGORY_NAMES, b"@"),
        Set([hint.encode() for hint in entry.documentation.hints]),
        Set([_key_spec(spec) for spec in entry.key_specs]),
        Set([]) if subcommands is None else [_info(subcommand) for subcommand in subcommands.values()],
    ]


def _key_spec(spec: KeySpec) -> Map:
    items: list[Reply] = [b"notes", spec.notes.encode()] if spec.notes else []
    items += [
        b"flags",
        _statuses(spec.flags, KEY_FLAG_NAMES),
        b"begin_search",
        _begin_search(spec.begin),
        b"find_keys",
        _find_keys(spec.find),
    ]
    return Map(items)


def _begin_search(begin: Index | Keyword | None) -> Map:
    if isinstance(begin, Index):
        return _typed(b"index", [b"index", begin.position])
    if isinstance(begin, Keyword):
        return _typed(b"keyword", [b"keyword", begin.keyword, b"startfrom", begin.start])
    return _typed(b"unknown", [])


def _find_keys(find: Range | Count | None) -> Map:
    if isinstance(find, Range):
        return _typed(b"range", [b"lastkey", find.last, b"keystep", find.step, b"limit", find.limit])
    if isinstance(find, Count):
        return _typed(b"keynum", [b"keynumidx", 0, b"firstkey", find.first, b"keystep", find.step])
    return _typed(b"unknown", [])


def _typed(kind: bytes, spec: list[Reply]) -> Map:
    return Map([b"type", kind, b"spec", Map(spec)])


# COMMAND DOCS


def _docs_by_name(entries: list[Command]) -> Map:
    items: list[Reply] = []
    for entry in entries:
        items += [entry.name, _docs(entry)]
    return Map(items)


def _docs(entry: Command) -> Map:
    documentation = entry.documentation
    items: list[Reply] = []
    for name, text in (("summary", documentation.summary), ("since", documentation.since)):
        _add_text(items, name, text)
    items += [b"group", documentation.group.encode()]
    _add_text(items, "complexity", documentation.complexity)
    if documentation.doc_flags:
        items += [b"doc_flags", _statuses(documentation.doc_flags, f.DOC_FLAG_NAMES)]
    _add_text(items, "deprecated_since", documentation.deprecated_since)
    _add_text(items, "replaced_by", documentation.replaced_by)
    if documentation.history:
        changes = [[version.encode(), change.encode()] for version, change in documentation.history]
        items += [b"history", Set(changes)]
    if documentation.arguments:
        items += [b"arguments", [_argument(argument) for argument in documentation.arguments]]
    if entry.subcommands is not None:
        items += [b"subcommands", _docs_by_name(list(entry.subcommands.values()))]
    return Map(items)


def _argument(argument: Arg) -> Map:
    items: list[Reply] = [b"name", argument.name.encode(), b"type", argument.type.encode()]
    grouped = argument.type in (ONE_OF, BLOCK)
    if not grouped:
        _add_text(items, "display_text", argument.display or argument.name)
    if argument.key_spec_index >= 0:
        items += [b"key_spec_index", argument.key_spec_index]
    _add_text(items, "token", argument.token)
    _add_text(items, "summary", argument.summary)
    _add_text(items, "since", argument.since)
    _add_text(items, "deprecated_since", argument.deprecated_since)
    flags = [
        Status(name)
        for name, present in (
            (b"optional", argument.optional),
            (b"multiple", argument.multiple),
            (b"multiple_token", argument.multiple_token),
        )
        if present
    ]
    if flags:
        items += [b"flags", Set(flags)]
    if grouped:
        items += [b"arguments", [_argument(inner) for inner in argument.arguments]]
    return Map(items)


def _add_text(items: list[Reply], name: str, text: str) -> None:
    if text:
        items += [name.encode(), text.encode()]
