"""Quicklists against Python's own list: every limit, plain nodes, compression, merging and splitting."""

import random

import pytest

from redracer.core.listpack import Listpack
from redracer.core.memory import used_memory
from redracer.types.list.quicklist import Quicklist, set_packed_threshold

LIMITS = [-5, -2, -1, 0, 1, 2, 3, 7, 128]
DEPTHS = [0, 1, 2]


def made(items, size_limit=-2, depth=0):
    found = Quicklist(size_limit, depth)
    for item in items:
        found.push(item, False)
    return found


def items_of(quicklist):
    return quicklist.slice(0, len(quicklist)) if len(quicklist) else []


def check(quicklist, expected):
    """The content, and what every quicklist promises about its nodes."""
    assert len(quicklist) == len(expected)
    assert items_of(quicklist) == expected
    nodes = quicklist.listpacks
    assert len(nodes) == quicklist.nodes
    found = []
    for plain, data in nodes:
        items = [data] if plain else Listpack.from_bytes(data).to_list()
        assert items
        found += items
    assert found == expected


def random_item(source):
    kind = source.random()
    if kind < 0.4:
        return b"%d" % source.choice([0, 5, -1, 4095, 70000, -(2**40), 2**63 - 1])
    if kind < 0.9:
        return source.choice([b"a", b"bb", b"x" * 20, b"abc" * 20, b""])
    return bytes(source.choices(b"pqrs", k=source.choice([100, 3000, 5000, 9000, 70000])))


class Model:
    """A quicklist and a list to which the same is done."""

    def __init__(self, source, size_limit, depth):
        self.source = source
        self.quicklist = Quicklist(size_limit, depth)
        self.items = []

    def index(self):
        return self.source.randrange(len(self.items))

    def push(self):
        for _ in range(self.source.choice([1, 1, 5])):
            item, at_head = random_item(self.source), self.source.random() < 0.5
            self.quicklist.push(item, at_head)
            self.items.insert(0 if at_head else len(self.items), item)

    def pop(self):
        at_head = self.source.random() < 0.5
        expected = self.items.pop(0 if at_head else -1) if self.items else None
        assert self.quicklist.pop(at_head) == expected

    def insert(self):
        if not self.items:
            return
        pivot, item, after = self.items[self.index()], random_item(self.source), self.source.random() < 0.5
        assert self.quicklist.insert(pivot, item, after)
        self.items.insert(self.items.index(pivot) + after, item)

    def replace(self):
        if self.items:
            index, item = self.index(), random_item(self.source)
            assert self.quicklist.replace(index, item)
            self.items[index] = item

    def delete(self):
        if self.items:
            start, count = self.index(), self.source.choice([1, 2, 5, 50])
            self.quicklist.delete_range(start, count)
            del self.items[start : start + count]

    def remove(self):
        if not self.items:
            return
        item, limit, from_tail = (
            self.items[self.index()],
            self.source.choice([1, 2, 100]),
            self.source.random() < 0.5,
        )
        places = [at for at, other in enumerate(self.items) if other == item]
        gone = places[-limit:] if from_tail else places[:limit]
        assert self.quicklist.remove(item, limit, from_tail) == len(gone)
        for at in reversed(gone):
            del self.items[at]

    def look(self):
        if self.items:
            index = self.index()
            assert self.quicklist.get(index) == self.items[index]
            count = self.source.randrange(1, len(self.items) - index + 1)
            assert self.quicklist.slice(index, count) == self.items[index : index + count]

    def search(self):
        if not self.items:
            return
        item, rank, wanted = (
            self.items[self.index()],
            self.source.choice([1, 2]),
            self.source.choice([1, 2, 99]),
        )
        comparisons, from_tail = self.source.choice([1, 10, 10**9]), self.source.random() < 0.5
        places = list(enumerate(self.items))
        if from_tail:
            places.reverse()
        matches = [at for at, other in places[:comparisons] if other == item]
        expected = matches[rank - 1 : rank - 1 + wanted]
        assert self.quicklist.positions(item, rank, wanted, comparisons, from_tail) == expected

    def step(self):
        actions = [self.push] * 4 + [self.pop] * 2 + [self.insert] * 3 + [self.replace] * 2
        self.source.choice([*actions, self.delete, self.remove, self.look, self.search])()


@pytest.fixture
def threshold():
    yield set_packed_threshold
    set_packed_threshold(0)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("size_limit", LIMITS)
def test_behaves_as_a_list(size_limit, depth):
    model = Model(random.Random(size_limit * 10 + depth), size_limit, depth)
    for step in range(600):
        model.step()
        if step % 20 == 0:
            check(model.quicklist, model.items)
    check(model.quicklist, model.items)


@pytest.mark.parametrize("bytes_of_plain_items", [1, 5, 100])
def test_behaves_as_a_list_of_plain_nodes(bytes_of_plain_items, threshold):
    threshold(bytes_of_plain_items)
    for depth in DEPTHS:
        model = Model(random.Random(bytes_of_plain_items), -2, depth)
        for _ in range(300):
            model.step()
        check(model.quicklist, model.items)


def test_nodes_fill_up_to_their_limit():
    assert made([b"item"] * 10, 3).nodes == 4
    assert made([b"x" * 100] * 1000, -1).nodes == -(-1000 // (4096 // 103))
    assert made([b"x" * 100] * 1000, -5).nodes == -(-1000 // (65536 // 103))
    assert made([b"item"] * 10, 0).nodes == 10  # a node has one item at least


def test_limits_beyond_the_range_are_cut():
    assert made([b"x" * 100] * 1000, -99).nodes == made([b"x" * 100] * 1000, -5).nodes
    assert made([b"item"] * 10, 10**9).nodes == 1


def test_large_items_are_nodes_of_their_own():
    big = b"B" * 9000
    quicklist = made([b"a", big, b"b", b"c"])
    assert quicklist.listpacks[1] == (True, big)
    assert quicklist.nodes == 3
    assert quicklist.get(1) is big  # the client's own bytes, without a copy


def test_the_packed_threshold_has_a_limit(threshold):
    assert threshold(100)
    assert not threshold(2**32)
    assert made([b"x" * 100]).listpacks[0][0]
    assert threshold(0)
    assert not made([b"x" * 100]).listpacks[0][0]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_only_inner_nodes_are_compressed(depth):
    quicklist = made([b"compressible " * 10] * 20, 2, depth)
    assert quicklist.compressed_nodes == 10 - 2 * depth
    before = items_of(quicklist)
    assert quicklist.compressed_nodes == 10 - 2 * depth  # reading leaves them as they are
    for _ in range(2):
        quicklist.pop(True)
    assert quicklist.compressed_nodes == max(9 - 2 * depth, 0)
    quicklist.replace(9, b"other " * 20)
    assert quicklist.compressed_nodes == max(9 - 2 * depth, 0)
    before[2 + 9] = b"other " * 20
    assert items_of(quicklist) == before[2:]


def test_what_does_not_compress_stays_as_it_is():
    source = random.Random(7)
    items = [source.randbytes(100) for _ in range(10)]
    quicklist = made(items, 1, 1)
    assert quicklist.compressed_nodes == 0
    assert items_of(quicklist) == items


def test_compression_saves_memory():
    items = [b"the same words again and again, %d " % at * 20 for at in range(200)]
    assert made(items, -2, 1).memory_usage() * 3 < made(items, -2, 0).memory_usage()


def test_a_copy_is_independent():
    for depth in DEPTHS:
        quicklist = made([b"x" * 500, b"y" * 9000, b"z" * 500] * 20, -1, depth)
        expected = items_of(quicklist)
        copied = quicklist.copy()
        quicklist.replace(1, b"other")
        quicklist.delete_range(0, 30)
        check(copied, expected)
        assert copied.compressed_nodes > 0 or depth == 0


def test_counts_the_memory_that_it_takes_and_gives_back():
    for depth in DEPTHS:
        before = used_memory()
        quicklist = made([b"x" * 500, b"y" * 9000, b"7"] * 100, -1, depth)
        assert used_memory() - before == quicklist.memory_usage()
        for _ in range(100):
            quicklist.pop(True)
            quicklist.remove(b"7", 1, True)
        quicklist.insert(b"y" * 9000, b"p" * 3000, True)
        quicklist.delete_range(10, 20)
        assert used_memory() - before == quicklist.memory_usage()
        del quicklist
        assert used_memory() == before


def test_is_freed_in_steps():
    before = used_memory()
    quicklist = made([b"x" * 4000] * 1000)
    steps = 1
    while not quicklist.free_some(50):
        steps += 1
    assert steps == 10
    assert len(quicklist) == 0
    del quicklist
    assert used_memory() == before


def test_large_items_count_for_more_in_freeing():
    quicklist = made([b"x" * 8192 * 100] * 10)
    assert not quicklist.free_some(50)
    assert len(quicklist) == 9


@pytest.mark.parametrize("index", [-1, 3, 10**18, -(2**63)])
def test_refuses_an_index_outside(index):
    quicklist = made([b"a", b"b", b"c"])
    for action in (
        quicklist.get,
        lambda at: quicklist.replace(at, b"d"),
        lambda at: quicklist.delete_range(at, 1),
    ):
        with pytest.raises(IndexError):
            action(index)
    with pytest.raises(IndexError):
        quicklist.slice(index, 1)
    check(quicklist, [b"a", b"b", b"c"])


def test_refuses_a_slice_beyond_its_end():
    with pytest.raises(RuntimeError):
        made([b"a", b"b"]).slice(1, 2)


def test_refuses_an_empty_node():
    with pytest.raises(ValueError):
        made([]).append_listpack(Listpack())
