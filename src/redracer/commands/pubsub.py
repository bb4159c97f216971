"""Pub/sub: to listen to channels, to send messages to them, and to see who listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.glob import match
from redracer.core.replies import Reply, Several
from redracer.engine.client import MULTI, NO_BLOCKING
from redracer.engine.context import Context
from redracer.engine.flags import FAST, LOADING, MAY_REPLICATE, NOSCRIPT, PUBSUB, PUBSUB_GROUP, STALE
from redracer.engine.grammar import block, pattern, string
from redracer.engine.key_specs import NOT_KEY, Channels, Key, Keys
from redracer.engine.registry import command, container

if TYPE_CHECKING:
    from redracer.engine.pubsub import PubSub, Topics

LISTEN = PUBSUB | NOSCRIPT | LOADING | STALE
SEND = PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE
LOOK = PUBSUB | LOADING | STALE

CHANNELS = [string("channel", optional=True, multiple=True)]
SHARD_CHANNELS = [string("shardchannel", optional=True, multiple=True)]
ONE_PATTERN = [pattern("pattern", optional=True)]


def _check_may_listen(ctx: Context, name: bytes, *, in_transaction: bool = True) -> None:
    """CommandError for a caller that takes no messages: a script; with shard channels also a transaction."""
    if ctx.client.flags & NO_BLOCKING and not (in_transaction and ctx.client.flags & MULTI):
        raise CommandError(errors.no_subscriptions(name))


@command(
    "SUBSCRIBE",
    arity=-2,
    flags=LISTEN,
    channels=Channels(),
    group=PUBSUB_GROUP,
    since="2.0.0",
    complexity="O(N) where N is the number of channels to subscribe to.",
    args=[string("channel", multiple=True)],
)
def subscribe(ctx: Context, args: list[bytes]) -> Reply:
    """Listens for messages published to channels."""
    _check_may_listen(ctx, b"SUBSCRIBE")
    pubsub = ctx.engine.pubsub
    return Several(pubsub.subscribe(pubsub.channels, ctx.client, args[1:]))


@command(
    "UNSUBSCRIBE",
    arity=-1,
    flags=LISTEN,
    group=PUBSUB_GROUP,
    since="2.0.0",
    complexity="O(N) where N is the number of channels to unsubscribe.",
    args=CHANNELS,
)
def unsubscribe(ctx: Context, args: list[bytes]) -> Reply:
    """Stops listening to messages posted to channels."""
    pubsub = ctx.engine.pubsub
    return Several(pubsub.unsubscribe(pubsub.channels, ctx.client, args[1:]))


@command(
    "PSUBSCRIBE",
    arity=-2,
    flags=LISTEN,
    channels=Channels(patterns=True),
    group=PUBSUB_GROUP,
    since="2.0.0",
    complexity="O(N) where N is the number of patterns to subscribe to.",
    args=[block("pattern", pattern("pattern"), multiple=True)],
)
def psubscribe(ctx: Context, args: list[bytes]) -> Reply:
    """Listens for messages published to channels that match one or more patterns."""
    _check_may_listen(ctx, b"PSUBSCRIBE")
    pubsub = ctx.engine.pubsub
    return Several(pubsub.subscribe(pubsub.patterns, ctx.client, args[1:]))


@command(
    "PUNSUBSCRIBE",
    arity=-1,
    flags=LISTEN,
    group=PUBSUB_GROUP,
    since="2.0.0",
    complexity="O(N) where N is the number of patterns to unsubscribe.",
    args=[pattern("pattern", optional=True, multiple=True)],
)
def punsubscribe(ctx: Context, args: list[bytes]) -> Reply:
    """Stops listening to messages published to channels that match one or more patterns."""
    pubsub = ctx.engine.pubsub
    return Several(pubsub.unsubscribe(pubsub.patterns, ctx.client, args[1:]))


@command(
    "SSUBSCRIBE",
    arity=-2,
    flags=LISTEN,
    keys=Keys(1, NOT_KEY),
    channels=Channels(),
    group=PUBSUB_GROUP,
    since="7.0.0",
    complexity="O(N) where N is the number of shard channels to subscribe to.",
    args=[string("shardchannel", multiple=True)],
)
def ssubscribe(ctx: Context, args: list[bytes]) -> Reply:
    """Listens for messages published to shard channels."""
    _check_may_listen(ctx, b"SSUBSCRIBE", in_transaction=False)
    pubsub = ctx.engine.pubsub
    return Several(pubsub.subscribe(pubsub.shard_channels, ctx.client, args[1:]))


@command(
    "SUNSUBSCRIBE",
    arity=-1,
    flags=LISTEN,
    keys=Keys(1, NOT_KEY),
    group=PUBSUB_GROUP,
    since="7.0.0",
    complexity="O(N) where N is the number of shard channels to unsubscribe.",
    args=SHARD_CHANNELS,
)
def sunsubscribe(ctx: Context, args: list[bytes]) -> Reply:
    """Stops listening to messages posted to shard channels."""
    pubsub = ctx.engine.pubsub
    return Several(pubsub.unsubscribe(pubsub.shard_channels, ctx.client, args[1:]))


@command(
    "PUBLISH",
    arity=3,
    flags=SEND,
    channels=Channels(1),
    group=PUBSUB_GROUP,
    since="2.0.0",
    complexity="O(N+M) where N is the number of clients subscribed to the receiving channel and M is the "
    "total number of subscribed patterns (by any client).",
    args=[string("channel"), string("message")],
)
def publish(ctx: Context, args: list[bytes]) -> Reply:
    """Posts a message to a channel."""
    pubsub: PubSub = ctx.engine.pubsub
    receivers = pubsub.publish(args[1], args[2])
    ctx.tell_replicas(args)
    return receivers


@command(
    "SPUBLISH",
    arity=3,
    flags=SEND,
    keys=Key(1, NOT_KEY),
    channels=Channels(1),
    group=PUBSUB_GROUP,
    since="7.0.0",
    complexity="O(N) where N is the number of clients subscribed to the receiving shard channel.",
    args=[string("shardchannel"), string("message")],
)
def spublish(ctx: Context, args: list[bytes]) -> Reply:
    """Post a message to a shard channel"""
    receivers = ctx.engine.pubsub.publish_in_shard(args[1], args[2])
    ctx.tell_replicas(args)
    return receivers


container(
    "PUBSUB",
    group=PUBSUB_GROUP,
    since="2.8.0",
    summary="A container for Pub/Sub commands.",
    help_since="6.2.0",
)


def _active(topics: Topics, patterns: list[bytes]) -> list[bytes]:
    """The channels that someone listens to, those that match the pattern if there is one."""
    return [name for name in topics if not patterns or match(patterns[0], name)]


def _check_one_pattern(args: list[bytes]) -> None:
    if len(args) > 3:
        raise CommandError(errors.unknown_subcommand(args[0], args[1]))


def _listeners(topics: Topics, names: list[bytes]) -> list[Reply]:
    """Each name and how many listen to it, in a flat list."""
    return [part for name in names for part in (name, len(topics.get(name, ())))]


@command(
    "PUBSUB|CHANNELS",
    arity=-2,
    flags=LOOK,
    group=PUBSUB_GROUP,
    since="2.8.0",
    complexity="O(N) where N is the number of active channels, and assuming constant time pattern matching "
    "(relatively short channels and patterns)",
    args=ONE_PATTERN,
)
def pubsub_channels(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the active channels."""
    _check_one_pattern(args)
    return _active(ctx.engine.pubsub.channels.topics, args[2:])


@command(
    "PUBSUB|NUMSUB",
    arity=-2,
    flags=LOOK,
    group=PUBSUB_GROUP,
    since="2.8.0",
    complexity="O(N) for the NUMSUB subcommand, where N is the number of requested channels",
    args=CHANNELS,
)
def pubsub_numsub(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a count of subscribers to channels."""
    return _listeners(ctx.engine.pubsub.channels.topics, args[2:])


@command("PUBSUB|NUMPAT", arity=2, flags=LOOK, group=PUBSUB_GROUP, since="2.8.0", complexity="O(1)")
def pubsub_numpat(ctx: Context, args: list[bytes]) -> Reply:
    """Returns a count of unique pattern subscriptions."""
    return len(ctx.engine.pubsub.patterns.topics)


@command(
    "PUBSUB|SHARDCHANNELS",
    arity=-2,
    flags=LOOK,
    group=PUBSUB_GROUP,
    since="7.0.0",
    complexity="O(N) where N is the number of active shard channels, and assuming constant time pattern "
    "matching (relatively short shard channels).",
    args=ONE_PATTERN,
)
def pubsub_shardchannels(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the active shard channels."""
    _check_one_pattern(args)
    return _active(ctx.engine.pubsub.shard_channels.topics, args[2:])


@command(
    "PUBSUB|SHARDNUMSUB",
    arity=-2,
    flags=LOOK,
    group=PUBSUB_GROUP,
    since="7.0.0",
    complexity="O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
    args=SHARD_CHANNELS,
)
def pubsub_shardnumsub(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the count of subscribers of shard channels."""
    return _listeners(ctx.engine.pubsub.shard_channels.topics, args[2:])
