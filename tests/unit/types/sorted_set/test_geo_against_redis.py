"""Geo commands compared with a real redis-server, reply by reply.

A member stands for a place of its own, so that no two are equally far from a centre and every order is decided.
"""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ...commands.served import Served
from ..against_redis import SETTINGS, Ours, Real, words

COMMANDS = int(os.environ.get("REDRACER_GEO_COMMANDS", "50000"))  # of the long run
COMMANDS_PER_EXAMPLE = 80
SHORT_EXAMPLES = 40
PLACES = 60
LATITUDE_LIMIT = 85.05112878

keys = st.sampled_from([b"a", b"a", b"a", b"b", b"string", b"none"])
stored_keys = st.sampled_from([b"b", b"c"])


def place(number):
    """The place of a member: some on the edges of the world, most near one another."""
    if number < 4:
        return (-180.0, 180.0)[number % 2], (-LATITUDE_LIMIT, LATITUDE_LIMIT)[number // 2]
    if number < 20:
        return (number * 97.3) % 359 - 179.5, (number * 31.7) % 168 - 84.2
    return 13.3 + number * 0.0371 % 2, 37.1 + number * number * 0.0173 % 1.7


def coordinates(number):
    longitude, latitude = place(number)
    return [b"%.8f" % longitude, b"%.8f" % latitude]


numbers = st.integers(0, PLACES - 1)
members = st.one_of(numbers.map(lambda number: b"place%d" % number), st.sampled_from([b"", b"nowhere"]))
places = numbers.map(lambda number: [*coordinates(number), b"place%d" % number])
many_places = st.lists(places, min_size=1, max_size=12).map(
    lambda found: [part for one in found for part in one]
)
bad_places = st.sampled_from(
    [[b"181", b"0", b"x"], [b"0", b"85.06", b"x"], [b"nan", b"0", b"x"], [b"x", b"0", b"x"], [b"0", b"0"]]
)
centers = st.one_of(
    numbers.map(coordinates), st.sampled_from([[b"0", b"0"], [b"-180", b"80"], [b"200", b"0"]])
)
units = st.sampled_from([b"m", b"KM", b"ft", b"mi", b"x"])
lengths = st.sampled_from(
    [b"0", b"1", b"50", b"200.5", b"3000", b"100000", b"6000000", b"30000000", b"-1", b"x"]
)
circles = st.tuples(lengths, units).map(list)
boxes = st.tuples(lengths, lengths, units).map(list)
options = st.lists(
    st.sampled_from(
        [
            [b"WITHDIST"],
            [b"WITHCOORD"],
            [b"withhash"],
            [b"ASC"],
            [b"desc"],
            [b"COUNT", b"2"],
            [b"COUNT", b"5", b"ANY"],
            [b"COUNT", b"0"],
            [b"COUNT", b"x"],
            [b"ANY"],
            [b"nothing"],
        ]
    ),
    max_size=4,
).map(lambda found: [word for option in found for word in option])
shapes = st.one_of(
    centers.map(lambda center: [b"FROMLONLAT", *center]),
    members.map(lambda member: [b"FROMMEMBER", member]),
    circles.map(lambda circle: [b"BYRADIUS", *circle]),
    boxes.map(lambda box: [b"bybox", *box]),
)
whole_shapes = st.tuples(
    st.one_of(
        centers.map(lambda center: [b"FROMLONLAT", *center]),
        members.map(lambda member: [b"frommember", member]),
    ),
    st.one_of(circles.map(lambda circle: [b"BYRADIUS", *circle]), boxes.map(lambda box: [b"BYBOX", *box])),
).map(lambda pair: pair[0] + pair[1])
searches = st.one_of(
    whole_shapes,
    whole_shapes,
    whole_shapes,
    st.lists(shapes, max_size=3).map(lambda found: [w for s in found for w in s]),
)
store_options = st.one_of(
    st.just([]),
    st.tuples(st.sampled_from([b"STORE", b"storedist"]), stored_keys).map(list),
    st.just([b"STORE"]),
)

COMMAND = st.one_of(
    words(b"GEOADD", keys, many_places),
    words(b"GEOADD", keys, many_places),
    words(b"GEOADD", keys, st.lists(st.sampled_from([b"NX", b"xx", b"CH"]), max_size=2), many_places),
    words(b"GEOADD", keys, places, bad_places),
    words(b"GEODIST", keys, members, members),
    words(b"GEODIST", keys, members, members, units),
    words(st.sampled_from([b"GEOHASH", b"GEOPOS"]), keys, st.lists(members, max_size=4)),
    words(b"GEOSEARCH", keys, searches, options),
    words(b"GEOSEARCH", keys, searches, options),
    words(b"GEOSEARCHSTORE", stored_keys, keys, searches, st.sampled_from([[], [b"STOREDIST"]]), options),
    words(st.sampled_from([b"GEORADIUS", b"GEORADIUS_RO"]), keys, centers, circles, options, store_options),
    words(
        st.sampled_from([b"GEORADIUSBYMEMBER", b"GEORADIUSBYMEMBER_RO"]),
        keys,
        members,
        circles,
        options,
        store_options,
    ),
    words(b"ZREM", keys, members),
    words(b"ZRANGE", stored_keys, b"0", b"-1"),
)


def compare(ours, real, protocol, entries, commands):
    setup = [
        [b"FLUSHALL", b"SYNC"],
        [b"CONFIG", b"SET", b"zset-max-listpack-entries", b"%d" % entries],
        [b"SET", b"string", b"text"],
    ]
    for side in (ours, real):
        side.run([b"HELLO", b"%d" % protocol])
        for argv in setup:
            assert side.run(argv) == (b"+", b"OK")
    for argv in commands:
        assert ours.run(argv) == real.run(argv), argv


EXAMPLE = (
    st.sampled_from([2, 3]),
    st.sampled_from([128, 128, 5, 0]),
    st.lists(COMMAND, min_size=20, max_size=COMMANDS_PER_EXAMPLE),
)


@pytest.fixture
def sides(real_server):
    real = Real(real_server)
    yield Ours(Served()), real
    real.close()


@settings(max_examples=SHORT_EXAMPLES, **SETTINGS)
@given(*EXAMPLE)
def test_replies_as_redis(sides, protocol, entries, commands):
    compare(*sides, protocol, entries, commands)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_replies_as_redis_at_length(sides):
    done = 0

    @settings(max_examples=COMMANDS // 20, database=None, **SETTINGS)
    @given(*EXAMPLE)
    def run(protocol, entries, commands):
        nonlocal done
        if done < COMMANDS:
            compare(*sides, protocol, entries, commands)
            done += len(commands)

    run()
    assert done >= COMMANDS
