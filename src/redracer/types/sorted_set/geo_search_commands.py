"""Searches for places in a circle or a rectangle: GEOSEARCH, GEOSEARCHSTORE, and the older GEORADIUS
family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import Reply
from redracer.engine.flags import DENYOOM, GEO, READONLY, WRITE
from redracer.engine.grammar import Arg, block, double, integer, key, one_of, string, token
from redracer.engine.key_specs import ACCESS, OW, RO, UPDATE, Key, KeyKeyword
from redracer.engine.registry import command
from redracer.types.sorted_set.geo_commands import UNIT
from redracer.types.sorted_set.geo_search import SHAPES, STORE_FLAG, STORE_KEY, Search
from redracer.types.sorted_set.storing import sorted_set, store

if TYPE_CHECKING:
    from redracer.engine.context import Context

SEARCH_COST = (
    "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape "
    "provided as the filter and M is the number of items inside the shape"
)
RADIUS_COST = (
    "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by "
    "center and radius and M is the number of items inside the index."
)
UPPERCASE = ("7.0.0", "Added support for uppercase unit names.")
ANY_OPTION = ("6.2.0", "Added the `ANY` option for `COUNT`.")

AREA: list[Arg] = [
    one_of(
        "from",
        string("member", token="FROMMEMBER"),
        block("fromlonlat", double("longitude"), double("latitude"), token="FROMLONLAT"),
    ),
    one_of(
        "by",
        block("circle", double("radius", token="BYRADIUS"), UNIT),
        block("box", double("width", token="BYBOX"), double("height"), UNIT),
    ),
]
ORDER = one_of("order", token("ASC"), token("DESC"), optional=True)
DETAILS = [
    token("WITHCOORD", optional=True),
    token("WITHDIST", optional=True),
    token("WITHHASH", optional=True),
]
STORE = one_of(
    "store",
    key("storekey", 1, token="STORE", display="key"),
    key("storedistkey", 2, token="STOREDIST", display="key"),
    optional=True,
)
CIRCLE: list[Arg] = [double("radius"), UNIT]


def count_argument(any_since: str = "") -> Arg:
    """COUNT's argument."""
    number = integer("count", token="COUNT")
    return block("count-block", number, token("ANY", since=any_since, optional=True), optional=True)


def answer(ctx: Context, search: Search, storing_name: bytes, event: str) -> Reply:
    """What a search returns once its arguments are read."""
    search.check(storing_name)
    if search.destination is None:
        return search.reply()
    found = search.scored()
    return store(ctx, search.destination, found, event, len(found) // 2)


def search_shape(ctx: Context, args: list[bytes], at: int, destination: bytes | None) -> Reply:
    """GEOSEARCH and GEOSEARCHSTORE; the key is at `args[at]`."""
    search = Search(sorted_set(ctx, args[at]))
    search.destination = destination
    search.read(args, at + 1, SHAPES if destination is None else SHAPES | STORE_FLAG)
    described = search.with_distance or search.with_hash or search.with_place
    if not (destination is not None and described):
        if not search.center_kind:
            raise CommandError(errors.one_center_needed(args[0]))
        if not search.shape:
            raise CommandError(errors.one_shape_needed(args[0]))
    return answer(ctx, search, b"GEOSEARCHSTORE", "geosearchstore")


def search_circle(ctx: Context, args: list[bytes], by_member: bool, kind: int) -> Reply:
    """The GEORADIUS family: a centre, a radius and a unit come before the options."""
    search = Search(sorted_set(ctx, args[1]))
    first = 5 if by_member else 6
    if not by_member:
        search.center_on_place(args[2], args[3])
        search.read_radius(args[4], args[5])
    elif search.members is not None:
        search.center_on_member(args[2])
        search.read_radius(args[3], args[4])
    search.read(args, first, kind)
    return answer(ctx, search, b"STORE option in GEORADIUS", "georadiusstore")


@command(
    "GEOSEARCH",
    arity=-7,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=GEO,
    since="6.2.0",
    complexity=SEARCH_COST,
    args=[key(), *AREA, ORDER, count_argument(), *DETAILS],
    history=[UPPERCASE],
)
def geosearch(ctx: Context, args: list[bytes]) -> Reply:
    """Queries a geospatial index for members inside an area of a box or a circle."""
    return search_shape(ctx, args, 1, None)


@command(
    "GEOSEARCHSTORE",
    arity=-8,
    flags=WRITE | DENYOOM,
    keys=[Key(1, OW | UPDATE), Key(2, RO | ACCESS)],
    group=GEO,
    since="6.2.0",
    complexity=SEARCH_COST,
    args=[
        key("destination"),
        key("source", 1),
        *AREA,
        ORDER,
        count_argument(),
        token("STOREDIST", optional=True),
    ],
    history=[UPPERCASE],
)
def geosearchstore(ctx: Context, args: list[bytes]) -> Reply:
    """Queries a geospatial index for members inside an area of a box or a circle, optionally stores the
    result."""
    return search_shape(ctx, args, 2, args[1])


@command(
    "GEORADIUS",
    arity=-6,
    flags=WRITE | DENYOOM,
    keys=[
        Key(1, RO | ACCESS),
        KeyKeyword("STORE", 6, OW | UPDATE),
        KeyKeyword("STOREDIST", 6, OW | UPDATE),
    ],
    group=GEO,
    since="3.2.0",
    complexity=RADIUS_COST,
    args=[
        key(),
        double("longitude"),
        double("latitude"),
        *CIRCLE,
        *DETAILS,
        count_argument("6.2.0"),
        ORDER,
        STORE,
    ],
    history=[ANY_OPTION, UPPERCASE],
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
)
def georadius(ctx: Context, args: list[bytes]) -> Reply:
    """Queries a geospatial index for members within a distance from a coordinate, optionally stores the
    result."""
    return search_circle(ctx, args, False, STORE_KEY)


@command(
    "GEORADIUS_RO",
    arity=-6,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=GEO,
    since="3.2.10",
    complexity=RADIUS_COST,
    args=[
        key(),
        double("longitude"),
        double("latitude"),
        *CIRCLE,
        *DETAILS,
        count_argument("6.2.0"),
        ORDER,
    ],
    history=[ANY_OPTION, UPPERCASE],
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` with the `BYRADIUS` argument",
)
def georadius_ro(ctx: Context, args: list[bytes]) -> Reply:
    """Returns members from a geospatial index that are within a distance from a coordinate."""
    return search_circle(ctx, args, False, 0)


@command(
    "GEORADIUSBYMEMBER",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=[
        Key(1, RO | ACCESS),
        KeyKeyword("STORE", 5, OW | UPDATE),
        KeyKeyword("STOREDIST", 5, OW | UPDATE),
    ],
    group=GEO,
    since="3.2.0",
    complexity=RADIUS_COST,
    args=[key(), string("member"), *CIRCLE, *DETAILS, count_argument(), ORDER, STORE],
    history=[ANY_OPTION, UPPERCASE],
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
)
def georadiusbymember(ctx: Context, args: list[bytes]) -> Reply:
    """Queries a geospatial index for members within a distance from a member, optionally stores the
    result."""
    return search_circle(ctx, args, True, STORE_KEY)


@command(
    "GEORADIUSBYMEMBER_RO",
    arity=-5,
    flags=READONLY,
    keys=Key(1, RO | ACCESS),
    group=GEO,
    since="3.2.10",
    complexity=RADIUS_COST,
    args=[key(), string("member"), *CIRCLE, *DETAILS, count_argument(), ORDER],
    history=[ANY_OPTION, UPPERCASE],
    deprecated_since="6.2.0",
    replaced_by="`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
)
def georadiusbymember_ro(ctx: Context, args: list[bytes]) -> Reply:
    """Returns members from a geospatial index that are within a distance from a member."""
    return search_circle(ctx, args, True, 0)
