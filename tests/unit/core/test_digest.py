"""Digests: order matters to `mix`, and not to `combine`."""

from hashlib import sha1

from redracer.core.digest import EMPTY, SIZE, combine, mix


def test_the_first_item_of_each():
    assert combine(EMPTY, b"data") == sha1(b"data").digest()
    assert mix(EMPTY, b"data") == sha1(sha1(b"data").digest()).digest()
    assert len(mix(EMPTY, b"")) == SIZE


def test_combining_does_not_depend_on_the_order():
    assert combine(combine(EMPTY, b"a"), b"b") == combine(combine(EMPTY, b"b"), b"a")


def test_mixing_depends_on_order_and_boundaries():
    assert mix(mix(EMPTY, b"a"), b"b") != mix(mix(EMPTY, b"b"), b"a")
    assert mix(mix(EMPTY, b"foo"), b"bar") != mix(mix(EMPTY, b"fo"), b"obar")


def test_combining_twice_cancels():
    assert combine(combine(EMPTY, b"a"), b"a") == EMPTY
