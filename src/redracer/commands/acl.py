"""ACL: users, and what they may do."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Double, Map, Reply, Set
from redracer.engine.acl.access import DEFAULT_USER, explanation
from redracer.engine.acl.definitions import DefinitionError, as_bytes
from redracer.engine.arguments import integer as parsed_integer
from redracer.engine.flags import ACL_CATEGORIES, ACL_CATEGORY_NAMES, ADMIN, LOADING, NOSCRIPT, SERVER, STALE
from redracer.engine.grammar import integer, one_of, string, token
from redracer.engine.registry import Command, command, container, lookup

if TYPE_CHECKING:
    from redracer.engine.acl.log import LogEntry
    from redracer.engine.acl.selector import Selector
    from redracer.engine.context import Context

FLAGS = NOSCRIPT | LOADING | STALE
ADMINISTRATION = FLAGS | ADMIN
ALL_USERS = "O(N). Where N is the number of configured users."
PASSWORD_BITS = 256
MOST_PASSWORD_BITS = 4096
ENTRIES = 10  # of the log that are told unless a count is given

container(
    "ACL",
    group=SERVER,
    since="6.0.0",
    summary="A container for Access List Control commands.",
    help_since="6.0.0",
)


def secrets_of_users(args: list[bytes]) -> list[int]:
    """Everything: names and rules of users."""
    return list(range(2, len(args)))


def refuse_more_than(args: list[bytes], count: int) -> None:
    """Refuses more than `count` arguments as an unknown form of the subcommand."""
    if len(args) > count:
        raise CommandError(errors.unknown_subcommand_or_arity(args[1], args[0]))


@command(
    "ACL|CAT",
    arity=-2,
    flags=FLAGS,
    group=SERVER,
    since="6.0.0",
    complexity="O(1) since the categories and commands are a fixed set.",
    args=[string("category", optional=True)],
)
def acl_cat(ctx: Context, args: list[bytes]) -> Reply:
    """Lists the ACL categories, or the commands inside a category."""
    refuse_more_than(args, 3)
    if len(args) == 2:
        return [name for _, name in ACL_CATEGORY_NAMES]
    category = ACL_CATEGORIES.get(args[2].lower())
    if category is None:
        raise CommandError(b"ERR Unknown category '%s'" % args[2][:128])
    return _names_in_category(ctx.engine.acl.commands.values(), category)


def _names_in_category(commands: Iterable[Command], category: int) -> list[Reply]:
    names: list[Reply] = []
    for entry in commands:
        if entry.acl_categories & category:
            names.append(entry.name)
        if entry.subcommands is not None:
            names += _names_in_category(entry.subcommands.values(), category)
    return names


@command(
    "ACL|DELUSER",
    arity=-3,
    flags=ADMINISTRATION,
    group=SERVER,
    since="6.0.0",
    complexity="O(1) amortized time considering the typical user.",
    args=[string("username", multiple=True)],
    hints=["request_policy:all_nodes", "response_policy:all_succeeded"],
    secrets=secrets_of_users,
)
def acl_deluser(ctx: Context, args: list[bytes]) -> Reply:
    """Deletes ACL users, and terminates their connections."""
    if DEFAULT_USER in args[2:]:
        raise CommandError(errors.ACL_DEFAULT_STAYS)
    return ctx.engine.acl.delete_users(args[2:])


@command(
    "ACL|DRYRUN",
    arity=-4,
    flags=ADMINISTRATION,
    group=SERVER,
    since="7.0.0",
    complexity="O(1).",
    args=[string("username"), string("command"), string("arg", optional=True, multiple=True)],
)
def acl_dryrun(ctx: Context, args: list[bytes]) -> Reply:
    """Simulates the execution of a command by a user, without executing the command."""
    acl, argv = ctx.engine.acl, args[3:]
    user = acl.users.get(args[2])
    if user is None:
        raise CommandError(b"ERR User '%s' not found" % args[2])
    wanted = lookup(ctx.engine.commands, argv)
    if wanted is None:
        raise CommandError(b"ERR Command '%s' not found" % argv[0])
    if not wanted.accepts(len(argv)):
        raise CommandError(errors.wrong_arity(wanted.name))
    denial = acl.check(user, wanted, argv)
    return OK if denial is None else explanation(user, wanted, argv, denial, verbose=True)


@command(
    "ACL|GENPASS",
    arity=-2,
    flags=FLAGS,
    group=SERVER,
    since="6.0.0",
    complexity="O(1)",
    args=[integer("bits", optional=True)],
)
def acl_genpass(ctx: Context, args: list[bytes]) -> Reply:
    """Generates a pseudorandom, secure password that can be used to identify ACL users."""
    refuse_more_than(args, 3)
    bits = parsed_integer(args[2]) if len(args) == 3 else PASSWORD_BITS
    if not 0 < bits <= MOST_PASSWORD_BITS:
        raise CommandError(errors.ACL_PASSWORD_BITS)
    digits = (bits + 3) // 4
    return os.urandom((digits + 1) // 2).hex()[:digits].encode()


@command(
    "ACL|GETUSER",
    arity=3,
    flags=ADMINISTRATION,
    group=SERVER,
    since="6.0.0",
    complexity="O(N). Where N is the number of password, command and pattern rules that the user has.",
    args=[string("username")],
    history=[
        ("6.2.0", "Added Pub/Sub channel patterns."),
        (
            "7.0.0",
            "Added selectors and changed the format of key and channel patterns from a list to their rule "
            "representation.",
        ),
    ],
    secrets=secrets_of_users,
)
def acl_getuser(ctx: Context, args: list[bytes]) -> Reply:
    """Lists the ACL rules of a user."""
    user = ctx.engine.acl.users.get(args[2])
    if user is None:
        return None
    root, *others = user.selectors
    return Map(
        [
            *(b"flags", Set(user.flags())),
            *(b"passwords", list(user.passwords)),
            *_described(root),
            *(b"selectors", [Map(_described(selector)) for selector in others]),
        ]
    )


def _described(selector: Selector) -> list[Reply]:
    return [
        *(b"commands", selector.describe_commands()),
        *(b"keys", selector.describe_keys()),
        *(b"channels", selector.describe_channels()),
    ]


@command("ACL|LIST", arity=2, flags=ADMINISTRATION, group=SERVER, since="6.0.0", complexity=ALL_USERS)
def acl_list(ctx: Context, args: list[bytes]) -> Reply:
    """Dumps the effective rules in ACL file format."""
    return [b"user " + line for line in ctx.engine.acl.describe_users()]


@command("ACL|LOAD", arity=2, flags=ADMINISTRATION, group=SERVER, since="6.0.0", complexity=ALL_USERS)
def acl_load(ctx: Context, args: list[bytes]) -> Reply:
    """Reloads the rules from the configured ACL file."""
    if not ctx.config["aclfile"]:
        raise CommandError(errors.ACL_NO_FILE)
    try:
        ctx.engine.acl.load_file()
    except DefinitionError as error:
        raise CommandError(as_bytes(error)) from None
    return OK


@command("ACL|SAVE", arity=2, flags=ADMINISTRATION, group=SERVER, since="6.0.0", complexity=ALL_USERS)
def acl_save(ctx: Context, args: list[bytes]) -> Reply:
    """Saves the effective ACL rules in the configured ACL file."""
    if not ctx.config["aclfile"]:
        raise CommandError(errors.ACL_NO_FILE)
    try:
        ctx.engine.acl.save_file()
    except OSError:
        raise CommandError(errors.ACL_NOT_SAVED) from None
    return OK


@command(
    "ACL|LOG",
    arity=-2,
    flags=ADMINISTRATION,
    group=SERVER,
    since="6.0.0",
    complexity="O(N) with N being the number of entries shown.",
    args=[one_of("operation", integer("count"), token("RESET"), optional=True)],
    history=[("7.2.0", "Added entry ID, timestamp created, and timestamp last updated.")],
)
def acl_log(ctx: Context, args: list[bytes]) -> Reply:
    """Lists recent security events generated due to ACL rules."""
    refuse_more_than(args, 3)
    log = ctx.engine.acl.log
    if len(args) == 3 and args[2].lower() == b"reset":
        log.reset()
        return OK
    count = parsed_integer(args[2]) if len(args) == 3 else ENTRIES
    told = min(max(count, 0), len(log.entries))
    return [_log_entry(log.entries[position], ctx.now) for position in range(told)]


def _log_entry(entry: LogEntry, now: int) -> Map:
    return Map(
        [
            *(b"count", entry.count),
            *(b"reason", entry.reason.encode()),
            *(b"context", entry.context.encode()),
            *(b"object", entry.object),
            *(b"username", entry.user),
            *(b"age-seconds", Double((now - entry.updated) / 1000)),
            *(b"client-info", entry.client_info.encode("utf-8", "surrogateescape")),
            *(b"entry-id", entry.id),
            *(b"timestamp-created", entry.created),
            *(b"timestamp-last-updated", entry.updated),
        ]
    )


@command(
    "ACL|SETUSER",
    arity=-3,
    flags=ADMINISTRATION,
    group=SERVER,
    since="6.0.0",
    complexity="O(N). Where N is the number of rules provided.",
    args=[string("username"), string("rule", optional=True, multiple=True)],
    history=[
        ("6.2.0", "Added Pub/Sub channel patterns."),
        ("7.0.0", "Added selectors and key based permissions."),
    ],
    hints=["request_policy:all_nodes", "response_policy:all_succeeded"],
    secrets=secrets_of_users,
)
def acl_setuser(ctx: Context, args: list[bytes]) -> Reply:
    """Creates and modifies an ACL user and its rules."""
    ctx.engine.acl.set_user(args[2], args[3:])
    return OK


@command("ACL|USERS", arity=2, flags=ADMINISTRATION, group=SERVER, since="6.0.0", complexity=ALL_USERS)
def acl_users(ctx: Context, args: list[bytes]) -> Reply:
    """Lists all ACL users."""
    return sorted(ctx.engine.acl.users)


@command("ACL|WHOAMI", arity=2, flags=FLAGS, group=SERVER, since="6.0.0", complexity="O(1)")
def acl_whoami(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the authenticated username of the current connection."""
    user = ctx.client.user
    return None if user is None else user.name
