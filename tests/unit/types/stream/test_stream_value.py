"""The value of streams on its own: entries and pending entries against models, nodes from outside, memory."""

import gc
import random
from itertools import pairwise

import pytest

from redracer.core.errors import CommandError
from redracer.core.memory import used_memory
from redracer.types.stream.entry_log import KEEP_REFERENCES, NodeLimits
from redracer.types.stream.group import Group
from redracer.types.stream.stream_id import (
    LAST_SEQUENCE,
    MAXIMUM,
    MINIMUM,
    StreamId,
    parse_added_id,
    parse_id,
    parse_range_id,
)
from redracer.types.stream.value import Stream

EVERYTHING = 2**63 - 1


def stream_of(ids, entries_per_node=100):
    stream = Stream()
    limits = NodeLimits(4096, entries_per_node)
    for id in ids:
        stream.append([b"field", b"%d" % id.ms], 0, id, True, 0, limits)
    return stream


def ids_of(stream, start=MINIMUM, end=MAXIMUM, count=0, reverse=False):
    return [entry[0] for entry in stream.range(start, end, count, reverse)]


# --- ids


@pytest.mark.parametrize(
    ("text", "ms", "sequence"),
    [
        (b"0", 0, 7),
        (b"5-3", 5, 3),
        (b"18446744073709551615-18446744073709551615", LAST_SEQUENCE, LAST_SEQUENCE),
        (b"007-0010", 7, 10),
        (b" 5-\t6", 5, 6),
        (b"+5-+6", 5, 6),
        (b"5-6\x00 and no further", 5, 6),
        (b"5--03", 5, 2**64 - 3),
        (b"5--0", 5, 0),
    ],
)
def test_ids_as_strtoull_reads_them(text, ms, sequence):
    assert parse_id(text, 7) == StreamId(ms, sequence)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"-",
        b"+",
        b"x",
        b"5-",
        b"-5",
        b"5-x",
        b"5-*",
        b"5--3",
        b"5-6-7",
        b"5 ",
        b"18446744073709551616",
        b"1" * 128,
    ],
)
def test_texts_that_are_no_ids(text):
    with pytest.raises(CommandError):
        parse_id(text)


def test_ids_of_ranges_and_of_new_entries():
    assert parse_range_id(b"-", 5) is MINIMUM
    assert parse_range_id(b"+", 0) is MAXIMUM
    assert parse_range_id(b"7", LAST_SEQUENCE) == StreamId(7, LAST_SEQUENCE)
    assert parse_added_id(b"7-*") == (StreamId(7, 0), False)
    assert parse_added_id(b"7-2") == (StreamId(7, 2), True)


def test_order_and_neighbours_of_ids():
    ordered = [StreamId(0, 0), StreamId(0, LAST_SEQUENCE), StreamId(1, 0), StreamId(2**63, 5), MAXIMUM]
    assert all(first < second for first, second in pairwise(ordered))
    assert max(ordered) is MAXIMUM
    assert len(set(ordered) | {StreamId(1, 0)}) == len(ordered)
    assert ordered[1].next() == ordered[2]
    assert ordered[2].previous() == ordered[1]
    assert MINIMUM.previous() is None
    assert MAXIMUM.next() is None
    assert StreamId(2**63, 5).text == b"9223372036854775808-5"
    assert StreamId(1, 2).key == bytes(7) + b"\1" + bytes(7) + b"\2"
    assert StreamId(1, 2) != (1, 2)


# --- entries


@pytest.mark.parametrize("entries_per_node", [1, 3, 100])
def test_entries_against_a_model(entries_per_node):
    """Thousands of nodes at one entry each: chunks of the index fill, split, shrink, merge and go."""
    chance = random.Random(entries_per_node)
    ids = [StreamId(ms, sequence) for ms in range(1, 1001) for sequence in (0, 3)]
    stream = stream_of(ids, entries_per_node)
    there = list(ids)
    for _ in range(1900):
        id = chance.choice(ids)
        assert stream.delete(id) == (id in there)
        if id in there:
            there.remove(id)
        assert stream.contains(id) is False
        probe = StreamId(chance.randrange(1002), chance.randrange(5))
        count = chance.randrange(1, 6)
        assert ids_of(stream, probe, MAXIMUM, count) == [id.text for id in there if id >= probe][:count]
        before = [id.text for id in reversed(there) if id <= probe]
        assert ids_of(stream, MINIMUM, probe, count, True) == before[:count]
    stream.refresh_first()
    assert stream.length == len(there)
    assert stream.first_id == there[0]
    assert stream.last_entry_id() == there[-1]
    assert stream.highest_deleted_id == max(set(ids) - set(there))
    assert ids_of(stream) == [id.text for id in there]
    for id in there:
        assert stream.delete(id)
    assert (stream.length, stream.node_count, stream.chunk_count) == (0, 0, 0)


@pytest.mark.parametrize("entries_per_node", [1, 4, 100])
def test_trimming_against_a_model(entries_per_node):
    ids = [StreamId(ms) for ms in range(1, 301)]
    stream = stream_of(ids, entries_per_node)
    for length in (300, 299, 250, 100, 3):
        assert stream.trim(length, None, False, 0, KEEP_REFERENCES) == len(ids) - length
        ids = ids[-length:]
        assert ids_of(stream) == [id.text for id in ids]
    assert stream.trim(-1, ids[1], False, 0, KEEP_REFERENCES) == 1
    assert stream.first_id == ids[1]
    assert stream.trim(0, None, False, 0) == 2
    assert stream.first_id == MINIMUM


def test_approximate_trimming_takes_whole_nodes_and_keeps_to_its_limit():
    stream = stream_of([StreamId(ms) for ms in range(1, 51)], 10)
    assert stream.trim(25, None, True, 0) == 20
    assert stream.trim(0, None, True, 10) == 10
    assert stream.trim(0, None, True, 9) == 0
    assert stream.trim(-1, StreamId(41), True, 0) == 10
    assert ids_of(stream) == [b"%d-0" % ms for ms in range(41, 51)]


def test_fields_that_differ_from_the_masters():
    stream = Stream()
    limits = NodeLimits(4096, 100)
    entries = [[b"a", b"1"], [b"a", b"2"], [b"b", b"3"], [b"a", b"4", b"b", b"5"], [b"a", b"6"], [b"", b""]]
    for entry in entries:
        stream.append([b"XADD", *entry], 1, None, False, 5, limits)
    assert [found[1] for found in stream.range(MINIMUM, MAXIMUM)] == entries
    assert [found[1] for found in stream.range(MINIMUM, MAXIMUM, 0, True)] == entries[::-1]
    assert stream.node_count == 1


def test_entries_of_the_largest_size_have_nodes_of_their_own():
    stream = Stream()
    limits = NodeLimits(4096, 100)
    for text in (b"x" * 100_000, b"y", b"z" * 5000, b"w"):
        stream.append([b"f", text], 0, None, False, 1, limits)
    assert stream.node_count == 4
    assert [len(found[1][1]) for found in stream.range(MINIMUM, MAXIMUM)] == [100_000, 1, 5000, 1]


# --- pending entries


def test_pending_entries_against_a_model():
    chance = random.Random(1)
    group = Group(b"g", MINIMUM)
    consumers = [group.add_consumer(name, 0) for name in (b"c", b"d", b"e")]
    model = {}
    for step in range(20_000):
        id = StreamId(chance.randrange(1500), chance.randrange(2))
        # Growing and shrinking by turns, so that chunks come and go.
        if chance.random() < (0.8 if step // 2500 % 2 == 0 else 0.2):
            consumer = chance.choice(consumers)
            deliveries = group.claim(id, consumer, step, -1, 1)
            model[id] = (consumer.name, step, model[id][2] + 1 if id in model else 2)
            assert deliveries == model[id][2]
        else:
            assert group.acknowledge(id) == (model.pop(id, None) is not None)
        if step % 50 == 0:
            check_pending(group, consumers, model, chance)
    for consumer in consumers[:2]:
        mine = [id for id in model if model[id][0] == consumer.name]
        assert group.remove_consumer(consumer.name) == len(mine)
        for id in mine:
            del model[id]
    check_pending(group, consumers[2:], model, chance)
    assert group.remove_consumer(b"c") == -1


def check_pending(group, consumers, model, chance):
    start = StreamId(chance.randrange(1500))
    end = StreamId(chance.randrange(1500), LAST_SEQUENCE)
    rows = [(id, *model[id]) for id in sorted(model) if start <= id <= end]
    assert group.pending_count == len(model)
    assert group.pending_range(start, end, EVERYTHING, None, EVERYTHING) == rows
    assert group.pending_range(start, end, 3, None, EVERYTHING) == rows[:3]
    for consumer in consumers:
        mine = [row for row in rows if row[1] == consumer.name]
        assert group.pending_range(start, end, EVERYTHING, consumer, EVERYTHING) == mine
    after = [id for id in sorted(model) if id >= start]
    assert group.next_pending(start) == (after[0] if after else None)
    assert group.pending_edges() == ((min(model), max(model)) if model else None)


def test_consumers_of_other_groups_are_refused():
    stranger = Group(b"h", MINIMUM).add_consumer(b"c", 0)
    group = Group(b"g", MINIMUM)
    group.add_consumer(b"c", 0)
    with pytest.raises(ValueError, match="another group"):
        group.claim(MINIMUM, stranger, 0, 1, 0)
    with pytest.raises(ValueError, match="another group"):
        group.add_pending(MINIMUM, stranger, 0, 1)
    with pytest.raises(ValueError, match="another group"):
        group.pending_range(MINIMUM, MAXIMUM, 1, stranger, 0)


def test_pending_entries_as_they_are_loaded():
    group = Group(b"g", MINIMUM, 5)
    consumer = group.add_consumer(b"c", 3)
    assert group.add_consumer(b"c", 3) is None
    assert group.add_pending(StreamId(1), consumer, 10, 4)
    assert not group.add_pending(StreamId(1), consumer, 10, 4)
    assert group.describe(StreamId(1)) == (b"c", 10, 4)
    with pytest.raises(KeyError):
        group.describe(StreamId(2))
    assert group.delivered_at(StreamId(2)) is None


# --- nodes from outside


def test_nodes_can_be_saved_and_loaded():
    stream = stream_of([StreamId(ms) for ms in range(1, 251)])
    stream.delete(StreamId(5))
    loaded = Stream()
    for master, data in stream.nodes_as_bytes():
        loaded.load_node(master, data)
    assert loaded.length == 249
    assert loaded.range(MINIMUM, MAXIMUM) == stream.range(MINIMUM, MAXIMUM)
    master, data = stream.nodes_as_bytes()[0]
    with pytest.raises(ValueError, match="ascend"):
        loaded.load_node(master, data)


def test_nodes_that_are_not_right_are_refused_or_harmless():
    """Whatever passes can be walked through, changed and saved."""
    stream = stream_of([StreamId(ms) for ms in range(1, 12)])
    stream.append([b"other", b"1", b"fields", b"2"], 0, StreamId(20), True, 0, NodeLimits(4096, 100))
    stream.delete(StreamId(3))
    master, data = stream.nodes_as_bytes()[0]
    chance = random.Random(2)
    refused = 0
    for _ in range(30_000):
        mutated = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            mutated[chance.randrange(len(mutated))] = chance.choice([chance.randrange(256), 0, 1, 2, 3, 255])
        loaded = Stream()
        try:
            loaded.load_node(master, bytes(mutated))
        except ValueError:
            refused += 1
            continue
        entries = loaded.range(MINIMUM, MAXIMUM)
        loaded.range(MINIMUM, MAXIMUM, 0, True)
        for entry in entries[::2]:
            loaded.delete(parse_id(entry[0]))
        loaded.trim(1, None, False, 0)
        loaded.append([b"f", b"v"], 0, MAXIMUM, True, 0, NodeLimits(4096, 100))
        loaded.nodes_as_bytes()
    assert 10_000 < refused < 30_000


@pytest.mark.parametrize("cut", range(1, 60))
def test_parts_of_nodes_are_refused(cut):
    master, data = stream_of([StreamId(1), StreamId(2)]).nodes_as_bytes()[0]
    with pytest.raises(ValueError, match="not a"):
        Stream().load_node(master, data[:-cut])


# --- memory


def test_all_memory_comes_back():
    gc.collect()
    before = used_memory()
    stream = stream_of([StreamId(ms) for ms in range(1, 3001)], 2)
    group = stream.add_group(b"g", MINIMUM, -1)
    consumer = group.add_consumer(b"c", 0)
    stream.deliver(group, consumer, 2000, False, 0)
    for ms in range(1, 1000):
        group.acknowledge(StreamId(ms))
        stream.delete(StreamId(2 * ms))
    twin = stream.copy()
    assert twin.memory_usage() > 1000 * 24
    assert used_memory() > before
    del stream, group, consumer, twin
    assert used_memory() == before


def test_memory_usage_is_what_is_held():
    before = used_memory()
    stream = stream_of([StreamId(ms) for ms in range(1, 100_001)])
    held = used_memory() - before
    assert held * 0.95 < stream.memory_usage() < held * 1.05


def test_freeing_in_steps():
    before = used_memory()
    stream = stream_of([StreamId(ms) for ms in range(1, 101)], 1)
    group = stream.add_group(b"g", MINIMUM, -1)
    stream.deliver(group, group.add_consumer(b"c", 0), 0, False, 0)
    del group
    steps = 1
    while not stream.free_some(10):
        steps += 1
    assert 18 <= steps <= 22
    del stream
    assert used_memory() == before
