"""What goes into the append-only file: the encoding of commands, transactions, SELECT and times."""

import os

import pytest

from redracer.core.clock import Clock
from redracer.persistence.append_buffer import AppendBuffer
from tests.wire.conftest import encoded

SECOND = 1_700_000_000


@pytest.fixture
def buffer():
    clock = Clock()
    clock.set_time(SECOND * 1000)
    return AppendBuffer(clock)


class TestEncoding:
    @pytest.mark.parametrize("length", [0, 1, 9, 10, 99, 100, 12345, 1_000_000])
    def test_arguments_of_every_length(self, buffer, length):
        argv = [b"SET", b"k", b"x" * length]
        buffer.command(argv)
        assert bytes(buffer) == encoded(*argv)
        assert len(buffer) == buffer.fed == len(encoded(*argv))

    @pytest.mark.parametrize("count", [1, 9, 10, 99, 100, 5000])
    def test_any_number_of_arguments(self, buffer, count):
        argv = [b"%d" % i for i in range(count)]
        buffer.command(argv)
        assert bytes(buffer) == encoded(*argv)

    def test_selects_a_database_when_it_changes(self, buffer):
        for database in (0, 0, 10, 0):
            buffer.feed([(database, [b"INCR", b"n"])])
        assert bytes(buffer) == b"".join(
            [
                encoded("SELECT", 0),
                encoded("INCR", "n") * 2,
                encoded("SELECT", 10),
                encoded("INCR", "n"),
                encoded("SELECT", 0),
                encoded("INCR", "n"),
            ]
        )

    def test_more_than_one_command_is_a_transaction(self, buffer):
        buffer.feed([(3, [b"INCR", b"n"]), (3, [b"INCR", b"m"])])
        assert bytes(buffer) == b"".join(
            [
                encoded("SELECT", 3),
                encoded("MULTI"),
                encoded("INCR", "n"),
                encoded("INCR", "m"),
                encoded("EXEC"),
            ]
        )

    def test_times_come_once_a_second_and_before_the_unit(self):
        clock = Clock()
        buffer = AppendBuffer(clock)
        buffer.timestamps = True
        for now in (SECOND, SECOND, SECOND + 1):
            clock.set_time(now * 1000)
            buffer.feed([(0, [b"PING"])])
        assert bytes(buffer) == b"".join(
            [
                b"#TS:%d\r\n" % SECOND,
                encoded("SELECT", 0),
                encoded("PING") * 2,
                b"#TS:%d\r\n" % (SECOND + 1),
                encoded("PING"),
            ]
        )

    def test_a_unit_that_cannot_be_encoded_leaves_nothing(self, buffer):
        with pytest.raises(TypeError):
            buffer.feed([(1, [b"SET", b"a", b"1"]), (2, [b"SET", "b", b"1"])])
        assert not len(buffer)
        assert buffer.database == -1


class TestWriting:
    def test_writes_everything_and_forgets_it_when_told(self, buffer, tmp_path):
        buffer.command([b"PING"])
        descriptor = os.open(tmp_path / "f", os.O_WRONLY | os.O_CREAT)
        assert buffer.write(descriptor) == len(buffer)
        buffer.drop(len(buffer))
        os.close(descriptor)
        assert (tmp_path / "f").read_bytes() == encoded("PING")
        assert not len(buffer)

    def test_dropping_a_part_keeps_the_rest(self, buffer):
        buffer.text(b"abcdef")
        buffer.drop(4)
        assert bytes(buffer) == b"ef"

    def test_a_refusal_is_an_error_with_its_number(self, buffer):
        buffer.text(b"abc")
        with pytest.raises(OSError) as error:
            buffer.write(-1)
        assert error.value.errno == 9
        assert bytes(buffer) == b"abc"
