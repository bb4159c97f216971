"""Geo commands on single places: GEOADD, GEODIST, GEOHASH, GEOPOS. Searches are in geo_search_commands.py.

A place is a member of a sorted set whose score is its geohash (core/geohash).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.geohash import (
    LATITUDE_LIMIT,
    LONGITUDE_LIMIT,
    decode,
    distance,
    distance_text,
    encode,
    geohash_text,
    place_text,
)
from redracer.core.numbers import format_integer
from redracer.core.replies import NULL_ARRAY, Double, Reply
from redracer.engine.flags import DENYOOM, GEO, READONLY, WRITE
from redracer.engine.grammar import block, double, key, one_of, string, token
from redracer.engine.key_specs import ACCESS, RO, RW, UPDATE, Key
from redracer.engine.registry import command
from redracer.types.sorted_set.additions import Additions
from redracer.types.sorted_set.commands import add
from redracer.types.sorted_set.storing import sorted_set
from redracer.types.sorted_set.value import parse_score

if TYPE_CHECKING:
    from redracer.engine.context import Context

METERS = {b"m": 1.0, b"km": 1000.0, b"ft": 0.3048, b"mi": 1609.34}
OPTIONS = (b"nx", b"xx", b"ch")
UNIT = one_of("unit", token("M"), token("KM"), token("FT"), token("MI"))


def meters_of(unit: bytes) -> float:
    """How many metres a unit has; CommandError for an unknown one."""
    meters = METERS.get(unit.lower())
    if meters is None:
        raise CommandError(errors.UNKNOWN_UNIT)
    return meters


def place(longitude: bytes, latitude: bytes) -> tuple[float, float]:
    """Longitude and latitude in degrees. Raises CommandError for what is no number, or beyond the limits."""
    x, y = parse_score(longitude), parse_score(latitude)
    if abs(x) > LONGITUDE_LIMIT or abs(y) > LATITUDE_LIMIT:
        raise CommandError(errors.invalid_coordinates(x, y))
    return x, y


def place_reply(score: float) -> Reply:
    """A place as [longitude, latitude], with more digits than a number's shortest form."""
    return [Double(degrees, place_text(degrees)) for degrees in decode(score)]


@command(
    "GEOADD",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=Key(1, RW | UPDATE),
    group=GEO,
    since="3.2.0",
    complexity="O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    args=[
        key(),
        one_of("condition", token("NX"), token("XX"), since="6.2.0", optional=True),
        token("CH", "change", since="6.2.0", optional=True),
        block("data", double("longitude"), double("latitude"), string("member"), multiple=True),
    ],
    history=[("6.2.0", "Added the `CH`, `NX` and `XX` options.")],
)
def geoadd(ctx: Context, args: list[bytes]) -> Reply:
    """Adds one or more members to a geospatial index. The key is created if it doesn't exist."""
    first = 2
    while first < len(args) and args[first].lower() in OPTIONS:
        first += 1
    options = [option.lower() for option in args[2:first]]
    if (len(args) - first) % 3 or (b"nx" in options and b"xx" in options):
        raise CommandError(errors.SYNTAX)
    addition = [b"ZADD", *args[1:first]]
    for at in range(first, len(args), 3):
        longitude, latitude = place(args[at], args[at + 1])
        addition += [format_integer(encode(longitude, latitude)), args[at + 2]]
    added: Reply = add(ctx, args[1], Additions(addition, 2, 0))
    ctx.rewrite_as([addition])
    return added


@command(
    "GEODIST",
    arity=-4,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=GEO,
    since="3.2.0",
    complexity="O(1)",
    args=[
        key(),
        string("member1"),
        string("member2"),
        one_of("unit", token("M"), token("KM"), token("FT"), token("MI"), optional=True),
    ],
)
def geodist(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the distance between two members of a geospatial index."""
    if len(args) > 5:
        raise CommandError(errors.SYNTAX)
    meters = meters_of(args[4]) if len(args) == 5 else 1.0
    members = sorted_set(ctx, args[1])
    if members is None:
        return None
    first, second = members.score_of(args[2]), members.score_of(args[3])
    if first is None or second is None:
        return None
    return distance_text(distance(*decode(first), *decode(second)) / meters)


@command(
    "GEOHASH",
    arity=-2,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=GEO,
    since="3.2.0",
    complexity="O(1) for each member requested.",
    args=[key(), string("member", optional=True, multiple=True)],
)
def geohash(ctx: Context, args: list[bytes]) -> Reply:
    """Returns members from a geospatial index as geohash strings."""
    members = sorted_set(ctx, args[1])
    scores = [None if members is None else members.score_of(member) for member in args[2:]]
    return [None if score is None else geohash_text(score) for score in scores]


@command(
    "GEOPOS",
    arity=-2,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=GEO,
    since="3.2.0",
    complexity="O(1) for each member requested.",
    args=[key(), string("member", optional=True, multiple=True)],
)
def geopos(ctx: Context, args: list[bytes]) -> Reply:
    """Returns the longitude and latitude of members from a geospatial index."""
    members = sorted_set(ctx, args[1])
    scores = [None if members is None else members.score_of(member) for member in args[2:]]
    return [NULL_ARRAY if score is None else place_reply(score) for score in scores]
