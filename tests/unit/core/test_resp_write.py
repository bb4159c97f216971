"""Replies in both versions of the protocol, and the buffer that they are sent from."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redracer.core.replies import (
    NO_REPLY,
    NULL_ARRAY,
    OK,
    Attributed,
    BigNumber,
    Double,
    Error,
    Map,
    Push,
    Set,
    Status,
    Verbatim,
)
from redracer.core.resp_write import ReplyBuffer

LARGE = 32768  # bytes from which a bulk string is sent by reference


def written(value, resp):
    buffer = ReplyBuffer()
    buffer.write(value, resp)
    size = len(buffer)
    data = buffer.take()
    assert size == len(data)
    return data


CASES = [
    (OK, b"+OK\r\n", b"+OK\r\n"),
    (Status(b"PONG"), b"+PONG\r\n", b"+PONG\r\n"),
    (Error(b"ERR no"), b"-ERR no\r\n", b"-ERR no\r\n"),
    (Error(b"ERR two\r\nlines"), b"-ERR two  lines\r\n", b"-ERR two  lines\r\n"),
    (b"", b"$0\r\n\r\n", b"$0\r\n\r\n"),
    (b"a\r\nb\x00", b"$5\r\na\r\nb\x00\r\n", b"$5\r\na\r\nb\x00\r\n"),
    (b"0123456789", b"$10\r\n0123456789\r\n", b"$10\r\n0123456789\r\n"),
    (None, b"$-1\r\n", b"_\r\n"),
    (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
    (NO_REPLY, b"", b""),
    (0, b":0\r\n", b":0\r\n"),
    (9, b":9\r\n", b":9\r\n"),
    (10, b":10\r\n", b":10\r\n"),
    (-1, b":-1\r\n", b":-1\r\n"),
    (2**63 - 1, b":9223372036854775807\r\n", b":9223372036854775807\r\n"),
    (-(2**63), b":-9223372036854775808\r\n", b":-9223372036854775808\r\n"),
    (True, b":1\r\n", b"#t\r\n"),
    (False, b":0\r\n", b"#f\r\n"),
    ([], b"*0\r\n", b"*0\r\n"),
    ((1, b"a"), b"*2\r\n:1\r\n$1\r\na\r\n", b"*2\r\n:1\r\n$1\r\na\r\n"),
    ([None, [None]], b"*2\r\n$-1\r\n*1\r\n$-1\r\n", b"*2\r\n_\r\n*1\r\n_\r\n"),
    (Map([b"k", 1]), b"*2\r\n$1\r\nk\r\n:1\r\n", b"%1\r\n$1\r\nk\r\n:1\r\n"),
    (Map([]), b"*0\r\n", b"%0\r\n"),
    (Set([b"a", 2]), b"*2\r\n$1\r\na\r\n:2\r\n", b"~2\r\n$1\r\na\r\n:2\r\n"),
    (Push([b"message", b"c"]), b"*2\r\n$7\r\nmessage\r\n$1\r\nc\r\n", b">2\r\n$7\r\nmessage\r\n$1\r\nc\r\n"),
    (Double(1.5), b"$3\r\n1.5\r\n", b",1.5\r\n"),
    (2.0, b"$1\r\n2\r\n", b",2\r\n"),
    (Double(math.inf), b"$3\r\ninf\r\n", b",inf\r\n"),
    (Double(-math.inf), b"$4\r\n-inf\r\n", b",-inf\r\n"),
    (Double(math.nan), b"$3\r\nnan\r\n", b",nan\r\n"),
    (Double(3.0, b"3.00"), b"$4\r\n3.00\r\n", b",3.00\r\n"),
    (BigNumber(b"-12345678901234567890"), b"$21\r\n-12345678901234567890\r\n", b"(-12345678901234567890\r\n"),
    (Verbatim(b"txt", b"hi\n"), b"$3\r\nhi\n\r\n", b"=7\r\ntxt:hi\n\r\n"),
    (Verbatim(b"txt", b""), b"$0\r\n\r\n", b"=4\r\ntxt:\r\n"),
    (Attributed([b"ttl", 3], b"v"), b"$1\r\nv\r\n", b"|1\r\n$3\r\nttl\r\n:3\r\n$1\r\nv\r\n"),
    ([Attributed([b"a", b"b"], 1), 2], b"*2\r\n:1\r\n:2\r\n", b"*2\r\n|1\r\n$1\r\na\r\n$1\r\nb\r\n:1\r\n:2\r\n"),
    (Map([1, Map([1, Set([None])])]), b"*2\r\n:1\r\n*2\r\n:1\r\n*1\r\n$-1\r\n", b"%1\r\n:1\r\n%1\r\n:1\r\n~1\r\n_\r\n"),
]  # fmt: skip


class TestTypes:
    @pytest.mark.parametrize(("value", "resp2", "resp3"), CASES, ids=[repr(case[0])[:40] for case in CASES])
    def test_reply(self, value, resp2, resp3):
        assert written(value, 2) == resp2
        assert written(value, 3) == resp3

    @pytest.mark.parametrize(
        "value", [object(), {1: 2}, "text", bytearray(b"x"), 2**63, -(2**63) - 1, 1 + 2j]
    )
    @pytest.mark.parametrize("resp", [2, 3])
    def test_what_is_no_reply_is_refused_and_can_be_cut_off(self, value, resp):
        buffer = ReplyBuffer()
        buffer.write(b"before", resp)
        before = buffer.mark()
        with pytest.raises((TypeError, OverflowError)):
            buffer.write([b"a", b"x" * LARGE, value], resp)
        buffer.cut(before)
        buffer.write(b"after", resp)
        assert buffer.take() == b"$6\r\nbefore\r\n$5\r\nafter\r\n"

    @given(st.integers(-(2**63), 2**63 - 1))
    def test_integers(self, number):
        assert written(number, 2) == b":%d\r\n" % number

    @given(st.binary(max_size=40), st.integers(0, 2))
    def test_errors_stay_one_line(self, text, more):
        data = written(Error(text + b"\r\n" * more), 3)
        assert data[:1] == b"-" and data.endswith(b"\r\n")
        assert b"\r" not in data[1:-2] and b"\n" not in data[1:-2] and len(data) == len(text) + 2 * more + 3


def encoded(value):
    """The encoding of nested lists, bytes, integers and None, in RESP2."""
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, bytes):
        return b"$%d\r\n%b\r\n" % (len(value), value)
    return b"*%d\r\n" % len(value) + b"".join(map(encoded, value))


sizes = st.sampled_from([0, 1, 9, 10, 100, 2000, 2048, 5000, LARGE - 1, LARGE, LARGE + 1, 100_000])
leaves = st.one_of(
    st.none(), st.integers(-1000, 10**12), st.binary(max_size=50), sizes.map(lambda size: b"v" * size)
)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=6), max_leaves=20)


class TestBuffer:
    @given(st.lists(values, max_size=8))
    def test_everything_comes_out_in_order(self, replies):
        buffer = ReplyBuffer()
        for reply in replies:
            buffer.write(reply, 2)
        expected = b"".join(map(encoded, replies))
        assert len(buffer) == len(expected)
        assert buffer.take() == expected
        assert len(buffer) == 0 and buffer.allocated == 0 and buffer.take() == b""

    @given(st.lists(values, max_size=5), st.lists(values, max_size=5), st.lists(values, max_size=5))
    def test_what_was_written_since_a_mark_is_cut(self, kept, cut, after):
        buffer = ReplyBuffer()
        for reply in kept:
            buffer.write(reply, 2)
        mark = buffer.mark()
        for reply in cut:
            buffer.write(reply, 2)
        buffer.cut(mark)
        for reply in after:
            buffer.write(reply, 2)
        assert buffer.take() == b"".join(map(encoded, kept + after))

    def test_large_values_are_not_copied(self):
        buffer = ReplyBuffer()
        value = b"x" * 10_000_000
        for _ in range(10):
            buffer.write(value, 2)
        assert len(buffer) == 10 * len(encoded(value))
        small = buffer.allocated - 10 * len(value)
        assert 0 < small <= 4096
        assert buffer.take() == encoded(value) * 10

    @given(st.lists(st.tuples(st.booleans(), st.sampled_from([b"", b"x", b"y" * 3000, b"z" * 40_000]))))
    def test_shared_texts_keep_their_place(self, texts):
        buffer = ReplyBuffer()
        whole = b""
        for shared, text in texts:
            if shared:
                assert buffer.write_shared(text) == len(whole) + len(text)
            else:
                buffer.write_encoded(text)
            whole += text
            assert len(buffer) == len(whole) <= buffer.allocated
        assert buffer.take() == whole
        assert buffer.allocated == 0

    def test_a_shared_text_is_let_go(self):
        text = b"message" * 100
        references = sys.getrefcount(text)
        sent, closed, followed = ReplyBuffer(), ReplyBuffer(), ReplyBuffer()
        for buffer in (sent, closed, followed):
            buffer.write_shared(text)
        assert sys.getrefcount(text) == references + 3
        followed.write_encoded(b"!")
        assert sent.take() == text and followed.take() == text + b"!"
        del closed, buffer
        assert sys.getrefcount(text) == references

    def test_an_empty_buffer_holds_no_memory(self):
        buffer = ReplyBuffer()
        assert buffer.allocated == 0 and len(buffer) == 0
        buffer.write(b"x" * 100_000 + b"y", 2)
        buffer.take()
        assert buffer.allocated == 0

    def test_encoded_bytes_pass_as_they_are(self):
        buffer = ReplyBuffer()
        buffer.write_encoded(b"-LOADING x\r\n")
        buffer.write_encoded(b"")
        assert buffer.take() == b"-LOADING x\r\n"

    def test_many_buffers_share_nothing(self):
        """Blocks go through a pool; what one buffer returned, another must overwrite as its own."""
        for round in range(3):
            buffers = [ReplyBuffer() for _ in range(1500)]
            for i, buffer in enumerate(buffers):
                buffer.write(b"%d-%d" % (round, i), 2)
            for i, buffer in enumerate(buffers):
                assert buffer.take() == encoded(b"%d-%d" % (round, i))
