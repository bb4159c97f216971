"""Commands of primaries and replicas; the work is done behind the port `replication`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.numbers import parse_integer
from redracer.core.replies import NO_REPLY, OK, Reply, Status
from redracer.engine import arguments
from redracer.engine.client import PRIMARY
from redracer.engine.flags import (
    ACL_ADMIN,
    ACL_CONNECTION,
    ACL_DANGEROUS,
    ADMIN,
    ALLOW_BUSY,
    BLOCKING,
    DEPRECATED,
    FAST,
    GENERIC,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    SERVER,
    STALE,
    SYSCMD,
)
from redracer.engine.grammar import block, integer, one_of, string, token
from redracer.engine.registry import command

if TYPE_CHECKING:
    from redracer.engine.context import Context

NO_KEYS: list[bytes] = []
ANY_TYPE = -1
LARGEST_PORT = 65535

PRIMARY_ARGUMENTS = [
    one_of(
        "args",
        block("host-port", string("host"), integer("port")),
        block("no-one", token("NO"), token("ONE")),
    )
]


def replication(ctx: Context) -> Any:
    """The port."""
    return ctx.engine.ports["replication"]


@command(
    "REPLICAOF",
    arity=3,
    flags=ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING,
    group=SERVER,
    since="5.0.0",
    complexity="O(1)",
    args=PRIMARY_ARGUMENTS,
)
def replicaof(ctx: Context, args: list[bytes]) -> Reply:
    """Configures a server as replica of another, or promotes it to a master."""
    port = replication(ctx)
    if port.failover.active:
        raise CommandError(b"ERR REPLICAOF not allowed while failing over.")
    if args[1].lower() == b"no" and args[2].lower() == b"one":
        port.promote()
        return OK
    number = parse_integer(args[2])
    if number is None:
        raise CommandError(errors.NOT_INTEGER)
    if not 0 <= number <= LARGEST_PORT:
        raise CommandError(b"ERR Invalid master port")
    primary = (args[1].decode("latin-1"), number)
    if ctx.config["replicaof"] == primary:
        return Status(b"OK Already connected to specified master")
    port.follow(*primary)
    return OK


@command(
    "SLAVEOF",
    arity=3,
    flags=ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING,
    group=SERVER,
    since="1.0.0",
    complexity="O(1)",
    args=PRIMARY_ARGUMENTS,
    doc_flags=DEPRECATED,
    deprecated_since="5.0.0",
    replaced_by="`REPLICAOF`",
)
def slaveof(ctx: Context, args: list[bytes]) -> Reply:
    """Sets a Redis server as a replica of another, or promotes it to being a master."""
    return replicaof(ctx, args)


@command(
    "ROLE",
    arity=1,
    flags=NOSCRIPT | LOADING | STALE | FAST,
    acl=ACL_ADMIN | ACL_DANGEROUS,
    group=SERVER,
    since="2.8.12",
    complexity="O(1)",
)
def role(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the replication role."""
    if "replication" not in ctx.engine.ports:
        return [b"master", 0, []]
    described: Reply = replication(ctx).role()
    return described


@command(
    "SYNC",
    arity=1,
    flags=ADMIN | NO_MULTI | NOSCRIPT | NO_ASYNC_LOADING,
    group=SERVER,
    since="1.0.0",
)
def sync(ctx: Context, args: list[bytes]) -> Reply:
    """An internal command used in replication."""
    reply: Reply = replication(ctx).synchronize(ctx.client, args)
    return reply


@command(
    "PSYNC",
    arity=-3,
    flags=ADMIN | NO_MULTI | NOSCRIPT | NO_ASYNC_LOADING,
    group=SERVER,
    since="2.8.0",
    args=[string("replicationid"), integer("offset")],
)
def psync(ctx: Context, args: list[bytes]) -> Reply:
    """An internal command used in replication."""
    reply: Reply = replication(ctx).synchronize(ctx.client, args)
    return reply


@command(
    "REPLCONF",
    arity=-1,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY,
    group=SERVER,
    since="3.0.0",
    complexity="O(1)",
    doc_flags=SYSCMD,
)
def replconf(ctx: Context, args: list[bytes]) -> Reply:
    """An internal command for configuring the replication stream."""
    if ctx.client.flags & PRIMARY:
        if len(args) > 1 and args[1].lower() == b"getack":
            replication(ctx).acknowledge_soon()
        return NO_REPLY
    reply: Reply = replication(ctx).primary.configure(ctx.client, args)
    return reply


# --- waiting for replicas


@command(
    "WAIT",
    arity=3,
    flags=BLOCKING,
    acl=ACL_CONNECTION,
    group_acl=False,
    group=GENERIC,
    since="3.0.0",
    complexity="O(1)",
    args=[integer("numreplicas"), integer("timeout")],
    hints=["request_policy:all_shards", "response_policy:agg_min"],
)
def wait(ctx: Context, args: list[bytes]) -> Reply:
    """Blocks until the asynchronous replication of all preceding write commands sent by the connection is
    completed."""
    replicas = arguments.integer(args[1])
    timeout = arguments.timeout_in_milliseconds(ctx, args[2])
    if ctx.engine.is_replica:
        raise CommandError(errors.WAIT_ON_REPLICA)
    if "replication" not in ctx.engine.ports:
        return 0  # a store inside a process has no replicas that one could wait for
    waits = replication(ctx).waits
    wanted = waits.wanted(ctx.client, replicas, 0, False)
    if waits.reached(wanted):
        waits.end(ctx.client)
        return int(waits.count(wanted)[1])
    waits.begin(ctx.client, wanted)
    return ctx.block(args, NO_KEYS, ANY_TYPE, timeout, lambda: waits.count(wanted)[1])


@command(
    "WAITAOF",
    arity=4,
    flags=BLOCKING,
    acl=ACL_CONNECTION,
    group_acl=False,
    group=GENERIC,
    since="7.2.0",
    complexity="O(1)",
    args=[integer("numlocal"), integer("numreplicas"), integer("timeout")],
    hints=["request_policy:all_shards", "response_policy:agg_min"],
)
def waitaof(ctx: Context, args: list[bytes]) -> Reply:
    """Blocks until all of the preceding write commands sent by the connection are written to the append-only
    file of the master and/or replicas."""
    local = arguments.integer(args[1])
    if not 0 <= local <= 1:
        raise CommandError(errors.value_not_between(0, 1))
    replicas = arguments.integer(args[2])
    if replicas < 0:
        raise CommandError(errors.NOT_POSITIVE)
    timeout = arguments.timeout_in_milliseconds(ctx, args[3])
    if ctx.engine.is_replica:
        raise CommandError(errors.WAITAOF_ON_REPLICA)
    if local and not ctx.config["appendonly"]:
        raise CommandError(errors.WAITAOF_WITHOUT_AOF)
    waits = replication(ctx).waits
    wanted = waits.wanted(ctx.client, replicas, local, True)
    if waits.reached(wanted):
        waits.end(ctx.client)
        return list(waits.count(wanted))
    waits.begin(ctx.client, wanted)
    return ctx.block(args, NO_KEYS, ANY_TYPE, timeout, lambda: list(waits.count(wanted)))


# --- handing the role over


@command(
    "FAILOVER",
    arity=-1,
    flags=ADMIN | NOSCRIPT | STALE,
    group=SERVER,
    since="6.2.0",
    complexity="O(1)",
    args=[
        block(
            "target",
            string("host"),
            integer("port"),
            token("FORCE", optional=True),
            token="TO",
            optional=True,
        ),
        token("ABORT", optional=True),
        integer("milliseconds", token="TIMEOUT", optional=True),
    ],
)
def failover(ctx: Context, args: list[bytes]) -> Reply:
    """Starts a coordinated failover from a server to one of its replicas."""
    manual = replication(ctx).failover
    if len(args) == 2 and args[1].lower() == b"abort":
        manual.abort()
        return OK
    target, timeout, force = _failover_options(args)
    manual.start(target, timeout, force)
    return OK


def _failover_options(args: list[bytes]) -> tuple[tuple[str, int] | None, int, bool]:
    target, timeout, force = None, 0, False
    at = 1
    while at < len(args):
        word = args[at].lower()
        if word == b"timeout" and not timeout and at + 1 < len(args):
            timeout = arguments.integer(args[at + 1])
            if timeout <= 0:
                raise CommandError(b"ERR FAILOVER timeout must be greater than 0")
            at += 2
        elif word == b"to" and target is None and at + 2 < len(args):
            target = (args[at + 1].decode("latin-1"), arguments.integer(args[at + 2]))
            at += 3
        elif word == b"force" and not force:
            force = True
            at += 1
        else:
            raise CommandError(errors.SYNTAX)
    return target, timeout, force
