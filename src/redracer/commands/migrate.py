"""MIGRATE: keys go to another server, which is told to RESTORE them, and are deleted here once it says that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redracer.commands.dump import payload_of
from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import OK, Error, Reply, Status
from redracer.engine import arguments
from redracer.engine.flags import ACL_DANGEROUS, GENERIC, WRITE
from redracer.engine.grammar import block, integer, key, one_of, string, token
from redracer.engine.key_specs import ACCESS, DELETE, INCOMPLETE, RW, Key, KeyKeyword, KeyReference
from redracer.engine.registry import command

if TYPE_CHECKING:
    from redracer.engine.context import Context

OPTIONS_AT = 6
KEY_AT = 3
USUAL_TIMEOUT = 1000  # ms, for one that is 0 or less
KEY_NOT_EMPTY = b"ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
TOUCH = RW | ACCESS | DELETE
LARGEST_PORT = 65535


class MigrateOptions(NamedTuple):
    """What stands behind the timeout."""

    copy: bool
    replace: bool
    credentials: list[bytes]  # what follows AUTH
    keys_at: int  # 0: there is no KEYS


def _options(args: list[bytes]) -> MigrateOptions:
    """Reads the options. Raises CommandError."""
    copy = replace = False
    credentials: list[bytes] = []
    at = OPTIONS_AT
    while at < len(args):
        word = args[at].lower()
        left = len(args) - at - 1
        if word == b"copy":
            copy = True
        elif word == b"replace":
            replace = True
        elif word == b"auth" and left >= 1:
            credentials = [args[at + 1]]
            at += 1
        elif word == b"auth2" and left >= 2:
            credentials = args[at + 1 : at + 3]
            at += 2
        elif word == b"keys" and left >= 1:
            if args[KEY_AT]:
                raise CommandError(KEY_NOT_EMPTY)
            return MigrateOptions(copy, replace, credentials, at + 1)
        else:
            raise CommandError(errors.SYNTAX)
        at += 1
    return MigrateOptions(copy, replace, credentials, 0)


def keys_of_migrate(args: list[bytes]) -> list[KeyReference]:
    """Where the keys are: one, or those behind KEYS, which may also be a password."""
    try:
        keys_at = _options(args).keys_at
    except CommandError:
        return []
    return [(at, TOUCH) for at in (range(keys_at, len(args)) if keys_at else (KEY_AT,))]


def secrets_of_migrate(args: list[bytes]) -> list[int]:
    """Where the credentials are."""
    found: list[int] = []
    at = OPTIONS_AT
    while at < len(args) and args[at].lower() != b"keys":
        length = {b"auth": 1, b"auth2": 2}.get(args[at].lower(), 0)
        found += range(at + 1, min(at + 1 + length, len(args)))
        at += 1 + length
    return found


@command(
    "MIGRATE",
    arity=-6,
    flags=WRITE,
    keys=(
        Key(KEY_AT, TOUCH),
        KeyKeyword("KEYS", -2, TOUCH | INCOMPLETE, last=-1),
    ),
    find_keys=keys_of_migrate,
    secrets=secrets_of_migrate,
    group=GENERIC,
    acl=ACL_DANGEROUS,
    since="2.6.0",
    complexity="This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target "
    "instance. See the pages of these commands for time complexity. Also an O(N) data transfer between the two "
    "instances is performed.",
    args=[
        string("host"),
        integer("port"),
        one_of("key-selector", key(), token('""', "empty-string")),
        integer("destination-db"),
        integer("timeout"),
        token("COPY", optional=True, since="3.0.0"),
        token("REPLACE", optional=True, since="3.0.0"),
        one_of(
            "authentication",
            string("auth", token="AUTH", display="password", since="4.0.7"),
            block("auth2", string("username"), string("password"), token="AUTH2", since="6.0.0"),
            optional=True,
        ),
        key("keys", 1, token="KEYS", display="key", optional=True, multiple=True, since="3.0.6"),
    ],
    history=[
        ("3.0.0", "Added the `COPY` and `REPLACE` options."),
        ("3.0.6", "Added the `KEYS` option."),
        ("4.0.7", "Added the `AUTH` option."),
        ("6.0.0", "Added the `AUTH2` option."),
    ],
    hints=["nondeterministic_output"],
)
def migrate(ctx: Context, args: list[bytes]) -> Reply:
    """Atomically transfers a key from one Redis instance to another."""
    options = _options(args)
    timeout = arguments.integer(args[5])
    database = arguments.integer(args[4])
    names = args[options.keys_at :] if options.keys_at else [args[KEY_AT]]
    requests = _restores(ctx, names, options.replace)
    if not requests:
        return Status(b"NOKEY")
    preparation = [[b"SELECT", b"%d" % database]]
    if options.credentials:
        preparation.insert(0, [b"AUTH", *options.credentials])
    port = arguments.integer(args[2])
    if not 0 < port <= LARGEST_PORT:
        raise CommandError(b"IOERR error or timeout connecting to the client")
    replies = ctx.engine.ports["migration"].exchange(
        (args[1].decode("latin-1"), port),
        (timeout if timeout > 0 else USUAL_TIMEOUT) / 1000,
        [*preparation, *requests],
    )
    problem, moved = None, []
    try:
        refusals = [reply for _, reply in zip(preparation, replies, strict=False) if reply.startswith(b"-")]
        for request, reply in zip(requests, replies, strict=True):
            if refusals or reply.startswith(b"-"):
                problem = problem or _told(refusals[0] if refusals else reply)
            else:
                moved.append(request[1])
    except (
        CommandError
    ) as broken:  # of what was acknowledged before, the other server has the only copy to keep
        problem = broken.text
    if not options.copy:
        _delete(ctx, moved)
    return Error(problem) if problem else OK


def _restores(ctx: Context, names: list[bytes], replace: bool) -> list[list[bytes]]:
    """The requests that make the keys at the other server, of those that are there."""
    requests = []
    for name in names:
        payload = payload_of(ctx, name)
        if payload is None:
            continue
        expiry = ctx.db.expiry_of(name)
        ttl = max(expiry - ctx.now, 1) if expiry > 0 else 0
        request = [b"RESTORE", name, b"%d" % ttl, payload]
        requests.append([*request, b"REPLACE"] if replace else request)
    return requests


def _told(line: bytes) -> bytes:
    return b"ERR Target instance replied with error: " + line[1:]


def _delete(ctx: Context, names: list[bytes]) -> None:
    """The keys are at the other server now. What replicas and the log get is their deletion."""
    ctx.rewrite_as([[b"DEL", *names]] if names else [])
    for name in names:
        if ctx.db.delete(name):
            ctx.changed(name, "del")
