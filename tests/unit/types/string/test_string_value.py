"""Operations on string values against plain bytes, over every way in which a string is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redracer.core import entry as kinds
from redracer.core.clock import Clock
from redracer.core.errors import NOT_INTEGER, OVERFLOW, WRONG_TYPE, CommandError
from redracer.core.keyspace import Keyspace
from redracer.core.memory import used_memory
from redracer.types.string import value as strings

LENGTHS = [0, 1, 3, 40, 44, 45, 1000, 1023, 1024, 1025, 5000]
START = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: b"%d" % number),
    st.sampled_from(LENGTHS).map(bytes),
)
STEP = st.one_of(
    st.tuples(st.just("append"), st.sampled_from(LENGTHS), st.just(0)),
    st.tuples(st.just("set_range"), st.sampled_from(LENGTHS), st.integers(0, 3000)),
    st.tuples(st.just("set_bit"), st.integers(0, 1), st.integers(0, 30_000)),
    st.tuples(st.just("set"), st.sampled_from(LENGTHS), st.just(0)),
)


def new_keyspace() -> Keyspace:
    clock = Clock()
    clock.set_time(1_700_000_000_000)
    return Keyspace(0, clock)


@given(START, st.lists(STEP, max_size=12))
def test_changes_in_place(start: bytes | None, steps: list[tuple[str, int, int]]) -> None:
    held = used_memory()
    keyspace = new_keyspace()
    model = start or b""
    if start is not None:
        keyspace.set_string(b"key", start, 1_800_000_000_000)
    for name, amount, offset in steps:
        before = keyspace.get_string(b"key")
        patch = b"p" * amount
        if name == "append":
            model += patch
            assert strings.append(keyspace, b"key", patch) == len(model)
        elif name == "set":
            keyspace.set_string(b"key", patch, -2)
            model = patch
        elif name == "set_range":
            if patch:
                model = model[:offset].ljust(offset, b"\0") + patch + model[offset + len(patch) :]
            assert strings.set_range(keyspace, b"key", offset, patch) == len(model)
        else:
            bits = bytearray(model.ljust(offset // 8 + 1, b"\0"))
            old = bits[offset // 8] >> (7 - offset % 8) & 1
            bits[offset // 8] = bits[offset // 8] & ~(0x80 >> offset % 8) | amount << (7 - offset % 8)
            assert strings.set_bit(keyspace, b"key", offset, bool(amount)) == old
            assert strings.get_bit(keyspace, b"key", offset) == amount
            model = bytes(bits)
        assert (keyspace.get_string(b"key") or b"") == model
        assert strings.string_length(keyspace, b"key") == len(model)
        assert before is None or isinstance(before, bytes)
    if start is not None:
        assert keyspace.expiry_of(b"key") == 1_800_000_000_000
        assert keyspace.expires == 1
    keyspace.delete(b"key")
    assert keyspace.expires == 0
    del keyspace
    assert used_memory() == held


@given(START, st.integers(-(2**63), 2**63 - 1), st.integers(-6000, 6000))
def test_get_range(start: bytes | None, first: int, last: int) -> None:
    keyspace = new_keyspace()
    model = start or b""
    if start is not None:
        keyspace.set_string(b"key", start)
    for left, right in ((first, last), (last, first), (last, -1), (0, last)):
        first_byte = max(left + len(model) if left < 0 else left, 0)
        last_byte = max(
            right + len(model) if right < 0 else right, 0
        )  # Redis: what is before the string is its first byte
        crossed = left < 0 and right < 0 and left > right
        wanted = b"" if crossed else model[first_byte : last_byte + 1]
        assert strings.get_range(keyspace, b"key", left, right) == wanted


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_increment(value: int, delta: int) -> None:
    keyspace = new_keyspace()
    keyspace.set_string(b"key", b"%d" % value, 1_800_000_000_000)
    if -(2**63) <= value + delta < 2**63:
        assert strings.increment(keyspace, b"key", delta) == value + delta
        assert keyspace.get_string(b"key") == b"%d" % (value + delta)
        assert keyspace.encoding_of_string(b"key") == b"int"
    else:
        with pytest.raises(CommandError) as error:
            strings.increment(keyspace, b"key", delta)
        assert error.value.text == OVERFLOW
        assert keyspace.get_string(b"key") == b"%d" % value
    assert keyspace.expiry_of(b"key") == 1_800_000_000_000


def test_increment_of_what_is_kept_as_text() -> None:
    keyspace = new_keyspace()
    assert strings.increment(keyspace, b"new", -3) == -3
    strings.append(keyspace, b"key", b"4")
    strings.append(keyspace, b"key", b"1")
    assert keyspace.encoding_of_string(b"key") == b"raw"
    assert strings.increment(keyspace, b"key", 1) == 42
    assert keyspace.encoding_of_string(b"key") == b"int"
    for text in (b"", b" 1", b"1 ", b"01", b"1.0", b"9223372036854775808", b"x" * 5000):
        keyspace.set_string(b"key", text)
        with pytest.raises(CommandError) as error:
            strings.increment(keyspace, b"key", 1)
        assert error.value.text == NOT_INTEGER


def test_a_string_handed_out_never_changes() -> None:
    keyspace = new_keyspace()
    value = b"v" * 10_000
    keyspace.set_string(b"key", value)
    strings.set_range(keyspace, b"key", 0, b"XXXX")
    assert value == b"v" * 10_000
    handed = keyspace.get_string(b"key")
    strings.append(keyspace, b"key", b"tail")
    strings.set_bit(keyspace, b"key", 0, True)
    assert handed == b"XXXX" + b"v" * 9996


def test_copies_of_a_changed_string_are_independent() -> None:
    keyspace = new_keyspace()
    keyspace.set_string(b"key", b"v" * 5000)
    strings.append(keyspace, b"key", b"!")
    keyspace.copy(b"key", keyspace, b"copy")
    strings.append(keyspace, b"key", b"?")
    assert keyspace.get_string(b"copy") == b"v" * 5000 + b"!"
    assert keyspace.take(b"key") == b"v" * 5000 + b"!?"


def test_another_type_is_refused() -> None:
    keyspace = new_keyspace()
    keyspace.set_object(b"key", kinds.SET, object())
    for call in (
        lambda: strings.increment(keyspace, b"key", 1),
        lambda: strings.string_length(keyspace, b"key"),
        lambda: strings.get_range(keyspace, b"key", 0, 1),
        lambda: strings.append(keyspace, b"key", b"v"),
        lambda: strings.set_range(keyspace, b"key", 0, b"v"),
        lambda: strings.get_bit(keyspace, b"key", 0),
        lambda: strings.set_bit(keyspace, b"key", 0, True),
    ):
        with pytest.raises(CommandError) as error:
            call()
        assert error.value.text == WRONG_TYPE
    assert keyspace.type_of(b"key") == kinds.SET
