"""Consumer groups: what Redis 8.2 does beyond 7.0, how far groups lag, what is propagated, who waits."""

from redracer.core.replies import NO_REPLY, NULL_ARRAY


def fill(streams, first, last, key="s"):
    for number in range(first, last + 1):
        streams.value(f"XADD {key} {number}-0 f v")


def groups(streams, key="s"):
    rows = streams.value(f"XINFO GROUPS {key}")
    return {row[1]: dict(zip(row[::2], row[1::2], strict=True)) for row in rows}


def consumers(streams, group="g", key="s"):
    rows = streams.value(f"XINFO CONSUMERS {key} {group}")
    return {row[1]: dict(zip(row[::2], row[1::2], strict=True)) for row in rows}


def test_reading_is_propagated_as_claims(streams):
    fill(streams, 1, 3)
    streams.value("XGROUP CREATE s g 0")
    streams.fed.clear()
    streams.value("XREADGROUP GROUP g c COUNT 2 STREAMS s >")
    now = streams.engine.clock.now
    assert streams.propagated == [
        f"XCLAIM s g c 0 1-0 TIME {now} RETRYCOUNT 1 FORCE JUSTID LASTID 1-0",
        f"XCLAIM s g c 0 2-0 TIME {now} RETRYCOUNT 1 FORCE JUSTID LASTID 2-0",
        "XGROUP SETID s g 2-0 ENTRIESREAD 2",
    ]
    streams.value("XREADGROUP GROUP g c STREAMS s 0")
    assert streams.propagated == []


def test_reading_without_acknowledgement_is_propagated_as_the_place(streams):
    fill(streams, 1, 2)
    streams.value("XGROUP CREATE s g 0")
    streams.fed.clear()
    assert streams.dirty("XREADGROUP GROUP g c NOACK STREAMS s >") == 2
    assert streams.propagated == ["XGROUP CREATECONSUMER s g c", "XGROUP SETID s g 2-0 ENTRIESREAD 2"]
    assert consumers(streams)["c"]["inactive"] == -1
    assert streams.value("XPENDING s g") == [0, None, None, NULL_ARRAY]


def test_what_is_propagated_has_the_same_result(streams):
    fill(streams, 1, 6)
    streams.value("XGROUP CREATE s g 0")
    streams.value("XREADGROUP GROUP g c COUNT 4 STREAMS s >")
    streams.value("XDEL s 2-0")
    streams.value("XCLAIM s g d 0 1-0 2-0 RETRYCOUNT 7")
    streams.value("XAUTOCLAIM s g e 0 3-0 COUNT 1 JUSTID")
    replica = type(streams)()
    for line in streams.propagated:
        replica.value(line)
    expected = streams.value("XINFO STREAM s FULL")
    found = replica.value("XINFO STREAM s FULL")
    assert [row[:2] + row[3:] for row in replica.value("XPENDING s g - + 10")] == [
        ["1-0", "d", 7],
        ["3-0", "e", 1],
        ["4-0", "c", 1],
    ]
    assert expected[: expected.index("groups")] == found[: found.index("groups")]
    assert groups(streams)["g"] | {"consumers": 0} == groups(replica)["g"] | {"consumers": 0}


def test_a_consumer_is_there_as_soon_as_it_has_tried(streams):
    fill(streams, 1, 1)
    streams.value("XGROUP CREATE s g $")
    assert streams.value("XREADGROUP GROUP g c STREAMS s >") is NULL_ARRAY
    assert streams.value("XAUTOCLAIM s g d 0 -") == ["0-0", [], []]
    assert streams.value("XCLAIM s g e 0 1-0") == []
    assert {name: row["inactive"] for name, row in consumers(streams).items()} == {"c": -1, "d": -1, "e": -1}
    streams.value("XCLAIM s g e 0 1-0 FORCE")
    assert consumers(streams)["e"]["inactive"] >= 0


def test_lag(streams):
    fill(streams, 1, 5)
    streams.value("XGROUP CREATE s g 0")
    streams.value("XGROUP CREATE s h 0")
    assert [row["lag"] for row in groups(streams).values()] == [5, 5]
    streams.value("XREADGROUP GROUP g c COUNT 2 STREAMS s >")
    assert groups(streams)["g"]["lag"] == 3
    streams.value("XDEL s 1-0")  # behind g, before h's first entry
    assert [row["lag"] for row in groups(streams).values()] == [3, 4]
    streams.value("XDEL s 4-0")  # a hole before both
    assert [row["lag"] for row in groups(streams).values()] == [None, None]
    streams.value("XREADGROUP GROUP g c STREAMS s >")
    assert (groups(streams)["g"]["lag"], groups(streams)["g"]["entries-read"]) == (0, 5)
    streams.value("XTRIM s MINID 5-0")
    assert groups(streams)["h"]["lag"] == 1
    streams.value("XTRIM s MAXLEN 0")
    assert [row["lag"] for row in groups(streams).values()] == [0, 0]


def test_entries_read_skips_what_was_trimmed(streams):
    """A group that was behind the first entry counts what it missed."""
    fill(streams, 1, 5)
    streams.value("XGROUP CREATE s g 0")
    streams.value("XREADGROUP GROUP g c COUNT 1 STREAMS s >")
    streams.value("XTRIM s MAXLEN 2")
    streams.value("XREADGROUP GROUP g c COUNT 1 STREAMS s >")
    assert (groups(streams)["g"]["entries-read"], groups(streams)["g"]["lag"]) == (4, 1)


def test_groups_and_consumers_are_told_by_name(streams):
    fill(streams, 1, 1)
    for name in ("zz", "a", "b", "aa"):
        streams.value(f"XGROUP CREATE s {name} 0")
        streams.value(f"XGROUP CREATECONSUMER s a {name}") if name != "zz" else None
    assert list(groups(streams)) == ["a", "aa", "b", "zz"]
    assert list(consumers(streams, "a")) == ["a", "aa", "b"]


def test_destroying_a_group_wakes_its_readers(streams):
    streams.value("XGROUP CREATE s g $ MKSTREAM")
    streams.value("XGROUP CREATE s h $")
    assert streams.value("XREAD BLOCK 0 STREAMS s $", "reader") is NO_REPLY
    assert streams.value("XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "first") is NO_REPLY
    assert streams.value("XREADGROUP GROUP h c BLOCK 0 STREAMS s >", "second") is NO_REPLY
    assert streams.value("XGROUP DESTROY s g") == 1
    refusal = b"-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n"
    assert streams.client("first").out.take() == refusal
    assert streams.client("second").out.take() == b""
    streams.value("SET s text")
    assert streams.client("second").out.take().startswith(b"-WRONGTYPE")
    assert streams.client("reader").out.take() == b""


def test_the_end_of_a_stream_wakes_its_readers(streams):
    for line in ("DEL s", "FLUSHALL", "SWAPDB 0 1", "RENAME s t"):
        streams.value("XGROUP CREATE s g $ MKSTREAM")
        assert streams.value("XREADGROUP GROUP g c BLOCK 0 STREAMS s >", "reader") is NO_REPLY
        streams.value(line)
        assert streams.client("reader").out.take().startswith(b"-NOGROUP"), line


def test_an_entry_goes_to_one_reader_of_a_group(streams):
    streams.value("XGROUP CREATE s g $ MKSTREAM")
    for name in ("first", "second"):
        assert streams.value(f"XREADGROUP GROUP g {name} BLOCK 0 STREAMS s >", name) is NO_REPLY
    streams.value("XADD s 1-0 f v")
    assert b"1-0" in streams.client("first").out.take()
    assert streams.client("second").out.take() == b""
    streams.value("XADD s 2-0 f v")
    assert b"2-0" in streams.client("second").out.take()
    assert [row[:2] for row in streams.value("XPENDING s g - + 10")] == [["1-0", "first"], ["2-0", "second"]]


def test_a_wait_ends_without_an_entry(streams):
    streams.value("XGROUP CREATE s g $ MKSTREAM")
    assert streams.value("XREADGROUP GROUP g c BLOCK 10 STREAMS s >", "reader") is NO_REPLY
    client = streams.client("reader")
    assert streams.value(f"CLIENT UNBLOCK {client.id} ERROR") == 1
    assert client.out.take() == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"
    assert streams.value("XREADGROUP GROUP g c BLOCK 10 STREAMS s >", "reader") is NO_REPLY
    streams.engine.clock.set_time(streams.engine.clock.now + 1000)
    streams.value(f"CLIENT UNBLOCK {client.id}")
    assert client.out.take() == b"*-1\r\n"


def test_history_is_never_waited_for(streams):
    streams.value("XGROUP CREATE s g $ MKSTREAM")
    assert streams.value("XREADGROUP GROUP g c BLOCK 0 STREAMS s 0") == [["s", []]]


def test_refused_timeouts(streams):
    for text, message in (
        ("x", "-ERR timeout is not an integer or out of range"),
        ("1.5", "-ERR timeout is not an integer or out of range"),
        ("-1", "-ERR timeout is negative"),
        ("9223372036854775807", "-ERR timeout is out of range"),
    ):
        assert streams.value(f"XREAD BLOCK {text} STREAMS s $") == message


def test_where_waiting_is_not_allowed(streams):
    streams.client().flags |= 1 << 14
    assert streams.value("XREAD BLOCK 0 STREAMS s $") is NULL_ARRAY


def test_claims_count_deliveries(streams):
    fill(streams, 1, 3)
    streams.value("XGROUP CREATE s g 0")
    streams.value("XREADGROUP GROUP g c STREAMS s >")
    streams.value("XCLAIM s g d 0 1-0")
    streams.value("XCLAIM s g d 0 2-0 JUSTID")
    streams.value("XCLAIM s g d 0 3-0 RETRYCOUNT 9 TIME 5")
    assert [row[1::2] for row in streams.value("XPENDING s g - + 10")] == [["d", 2], ["d", 1], ["d", 9]]
    assert streams.value("XPENDING s g IDLE 1000000 - + 10")[0][0] == "3-0"
    assert streams.value("XCLAIM s g c 1000000 1-0 2-0 3-0 JUSTID") == ["3-0"]
    assert consumers(streams)["c"]["pending"] == 1


def test_autoclaim_goes_on_where_it_ended(streams):
    fill(streams, 1, 25)
    streams.value("XGROUP CREATE s g 0")
    streams.value("XREADGROUP GROUP g c STREAMS s >")
    streams.value("XCLAIM s g c 0 25-0 TIME 5")
    streams.value("XDEL s 3-0")
    # Ten entries are looked at for each that is asked for.
    assert streams.value("XAUTOCLAIM s g d 1000000 4-0 COUNT 1 JUSTID") == ["14-0", [], []]
    assert streams.value("XAUTOCLAIM s g d 1000000 14-0 COUNT 2 JUSTID") == ["0-0", ["25-0"], []]
    assert streams.value("XAUTOCLAIM s g d 0 (1-0 COUNT 2 JUSTID") == ["4-0", ["2-0"], ["3-0"]]


def test_deleting_a_consumer(streams):
    fill(streams, 1, 3)
    streams.value("XGROUP CREATE s g 0")
    streams.value("XREADGROUP GROUP g c COUNT 2 STREAMS s >")
    streams.value("XREADGROUP GROUP g d STREAMS s >")
    assert streams.value("XGROUP DELCONSUMER s g c") == 2
    assert streams.value("XGROUP DELCONSUMER s g c") == 0
    assert [row[:2] for row in streams.value("XPENDING s g - + 10")] == [["3-0", "d"]]


def test_a_group_has_not_read_more_entries_than_were_added(streams):
    """So that its lag is never negative."""
    streams.value("XGROUP CREATE t g $ MKSTREAM ENTRIESREAD 5")
    fill(streams, 1, 3)
    streams.value("XGROUP CREATE s g $ ENTRIESREAD 9999")
    streams.value("XGROUP CREATE s h 1-0 ENTRIESREAD 1")
    streams.value("XGROUP SETID s h $ ENTRIESREAD 9999")
    for key, groups, read in (("t", ["g"], 0), ("s", ["g", "h"], 3)):
        rows = [dict(zip(row[::2], row[1::2], strict=True)) for row in streams.value(f"XINFO GROUPS {key}")]
        assert [(row["name"], row["entries-read"], row["lag"]) for row in rows] == [
            (g, read, 0) for g in groups
        ]


def test_copies_are_independent(streams):
    fill(streams, 1, 3)
    streams.value("XGROUP CREATE s g 0 ENTRIESREAD 1")
    streams.value("XREADGROUP GROUP g c COUNT 2 STREAMS s >")
    assert streams.value("COPY s t") == 1
    assert streams.value("XINFO STREAM s FULL") == streams.value("XINFO STREAM t FULL")
    streams.value("XACK s g 1-0")
    streams.value("XADD s 4-0 f v")
    assert [row[0] for row in streams.value("XPENDING t g - + 10")] == ["1-0", "2-0"]
    assert streams.value("XLEN t") == 3
