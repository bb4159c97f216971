"""The stream against a plain string of bytes: what is kept, who may go on from where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from redracer.core.resp_write import ReplyBuffer
from redracer.replication.stream import BLOCK, NO_ID, Reader, Stream, new_id


class StreamMachine(RuleBasedStateMachine):
    """Appends and readers in any order; each reader sees exactly the bytes from its place on."""

    def __init__(self):
        super().__init__()
        self.stream = Stream(3 * BLOCK)
        self.stream.open()
        self.history = b""
        self.readers = []

    @rule(length=st.integers(0, 2 * BLOCK), byte=st.integers(0, 255))
    def append(self, length, byte):
        data = bytes((byte + i) % 256 for i in range(length))
        self.stream.append(data)
        self.history += data

    @rule(back=st.integers(0, 4 * BLOCK))
    def start_reading(self, back):
        place = max(self.stream.end - back, self.stream.first)
        self.readers.append([Reader(self.stream, place), place])

    @rule(who=st.integers(0, 9), most=st.integers(1, 3 * BLOCK))
    def read(self, who, most):
        if self.readers:
            known = self.readers[who % len(self.readers)]
            out = ReplyBuffer()
            moved = known[0].move(out, most)
            data = out.take()
            assert moved == len(data) <= most
            assert data == self.history[known[1] : known[1] + len(data)]
            assert data or known[1] == len(self.history)
            known[1] += len(data)
            assert known[0].place == known[1] and known[0].behind == len(self.history) - known[1]

    @rule(who=st.integers(0, 9))
    def stop_reading(self, who):
        if self.readers:
            self.readers.pop(who % len(self.readers))[0].close()

    @invariant()
    def what_is_needed_is_kept_and_little_more(self):
        stream = self.stream
        assert stream.end == len(self.history)
        assert stream.end - stream.first == stream.kept >= min(stream.limit, len(self.history))
        oldest = min([stream.end - stream.limit, *(place for _, place in self.readers)])
        assert stream.first <= max(oldest, 0)
        assert stream.kept <= stream.end - max(oldest, 0) + 3 * BLOCK


TestStreamMachine = StreamMachine.TestCase


def test_a_place_that_is_not_kept_cannot_be_read_from():
    stream = Stream(BLOCK)
    stream.open()
    for _ in range(10):
        stream.append(b"x" * BLOCK)
    for place in (0, stream.end + 1):
        with pytest.raises(ValueError, match="is not kept"):
            Reader(stream, place)


def test_what_is_not_kept_takes_nothing():
    stream = Stream(BLOCK)
    with pytest.raises(ValueError, match="is not kept"):
        stream.append(b"lost")
    assert (stream.end, stream.first, stream.kept, stream.active) == (0, 0, 0, False)


def test_the_second_name_is_good_up_to_where_the_histories_part():
    stream = Stream(BLOCK)
    stream.open()
    stream.append(b"common")
    old = stream.id
    stream.rename()
    stream.append(b"ours")
    assert stream.can_resume(old, 6) and stream.can_resume(old, 3)
    assert not stream.can_resume(old, 7)
    assert stream.can_resume(stream.id, 10) and not stream.can_resume(stream.id, 11)
    assert not stream.can_resume(new_id(), 6) and not stream.can_resume(NO_ID, 6)


def test_another_history_keeps_nothing_of_the_one_before():
    stream = Stream(BLOCK)
    stream.open()
    stream.append(b"ours")
    reader = Reader(stream, 1)
    name = new_id()
    stream.restart(name, 1000)
    assert (stream.id, stream.end, stream.first, stream.kept) == (name, 1000, 1000, 0)
    out = ReplyBuffer()
    assert reader.move(out, 10) == 3 and out.take() == b"urs"
    stream.append(b"x" * 2 * BLOCK)
    assert reader.move(out, 10) == 0
    reader.close()
    assert stream.second_id == NO_ID


@given(st.integers(1, 5 * BLOCK))
def test_a_smaller_limit_takes_effect_at_the_next_trim(limit):
    stream = Stream(100 * BLOCK)
    stream.open()
    for _ in range(20):
        stream.append(b"y" * (BLOCK // 2))
    stream.limit = limit
    stream.trim()
    assert limit <= stream.kept < limit + 2 * BLOCK
