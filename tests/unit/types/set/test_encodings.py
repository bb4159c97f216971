"""When a set changes its encoding, as Redis 7.2 and later do it; and that all members stay."""

import pytest

from redracer.core.clock import Clock
from redracer.core.intset import Intset
from redracer.core.keyspace import Keyspace
from redracer.core.listpack import Listpack
from redracer.core.member_table import MemberTable
from redracer.engine.effects import Feed
from redracer.types.set.value import (
    MembersOf,
    SetLimits,
    add_members,
    count_members,
    draw_members,
    encoding_of,
    has_member,
    members_of,
    pop_member,
    pop_members,
    random_member,
    remove_member,
    scan_members,
)

from ...commands.served import Served

SET = 2
INTEGERS = [b"%d" % number for number in range(-3, 7)]
WORDS = [b"word:%d" % number for number in range(10)]
SAMPLES = {
    b"intset": INTEGERS,
    b"listpack": [*INTEGERS, b"x"],
    b"hashtable": [b"member:%d" % i for i in range(300)],
}


@pytest.fixture
def server():
    return Served()


def add(server, key, members):
    return server.run([b"SADD", key, *members])


def encoding(server, key=b"s"):
    return server.text([b"OBJECT", b"ENCODING", key])


def test_integers_stay_integers_up_to_the_limit(server):
    server.run(b"CONFIG SET set-max-intset-entries 8")
    add(server, b"s", [b"%d" % number for number in range(8)])
    assert encoding(server) == "intset"
    add(server, b"s", [b"8"])
    assert encoding(server) == "hashtable"


def test_a_string_makes_a_listpack_of_an_intset(server):
    add(server, b"s", INTEGERS)
    assert encoding(server) == "intset"
    add(server, b"s", [b"x"])
    assert encoding(server) == "listpack"
    assert server.run(b"SCARD s") == b":11\r\n"


def test_a_string_makes_a_table_of_an_intset_that_is_too_large_or_wide_for_a_listpack(server):
    add(server, b"many", [b"%d" % number for number in range(128)])
    add(server, b"many", [b"x"])
    assert encoding(server, b"many") == "hashtable"
    add(server, b"long", [b"1"])
    add(server, b"long", [b"x" * 65])
    assert encoding(server, b"long") == "hashtable"
    server.run(b"CONFIG SET set-max-listpack-value 3")
    add(server, b"wide", [b"1", b"10000"])
    add(server, b"wide", [b"x"])
    assert encoding(server, b"wide") == "hashtable"


def test_a_listpack_grows_up_to_its_limits(server):
    add(server, b"s", [b"m%d" % number for number in range(128)])
    assert encoding(server) == "listpack"
    add(server, b"s", [b"m0"])
    assert encoding(server) == "listpack"
    add(server, b"s", [b"m128"])
    assert encoding(server) == "hashtable"
    add(server, b"t", [b"x" * 64])
    assert encoding(server, b"t") == "listpack"
    add(server, b"t", [b"x" * 65])
    assert encoding(server, b"t") == "hashtable"


def test_as_many_members_at_once_as_make_a_table_make_it_before_they_are_counted(server):
    add(server, b"same", [b"x"] * 129)
    assert encoding(server, b"same") == "hashtable"
    assert server.run(b"SCARD same") == b":1\r\n"
    add(server, b"integers", [b"1"] * 129)
    assert encoding(server, b"integers") == "intset"
    add(server, b"integers", [b"1"] * 513)
    assert encoding(server, b"integers") == "hashtable"


def test_removal_changes_no_encoding(server):
    add(server, b"s", [*INTEGERS, b"x"])
    server.run(b"SREM s x")
    assert encoding(server) == "listpack"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"SINTERSTORE d integers both", "intset"),
        (b"SINTERSTORE d both words", "listpack"),
        (b"SINTERSTORE d both table", "intset"),
        (b"SUNIONSTORE d integers", "intset"),
        (b"SUNIONSTORE d integers words", "listpack"),
        (b"SUNIONSTORE d table", "hashtable"),
        (b"SDIFFSTORE d both words", "intset"),
        (b"SDIFFSTORE d words", "listpack"),
    ],
)
def test_a_stored_set_is_as_small_as_it_can_be(server, line, expected):
    add(server, b"integers", INTEGERS)
    add(server, b"words", WORDS)
    add(server, b"both", [*INTEGERS, *WORDS])
    add(server, b"table", [b"%d" % number for number in range(600)])
    server.run(line)
    assert encoding(server, b"d") == expected


def test_a_set_of_which_little_is_left_by_spop_is_packed_again(server):
    add(server, b"s", SAMPLES[b"hashtable"])
    assert server.run(b"SPOP s 290").startswith(b"*290\r\n")
    assert encoding(server) == "listpack"
    assert server.run(b"SCARD s") == b":10\r\n"


def test_the_limits_of_two_servers_do_not_mix():
    one, other = Served(), Served()
    one.run(b"CONFIG SET set-max-listpack-entries 1")
    for _ in range(2):
        for server, expected in ((one, "hashtable"), (other, "listpack")):
            server.run(b"DEL s")
            add(server, b"s", [b"a", b"b"])
            assert encoding(server) == expected


# --- the value's functions, in each encoding


@pytest.fixture(params=list(SAMPLES))
def sample(request):
    """(a keyspace with a set at `s`, its members, limits) in one of the encodings."""
    clock = Clock()
    keyspace = Keyspace(0, clock)
    limits = SetLimits(clock, 512, 128, 64)
    members = SAMPLES[request.param]
    assert add_members(keyspace, b"s", [b"SADD", b"s", *members], 2, limits) == len(members)
    assert encoding_of(keyspace.get_object(b"s", SET)) == request.param
    return keyspace.get_object(b"s", SET), members, limits


def test_members(sample):
    value, members, _ = sample
    assert sorted(members_of(value)) == sorted(members)
    assert count_members(value) == len(members)
    assert all(has_member(value, member) for member in members)
    assert not has_member(value, b"none") and not has_member(value, b"99999") and not has_member(value, b"")
    view = MembersOf(value)
    assert (len(view), sorted(view.members())) == (len(members), sorted(members))
    assert view.contains(members[0]) and not view.contains(b"none")


def test_draws(sample):
    value, members, _ = sample
    assert {random_member(value) for _ in range(len(members) * 20)} == set(members)
    drawn = draw_members(value, 5, True)
    assert len(set(drawn)) == 5 and set(drawn) <= set(members)
    assert sorted(draw_members(value, len(members) + 1, True)) == sorted(members)
    repeated = draw_members(value, len(members) * 20, False)
    assert len(repeated) == len(members) * 20 and set(repeated) == set(members)


def test_pops_take_every_member_once(sample):
    value, members, limits = sample
    value, popped = pop_members(value, 3, limits)
    value, more = pop_members(value, len(members) - 5, limits)
    rest = [pop_member(value), pop_member(value)]
    assert sorted(popped + more + rest) == sorted(members)
    assert count_members(value) == 0


def test_scan_tells_every_member(sample):
    value, members, _ = sample
    found, cursor = [], 0
    while True:
        cursor, step = scan_members(value, cursor, 10, None)
        found += step
        if cursor == 0:
            break
    assert set(found) == set(members)
    assert scan_members(value, 0, 100000, b"*3")[1] == [
        member for member in scan_members(value, 0, 100000, None)[1] if member.endswith(b"3")
    ]


def test_removal(sample):
    value, members, _ = sample
    assert not remove_member(value, b"none")
    for member in members:
        assert remove_member(value, member)
        assert not remove_member(value, member)
    assert count_members(value) == 0


def test_encodings_are_told_of_the_containers_themselves():
    assert encoding_of(Intset()) == b"intset"
    assert encoding_of(Listpack()) == b"listpack"
    assert encoding_of(MemberTable()) == b"hashtable"


# --- what follows from a change


class Told(Feed):
    """Events and propagated commands of one server."""

    def __init__(self, server):
        self.server = server
        self.events = []
        self.fed = []
        server.engine.effects.observe(self)
        server.engine.effects.add_feed(self)

    def by(self, line):
        self.events.clear()
        self.fed.clear()
        dirty = self.server.engine.effects.dirty
        self.server.run(line)
        return (
            [*self.events],
            [b" ".join(argv) for argv in self.fed],
            self.server.engine.effects.dirty - dirty,
        )

    def key_changed(self, database, key, event):
        self.events.append((key, event))

    def key_event(self, database, key, event):
        self.events.append((key, event))

    def databases_flushed(self, databases):
        pass

    def databases_swapped(self, first, second):
        pass

    def feed(self, units):
        self.fed += [argv for _, argv in units]


def test_events_and_propagation(server):
    told = Told(server)
    assert told.by(b"SADD s a b c") == ([(b"s", "sadd")], [b"SADD s a b c"], 3)
    assert told.by(b"SADD s a") == ([], [], 0)
    assert told.by(b"SREM s a x") == ([(b"s", "srem")], [b"SREM s a x"], 1)
    assert told.by(b"SMOVE s t b") == ([(b"s", "srem"), (b"t", "sadd")], [b"SMOVE s t b"], 2)
    assert told.by(b"SPOP s") == ([(b"s", "spop"), (b"s", "del")], [b"SREM s c"], 1)
    assert told.by(b"SUNIONSTORE d t") == ([(b"d", "sunionstore")], [b"SUNIONSTORE d t"], 1)
    overwritten = [(b"d", "overwritten"), (b"d", "sinterstore")]
    assert told.by(b"SINTERSTORE d t t") == (overwritten, [b"SINTERSTORE d t t"], 1)
    server.run(b"SET text x")
    overwritten = [(b"text", "overwritten"), (b"text", "type_changed"), (b"text", "sunionstore")]
    assert told.by(b"SUNIONSTORE text t") == (overwritten, [b"SUNIONSTORE text t"], 1)
    assert told.by(b"SDIFFSTORE d t t") == ([(b"d", "del")], [b"SDIFFSTORE d t t"], 1)
    assert told.by(b"SDIFFSTORE d t t") == ([], [], 0)


def test_popping_all_is_propagated_as_a_deletion(server):
    told = Told(server)
    server.run(b"SADD s a b c")
    assert told.by(b"SPOP s 5") == ([(b"s", "spop"), (b"s", "del")], [b"DEL s"], 3)


def test_popping_many_is_propagated_in_parts(server):
    told = Told(server)
    add(server, b"s", [b"m%d" % number for number in range(3000)])
    events, fed, dirty = told.by(b"SPOP s 2500")
    assert events == [(b"s", "spop")] and dirty == 2500
    assert [command.count(b" ") - 1 for command in fed] == [1024, 1024, 452]


def test_a_table_tells_its_state(sample):
    value, members, _ = sample
    if isinstance(value, MemberTable):
        stats = value.table_stats()
        assert stats["elements"] == len(members)
        assert stats["load"] == len(members) / stats["buckets"] > 1
        assert stats["longest_chain"] >= 1  # buckets
    else:
        assert not hasattr(value, "table_stats")
