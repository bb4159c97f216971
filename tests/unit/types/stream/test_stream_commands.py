"""Adding to streams, deleting from them, trimming, reading: what Redis 8.2 does beyond 7.0, and what is propagated."""

import pytest

from redracer.core.errors import SYNTAX
from redracer.core.replies import NO_REPLY, NULL_ARRAY


def fill(streams, count, key="s"):
    for number in range(1, count + 1):
        assert streams.value(f"XADD {key} {number}-0 f v{number}") == f"{number}-0"


def ids(streams, key="s"):
    return [entry[0] for entry in streams.value(f"XRANGE {key} - +")]


def test_generated_ids_are_propagated_as_they_became(streams):
    id = streams.value("XADD s * f v")
    assert streams.propagated == [f"XADD s {id} f v"]
    streams.value("XADD t 5-* f v")
    assert streams.propagated == ["XADD t 5-0 f v"]
    streams.value("XADD t 5-* f v")
    assert streams.propagated == ["XADD t 5-1 f v"]


def test_ids_do_not_go_back_when_the_clock_does(streams):
    future = 2**50
    streams.value(f"XADD s {future}-5 f v")
    assert streams.value("XADD s * f v") == f"{future}-6"


def test_the_last_of_all_ids(streams):
    streams.value("XADD s 18446744073709551615-18446744073709551614 f v")
    assert streams.value("XADD s * f v") == "18446744073709551615-18446744073709551615"
    exhausted = "-ERR The stream has exhausted the last possible ID, unable to add more items"
    assert streams.value("XADD s * f v") == exhausted
    assert streams.value("XADD s 18446744073709551615-* f v") == exhausted
    assert streams.value("XREAD STREAMS s 18446744073709551615-18446744073709551615") is NULL_ARRAY


def test_a_refused_entry_makes_no_key(streams):
    assert streams.value("XADD s 0-0 f v").startswith("-ERR The ID specified in XADD must be greater")
    assert streams.value("XADD s 0 f v").startswith("-ERR The ID specified in XADD must be greater")
    assert streams.value("EXISTS s") == 0
    assert streams.propagated == []


def test_approximate_trimming_is_propagated_as_exact(streams):
    streams.value("CONFIG SET stream-node-max-entries 2")
    fill(streams, 7)
    streams.fed.clear()
    assert streams.value("XADD s MAXLEN ~ 3 LIMIT 4 8-0 f v") == "8-0"
    assert streams.propagated == ["XADD s MAXLEN = 4 8-0 f v"]
    assert streams.value("XTRIM s MINID ~ 8 LIMIT 100") == 2
    assert streams.propagated == ["XTRIM s MINID = 7-0"]
    assert streams.value("XTRIM s MINID ~ 8") == 0
    assert streams.propagated == []


def test_a_primary_may_leave_the_limit_in_exact_trimming(streams):
    fill(streams, 3)
    refusal = "-ERR syntax error, LIMIT cannot be used without the special ~ option"
    assert streams.value("XTRIM s MAXLEN = 1 LIMIT 1") == refusal
    streams.client().flags |= 1 << 4
    assert streams.value("XTRIM s MAXLEN = 1 LIMIT 1") == 2


def test_xdelex_keeps_references(streams):
    fill(streams, 3)
    streams.value("XGROUP CREATE s g 0")
    streams.value("XREADGROUP GROUP g c COUNT 2 STREAMS s >")
    assert streams.value("XDELEX s IDS 2 1-0 9-0") == [1, -1]
    assert streams.value("XPENDING s g")[0] == 2
    assert streams.value("XDELEX s KEEPREF IDS 1 2-0") == [1]
    assert streams.value("XPENDING s g")[0] == 2
    assert ids(streams) == ["3-0"]
    assert streams.info("XINFO STREAM s")["max-deleted-entry-id"] == "2-0"
    assert streams.info("XINFO STREAM s")["recorded-first-entry-id"] == "3-0"


def test_xdelex_deletes_references(streams):
    fill(streams, 3)
    for group in "gh":
        streams.value(f"XGROUP CREATE s {group} 0")
        streams.value(f"XREADGROUP GROUP {group} c STREAMS s >")
    streams.value("XDEL s 1-0")
    streams.fed.clear()
    # 1-0 is in no node any more, and yet its references go, here and on replicas.
    assert streams.value("XDELEX s DELREF IDS 2 1-0 2-0") == [-1, 1]
    assert [streams.value(f"XPENDING s {group}")[0] for group in "gh"] == [1, 1]
    assert streams.value("XDELEX s DELREF IDS 1 1-0") == [-1]
    assert streams.propagated == ["XDELEX s DELREF IDS 2 1-0 2-0", "XDELEX s DELREF IDS 1 1-0"]


def test_xdelex_of_what_all_groups_have_acknowledged(streams):
    fill(streams, 4)
    assert streams.value("XDELEX s ACKED IDS 1 4-0") == [1]  # no group has anything to do with it
    streams.value("XGROUP CREATE s g 0")
    streams.value("XGROUP CREATE s h 0")
    streams.value("XREADGROUP GROUP g c STREAMS s >")
    streams.value("XACK s g 1-0 2-0")
    assert streams.value("XDELEX s ACKED IDS 3 1-0 2-0 3-0") == [2, 2, 2]  # h has not read them
    streams.value("XREADGROUP GROUP h c COUNT 2 STREAMS s >")
    assert streams.value("XDELEX s ACKED IDS 2 1-0 2-0") == [2, 2]  # they are pending in h
    streams.value("XACK s h 1-0")
    assert streams.value("XDELEX s ACKED IDS 3 1-0 2-0 9-0") == [1, 2, 2]
    assert ids(streams) == ["2-0", "3-0"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("XDELEX s IDS 0 1-0", "ERR Number of IDs must be a positive integer"),
        ("XDELEX s IDS x 1-0", "ERR Number of IDs must be a positive integer"),
        ("XDELEX s IDS 2 1-0", "ERR The `numids` parameter must match the number of arguments"),
        ("XDELEX s IDS 1 1-0 2-0", SYNTAX.decode()),
        ("XDELEX s KEEPREF ACKED IDS 1 1-0", SYNTAX.decode()),
        ("XDELEX s KEEPREF KEEPREF x", SYNTAX.decode()),
        ("XDELEX missing ACKED 1 1-0", SYNTAX.decode()),
        ("XDELEX s IDS 1 x", "ERR Invalid stream ID specified as stream command argument"),
        ("XACKDEL s g IDS 0 1-0", "ERR Number of IDs must be a positive integer"),
        ("XADD s KEEPREF DELREF 1-0 f v", "ERR Invalid stream ID specified as stream command argument"),
        ("XTRIM s MAXLEN 1 KEEPREF KEEPREF", SYNTAX.decode()),
        ("XTRIM s DELREF MAXLEN x", "ERR value is not an integer or out of range"),
    ],
)
def test_refusals(streams, line, message):
    fill(streams, 1)
    assert streams.value(line) == "-" + message


def test_xdelex_and_xackdel_without_the_key(streams):
    assert streams.value("XDELEX missing IDS 2 1-0 x") == [-1, -1]
    assert streams.value("XACKDEL missing g IDS 2 1-0 x") == [-1, -1]


def test_xackdel(streams):
    fill(streams, 3)
    for group in "gh":
        streams.value(f"XGROUP CREATE s {group} 0")
        streams.value(f"XREADGROUP GROUP {group} c STREAMS s >")
    assert streams.value("XACKDEL s g ACKED IDS 2 1-0 9-0") == [2, -1]
    assert streams.value("XACKDEL s h ACKED IDS 1 1-0") == [1]
    assert ids(streams) == ["2-0", "3-0"]
    assert streams.value("XACKDEL s g IDS 1 2-0") == [1]
    assert [streams.value(f"XPENDING s {group}")[0] for group in "gh"] == [1, 2]
    assert streams.value("XACKDEL s g DELREF IDS 1 3-0") == [1]
    assert [streams.value(f"XPENDING s {group}")[0] for group in "gh"] == [0, 1]
    assert streams.value("XACKDEL s h IDS 1 2-0") == [1]  # pending, though the entry is gone
    assert streams.value("XLEN s") == 0
    assert streams.value("XACKDEL s none IDS 1 2-0") == [-1]


def test_xackdel_counts_what_it_acknowledged(streams):
    fill(streams, 3)
    streams.value("XGROUP CREATE s g 0")
    streams.value("XREADGROUP GROUP g c STREAMS s >")
    assert streams.dirty("XACKDEL s g IDS 3 1-0 2-0 9-0") == 2
    assert streams.dirty("XACK s g 3-0 1-0") == 1
    assert streams.dirty("XDEL s 3-0") == 1


@pytest.mark.parametrize("entries", [100, 2, 1])
@pytest.mark.parametrize("operator", ["", "= "])
def test_trimming_deletes_references(streams, entries, operator):
    streams.value(f"CONFIG SET stream-node-max-entries {entries}")
    fill(streams, 6)
    streams.value("XGROUP CREATE s g 0")
    streams.value("XREADGROUP GROUP g c COUNT 5 STREAMS s >")
    assert streams.value(f"XTRIM s MAXLEN {operator}4 DELREF") == 2
    assert [row[0] for row in streams.value("XPENDING s g - + 10")] == ["3-0", "4-0", "5-0"]
    assert streams.value(f"XTRIM s DELREF MINID {operator}5-0") == 2
    assert ids(streams) == ["5-0", "6-0"]
    assert streams.value("XPENDING s g")[0] == 1
    assert streams.value("XADD s DELREF MAXLEN 1 7-0 f v") == "7-0"
    assert streams.value("XPENDING s g")[0] == 0


@pytest.mark.parametrize("entries", [100, 2, 1])
def test_trimming_of_what_is_acknowledged(streams, entries):
    streams.value(f"CONFIG SET stream-node-max-entries {entries}")
    fill(streams, 6)
    streams.value("XGROUP CREATE s g 0")
    streams.value("XREADGROUP GROUP g c COUNT 5 STREAMS s >")
    streams.value("XACK s g 1-0 3-0 4-0")
    assert streams.value("XTRIM s MAXLEN 0 ACKED") == 3
    assert ids(streams) == ["2-0", "5-0", "6-0"]
    streams.value("XACK s g 5-0")
    assert streams.value("XTRIM s MINID 6-0 ACKED") == 1
    assert ids(streams) == ["2-0", "6-0"]
    assert streams.info("XINFO STREAM s")["recorded-first-entry-id"] == "2-0"


def test_approximate_trimming_goes_on_behind_nodes_that_are_referenced(streams):
    streams.value("CONFIG SET stream-node-max-entries 2")
    fill(streams, 6)
    streams.value("XGROUP CREATE s g 0")
    streams.value("XREADGROUP GROUP g c STREAMS s >")
    streams.value("XACK s g 3-0 4-0 5-0")
    assert streams.value("XTRIM s MINID ~ 6-0 ACKED") == 2
    assert ids(streams) == ["1-0", "2-0", "5-0", "6-0"]


def test_acknowledged_trimming_without_groups(streams):
    fill(streams, 3)
    assert streams.value("XADD s MAXLEN 1 ACKED 4-0 f v") == "4-0"
    assert ids(streams) == ["4-0"]


def test_xread_of_the_last_entry(streams):
    fill(streams, 3)
    assert streams.value("XREAD STREAMS s +") == [["s", [["3-0", ["f", "v3"]]]]]
    streams.value("XDEL s 3-0")
    assert streams.value("XREAD COUNT 5 STREAMS s missing + +") == [["s", [["2-0", ["f", "v2"]]]]]
    streams.value("XGROUP CREATE s g 0")
    refusal = streams.value("XREADGROUP GROUP g c STREAMS s +")
    assert refusal.startswith("-ERR The + ID is meaningless in the context of XREADGROUP: you want")


def test_xread_waits_for_the_last_entry(streams):
    assert streams.value("XREAD BLOCK 0 STREAMS s +", "reader") is NO_REPLY
    streams.value("XADD s 7-0 f v")
    assert streams.client("reader").out.take() == (
        b"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n7-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
    )


def test_xread_waits_for_what_comes_after_now(streams):
    fill(streams, 1)
    assert streams.value("XREAD BLOCK 0 STREAMS missing s $ $", "reader") is NO_REPLY
    streams.value("XDEL s 1-0")
    assert streams.client("reader").out.take() == b""
    streams.value("DEL s")
    streams.value("SET s text")
    assert streams.client("reader").out.take() == b""
    streams.value("DEL s")
    streams.value("XADD s 2-0 f v")
    assert b"2-0" in streams.client("reader").out.take()


def test_unbalanced_streams(streams):
    message = "-ERR Unbalanced '%s' list of streams: for each stream key an %s must be specified."
    assert streams.value("XREAD STREAMS a b 0") == message % ("xread", "ID, '+', or '$'")
    refusal = message % ("xreadgroup", "ID or '>'")
    assert streams.value("XREADGROUP GROUP g c STREAMS a b 0") == refusal


def test_replies_of_xread_in_both_protocols(streams):
    fill(streams, 1)
    assert streams.run(b"XREAD STREAMS s 0").startswith(b"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0")
    streams.run(b"HELLO 3")
    assert streams.run(b"XREAD STREAMS s 0").startswith(b"%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0")
    assert streams.run(b"XREAD STREAMS s 5") == b"_\r\n"


def test_xsetid_respects_deletions(streams):
    fill(streams, 3)
    streams.value("XDEL s 3-0")
    assert streams.value("XSETID s 2-5").endswith("smaller than current max_deleted_entry_id")
    assert streams.value("XSETID s 5-0 ENTRIESADDED 9 MAXDELETEDID 4-0") == "OK"
    info = streams.info("XINFO STREAM s")
    assert (info["last-generated-id"], info["entries-added"], info["max-deleted-entry-id"]) == (
        "5-0",
        9,
        "4-0",
    )
    assert streams.value("XADD s 5-* f v") == "5-1"


def test_an_empty_stream_stays(streams):
    fill(streams, 1)
    streams.value("XDEL s 1-0")
    assert streams.value("EXISTS s") == 1
    assert streams.value("OBJECT ENCODING s") == "stream"
    info = streams.info("XINFO STREAM s")
    assert (info["length"], info["first-entry"], info["recorded-first-entry-id"]) == (0, None, "0-0")


def test_events(streams):
    seen = []

    class Observer:
        def key_changed(self, database, key, event):
            seen.append(event)

        def key_event(self, database, key, event):
            seen.append(f"({event})")

    observer = Observer()
    streams.engine.effects.observe(observer)
    fill(streams, 2)
    streams.value("XADD s MAXLEN 1 3-0 f v")
    streams.value("XTRIM s MAXLEN 0")
    streams.value("XSETID s 9-0")
    streams.value("XADD s 9-* f v")
    streams.value("XDELEX s IDS 1 9-1")
    assert seen == ["xadd", "xadd", "xadd", "(xtrim)", "xtrim", "(xsetid)", "xadd", "xdel"]


def test_values_of_any_bytes(streams):
    parts = [b"", b"\0\r\n", b"x" * 5000, b"-1", b"007"]
    argv = [b"XADD", b"s", b"1-0", *parts, b"end"]
    assert streams.run(argv) == b"$3\r\n1-0\r\n"
    reply = streams.run([b"XRANGE", b"s", b"-", b"+"])
    for part in (*parts, b"end"):
        assert b"$%d\r\n%s\r\n" % (len(part), part) in reply


def test_many_fields(streams):
    """More than a batch that goes into a node at once, the same and other ones than before."""
    for count in (40, 40, 100, 40):
        pairs = [part for number in range(count) for part in (b"f%d" % number, b"v%d" % number)]
        streams.run([b"XADD", b"s", b"*", *pairs])
        id, parts = streams.value("XREVRANGE s + - COUNT 1")[0]
        assert [part.encode() for part in parts] == pairs
        assert streams.value(f"XRANGE s {id} {id}")[0][1] == parts
