"""Arrays of bulk strings that are encoded while they are gathered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redracer.core.bulk_array import BulkArray
from redracer.core.resp_write import ReplyBuffer


def made(strings):
    array = BulkArray()
    for text in strings:
        array.append(text)
    return array


def sent(reply, protocol):
    buffer = ReplyBuffer()
    buffer.write(reply, protocol)
    return buffer.take()


@given(st.lists(st.binary(max_size=300)))
def test_is_sent_as_a_list_of_the_same_strings(strings):
    array = made(strings)
    assert list(array) == array.to_list() == strings
    assert len(array) == array.count == len(strings)
    for protocol in (2, 3):
        assert sent(array, protocol) == sent(strings, protocol)
        assert sent([1, array, None], protocol) == sent([1, strings, None], protocol)


@pytest.mark.parametrize("length", [0, 1, 9, 10, 99, 100, 999, 1000, 70000, 1_000_000])
def test_every_length(length):
    strings = [b"x" * length, b"\r\n" * (length // 2), b"end"]
    assert list(made(strings)) == strings
    assert sent(made(strings), 2) == sent(strings, 2)


def test_takes_bytes_only():
    with pytest.raises(TypeError):
        BulkArray().append("text")
