"""Reading the commands of an append-only file: whole ones, and what is wrong with the others."""

import os
import random
from contextlib import suppress

import pytest

from redracer.persistence.command_reader import BadFormat, CommandReader, UnexpectedEnd
from tests.wire.conftest import encoded


@pytest.fixture
def reading(tmp_path):
    """Makes a reader of a file with these bytes, from an offset on."""
    descriptors = []

    def reader(data, offset=0):
        path = tmp_path / "f"
        path.write_bytes(data)
        descriptors.append(os.open(path, os.O_RDONLY))
        os.lseek(descriptors[-1], offset, os.SEEK_SET)
        return CommandReader(descriptors[-1], offset, len(data))

    yield reader
    for descriptor in descriptors:
        os.close(descriptor)


def every(reader):
    found = []
    while (argv := reader.next()) is not None:
        found.append(argv)
    return found


class TestWholeFiles:
    @pytest.mark.parametrize("seed", range(5))
    def test_reads_commands_of_all_sizes_and_tells_where_they_end(self, reading, seed):
        draw = random.Random(seed)
        sizes = [0, 1, 20, 400, 70_000, 300_000]
        commands = [
            [draw.randbytes(draw.choice(sizes)) for _ in range(draw.choice([1, 2, 3, 30]))] for _ in range(60)
        ]
        parts = [encoded(*argv) for argv in commands]
        reader = reading(b"".join(parts))
        end = 0
        for argv, part in zip(commands, parts, strict=True):
            assert reader.next() == argv
            end += len(part)
            assert reader.offset == end
        assert reader.next() is None

    def test_begins_behind_an_offset(self, reading):
        reader = reading(b"REDIS..." + encoded("PING"), 8)
        assert every(reader) == [[b"PING"]]
        assert reader.offset == 8 + len(encoded("PING"))

    def test_passes_over_annotations(self, reading):
        reader = reading(
            b"#TS:1\r\n" + encoded("PING") + b"#" + b"x" * 300_000 + b"\n" + encoded("INCR", "n")
        )
        assert reader.next() == [b"PING"]
        assert reader.annotation == b"TS:1"
        assert reader.next() == [b"INCR", b"n"]
        assert reader.next() is None

    def test_is_lenient_where_redis_is(self, reading):
        assert every(reading(b"*1x\n$4 yes\nPING??")) == [[b"PING"]]


class TestDamage:
    @pytest.mark.parametrize(
        "data",
        [
            b"x",
            b"*0\r\n",
            b"*-1\r\n",
            b"*x\r\n",
            b"PING\r\n",
            b"\0\0\0\0",
            b"*1\r\n+OK\r\n",
            b"*1\r\n$-1\r\n",
            b"*" + b"1" * 200,
        ],
    )
    def test_what_is_no_command(self, reading, data):
        good = encoded("PING")
        reader = reading(good + data)
        assert reader.next() == [b"PING"]
        with pytest.raises(BadFormat) as error:
            reader.next()
        assert reader.offset == len(good) <= error.value.offset

    def test_every_cut_is_an_unexpected_end(self, reading):
        data = encoded("SET", "key", "x" * 12)
        for length in range(1, len(data)):
            with pytest.raises(UnexpectedEnd):
                reading(data[:length]).next()

    @pytest.mark.parametrize("length", [10**6, 10**12, 10**30])
    def test_a_length_beyond_the_file_costs_nothing(self, reading, length):
        with pytest.raises(UnexpectedEnd):
            reading(b"*1\r\n$%d\r\nabc" % length).next()

    def test_a_count_beyond_the_file_costs_nothing(self, reading):
        with pytest.raises(UnexpectedEnd):
            reading(b"*1000000000\r\n" + b"$1\r\nx\r\n" * 10).next()

    @pytest.mark.parametrize("seed", range(200))
    def test_random_damage_ends_in_an_error_or_in_commands(self, reading, seed):
        draw = random.Random(seed)
        data = bytearray(b"".join(encoded("SET", f"k{i}", "v" * draw.randrange(40)) for i in range(50)))
        for _ in range(draw.randrange(1, 4)):
            data[draw.randrange(len(data))] = draw.choice(b"\0\r\n*$#0123456789abc\xff")
        with suppress(BadFormat, UnexpectedEnd):
            assert all(isinstance(word, bytes) for argv in every(reading(bytes(data))) for word in argv)
