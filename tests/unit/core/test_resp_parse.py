"""The request parser: any chunking of any pipeline gives the same requests at linear cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redracer.core.errors import ProtocolError
from redracer.core.resp_parse import RequestParser, requests, requests_with_ends, split_words

LARGE = 32768  # bytes from which an argument is read in place
LINE_LIMIT = 65536  # bytes of a header or an inline request
HEADER = 64  # more bytes than any header of these tests has


def encoded(argv):
    return b"*%d\r\n" % len(argv) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in argv)


class Feeder:
    """Presents bytes to a parser as a connection does, and counts what that costs."""

    def __init__(self, **options):
        self.parser = RequestParser(**options)
        self.unread = b""
        self.found = []
        self.presented = 0
        self.calls = 0

    def feed(self, data):
        self.unread += data
        self.presented += len(self.unread)
        self.calls += 1
        found, used = requests(self.parser, self.unread)
        self.unread = self.unread[used:]
        self.found += found
        return found


def feed_in_chunks(data, sizes, **options):
    """A feeder that got the data in chunks of the sizes given, round and round."""
    feeder = Feeder(**options)
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        feeder.feed(data[at : at + size])
        at += size
        turn += 1
    return feeder


def breach(data, sizes=(1 << 30,), **options):
    """The text of the protocol error that the data ends with."""
    with pytest.raises(ProtocolError) as caught:
        feed_in_chunks(data, sizes, **options)
    return caught.value.text.decode("latin-1").removeprefix("ERR Protocol error: ")


arguments = st.one_of(
    st.binary(max_size=30),
    st.binary(min_size=95, max_size=105),
    st.integers(0, 20000).map(lambda size: b"x" * size),
    st.sampled_from([LARGE - 1, LARGE, LARGE + 1, 9999, 10000]).map(lambda size: b"y" * size),
    st.sampled_from([b"", b"\r\n", b"*1\r\n", b"$4\r\nPING\r\n", b"\x00"]),
)
vectors = st.lists(arguments, min_size=1, max_size=8)
chunk_sizes = st.lists(st.sampled_from([1, 2, 3, 7, 50, 1000, 40000, 1 << 20]), min_size=1, max_size=6)


class TestChunking:
    @given(st.lists(vectors, max_size=6), chunk_sizes)
    def test_any_chunking_gives_the_same_requests(self, pipeline, sizes):
        data = b"".join(map(encoded, pipeline))
        if len(data) > 30000:
            sizes = [size + 500 for size in sizes]
        feeder = feed_in_chunks(data, sizes)
        assert feeder.found == pipeline
        assert feeder.unread == b"" and feeder.parser.held_bytes == 0

    @given(st.lists(st.one_of(vectors, st.just([])), max_size=6), st.data())
    def test_inline_requests_and_arrays_mix(self, pipeline, data):
        parts = []
        for argv in pipeline:
            fits = all(word.isalnum() for word in argv) and sum(map(len, argv)) < LINE_LIMIT // 2
            if not argv or (fits and data.draw(st.booleans())):
                parts.append(b" ".join(argv) + data.draw(st.sampled_from([b"\r\n", b"\n"])))
            else:
                parts.append(encoded(argv))
        feeder = feed_in_chunks(b"".join(parts), data.draw(st.sampled_from([[1000], [30000, 1, 2]])))
        assert feeder.found == [argv for argv in pipeline if argv]

    @pytest.mark.parametrize("options", [{}, {"restricted": True}, {"maximum_bulk": 9999}])
    @given(
        pipeline=st.lists(st.lists(st.binary(max_size=20), min_size=1, max_size=10), max_size=5),
        size=st.integers(1, 40),
    )
    def test_the_way_of_whole_requests_and_the_way_of_parts_agree(self, options, pipeline, size):
        """A restricted parser, or one with a low limit, never takes the short way."""
        data = b"".join(map(encoded, pipeline))
        assert feed_in_chunks(data, [size], **options).found == pipeline
        assert feed_in_chunks(data, [len(data) + 1], **options).found == pipeline

    def test_every_single_cut(self):
        pipeline = [[b"SET", b"key", b"v" * 12], [b"GET", b""], [b"PING"]]
        data = b"".join(map(encoded, pipeline)) + b"ECHO 'a b'\r\n"
        for cut in range(len(data)):
            feeder = Feeder()
            feeder.feed(data[:cut])
            feeder.feed(data[cut:])
            assert feeder.found == [*pipeline, [b"ECHO", b"a b"]]

    def test_the_longest_way_of_whole_requests(self):
        for count in (255, 256, 257, 9999):
            argv = [b"%d" % i for i in range(count)]
            assert feed_in_chunks(encoded(argv), [1 << 20]).found == [argv]


class TestCost:
    def test_small_arguments_are_presented_about_once(self):
        data = encoded([b"MSET"] + [b"x" * 20] * 20_000) + encoded([b"GET", b"y" * 20]) * 5000
        for size in (1, 7, 100, 5000):
            feeder = feed_in_chunks(data[: size * 60_000], [size])
            assert feeder.presented <= len(data) + feeder.calls * (20 + HEADER)

    def test_large_arguments_are_presented_about_once(self):
        data = encoded([b"SET", b"key", b"z" * 3_000_000])
        feeder = feed_in_chunks(data, [1000])
        assert len(feeder.found[0][2]) == 3_000_000
        assert feeder.presented <= len(data) + feeder.calls * HEADER

    def test_an_argument_that_is_not_large_waits_for_its_end(self):
        feeder = feed_in_chunks(encoded([b"SET", b"key", b"z" * (LARGE - 1)])[:-1], [LARGE // 4])
        assert feeder.found == [] and len(feeder.unread) == LARGE
        assert feeder.presented <= 5 * LARGE

    def test_nothing_is_set_aside_for_a_count_before_its_arguments_come(self):
        feeder = Feeder()
        feeder.feed(b"*2147483647\r\n$4\r\nPING\r\n")
        assert feeder.parser.held_bytes == 4 and feeder.parser.reading == [b"PING"]

    @given(st.lists(arguments, min_size=1, max_size=20), st.integers(1, 20))
    def test_the_bytes_held_are_those_of_the_arguments_read(self, argv, missing):
        feeder = feed_in_chunks(encoded(argv)[:-missing], [10_000])
        reading = sum(map(len, feeder.parser.reading or []))
        large = feeder.parser.held_bytes - reading
        assert large == 0 or (large >= LARGE and large in {len(word) for word in argv})


class TestBreaches:
    @pytest.mark.parametrize("sizes", [(1 << 30,), (1,)])
    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
            (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "expected '$', got 'f'"),
            (b"*1\r\n*1\r\n", "expected '$', got '*'"),
            (b"*1\r\n\xff\r\n", "expected '$', got '\xff'"),
            (b"*x\r\n", "invalid multibulk length"),
            (b"*\r\n", "invalid multibulk length"),
            (b"*+1\r\n", "invalid multibulk length"),
            (b"* 1\r\n", "invalid multibulk length"),
            (b"*01\r\n", "invalid multibulk length"),
            (b"*1.0\r\n", "invalid multibulk length"),
            (b"*2147483648\r\n", "invalid multibulk length"),
            (b"*20000000000\r\n", "invalid multibulk length"),
            (b"*99999999999999999999\r\n", "invalid multibulk length"),
            (b"*1\r\n$-1\r\n", "invalid bulk length"),
            (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$-10\r\n", "invalid bulk length"),
            (b"*1\r\n$\r\n", "invalid bulk length"),
            (b"*1\r\n$x\r\n", "invalid bulk length"),
            (b"*1\r\n$+4\r\n", "invalid bulk length"),
            (b"*1\r\n$04\r\n", "invalid bulk length"),
            (b"*1\r\n$4 \r\n", "invalid bulk length"),
            (b"*1\r\n$536870913\r\n", "invalid bulk length"),
            (b"*1\r\n$2000000000\r\n", "invalid bulk length"),
            (b"*1\r\n$99999999999999999999\r\n", "invalid bulk length"),
            (b'set x "unbalanced\r\n', "unbalanced quotes in request"),
            (b"set x 'unbalanced\n", "unbalanced quotes in request"),
            (b'set x "a"b\r\n', "unbalanced quotes in request"),
        ],
    )
    def test_text(self, data, text, sizes):
        assert breach(data, sizes) == text

    @pytest.mark.parametrize(
        ("start", "text"),
        [
            (b"*", "too big mbulk count string"),
            (b"*1\r\n$", "too big bulk count string"),
            (b"", "too big inline request"),
        ],
    )
    def test_an_endless_line(self, start, text):
        assert breach(start + b"1" * (LINE_LIMIT + 1), [4096]) == text
        feeder = feed_in_chunks(start + b"1" * (LINE_LIMIT - 1), [4096])
        assert feeder.found == []

    @given(st.lists(st.sampled_from(list(b"ab \t\0\x0b\r\"'\\"))).map(bytes))
    def test_an_inline_request_is_split_into_its_words(self, line):
        words = split_words(line.removesuffix(b"\r"))
        if words is None:
            assert breach(line + b"\n") == "unbalanced quotes in request"
        else:
            assert feed_in_chunks(line + b"\n", [100]).found == ([words] if words else [])

    def test_a_long_inline_request_that_ends_is_taken(self):
        assert feed_in_chunks(b"ECHO " + b"a" * 70_000 + b"\r\n", [1 << 20]).found == [
            [b"ECHO", b"a" * 70_000]
        ]

    @pytest.mark.parametrize("count", [b"0", b"-1", b"-2147483649"])
    def test_an_empty_array_is_skipped(self, count):
        assert feed_in_chunks(b"*%b\r\n" % count + encoded([b"PING"]), [1]).found == [[b"PING"]]

    def test_requests_before_a_breach_are_found(self):
        feeder = Feeder()
        feeder.feed(encoded([b"PING"]))
        with pytest.raises(ProtocolError):
            feeder.feed(b"*1\r\n!")
            feeder.feed(b"\r\n")
        assert feeder.found == [[b"PING"]]

    def test_what_a_restricted_parser_refuses(self):
        assert breach(b"*11\r\n", restricted=True) == "unauthenticated multibulk length"
        assert breach(b"*1\r\n$16385\r\n", restricted=True) == "unauthenticated bulk length"
        argv = [b"x" * 16384] * 10
        assert feed_in_chunks(encoded(argv), [5000], restricted=True).found == [argv]

    def test_the_limit_of_an_argument(self):
        assert breach(b"*1\r\n$101\r\n", maximum_bulk=100) == "invalid bulk length"
        assert breach(b"*1\r\n$9\r\n", maximum_bulk=8) == "invalid bulk length"
        assert breach(b"*1\r\n$99\r\n", maximum_bulk=98) == "invalid bulk length"
        assert feed_in_chunks(encoded([b"x" * 100]), [9], maximum_bulk=100).found == [[b"x" * 100]]

    @given(st.binary(max_size=200), st.integers(1, 50))
    def test_random_bytes_do_the_same_in_any_chunks(self, data, size):
        """Up to the breach; the errors of long lines depend on where the chunks end, and are not reached here."""

        def outcome(sizes):
            feeder = Feeder()
            try:
                for at in range(0, len(data), sizes):
                    feeder.feed(data[at : at + sizes])
            except ProtocolError as error:
                return error.text
            return feeder.found, feeder.parser.reading or None

        whole, parts = outcome(1 << 20), outcome(size)
        assert whole == parts


class TestInline:
    @pytest.mark.parametrize(
        ("line", "words"),
        [
            (b"", []),
            (b"   ", []),
            (b" PING ", [b"PING"]),
            (b"a\tb\rc\nd", [b"a", b"b", b"c", b"d"]),
            (b"\x0ba\x0c", [b"a\x0c"]),
            (b"a\x00b", [b"a"]),
            (b"\x00", []),
            (b'""', [b""]),
            (b"''", [b""]),
            (b'a "b c" d', [b"a", b"b c", b"d"]),
            (b'"\\n\\r\\t\\b\\a\\q\\\\\\""', [b'\n\r\t\b\aq\\"']),
            (b'"\\x41\\xfF\\x4"', [b"A\xffx4"]),
            (b'"\\xzz"', [b"xzz"]),
            (b"'\\n\\'\\x41'", [b"\\n'\\x41"]),
            (b'foo"bar"', [b"foobar"]),
            (b"foo'bar' x", [b"foobar", b"x"]),
            (b'"a"\x0b', [b"a"]),
            (b'"', None),
            (b"'", None),
            (b'"a', None),
            (b'"a\x00"', None),
            (b'"a"b', None),
            (b"'a'b", None),
            (b'"a\\"', None),
            (b"'a\\'", None),
        ],
    )
    def test_words(self, line, words):
        assert split_words(line) == words

    def test_words_are_those_of_a_real_server(self, real_server):
        """ECHO shows the one word that it was given, and any other number of words is refused."""
        connection = real_server.connection_pool.get_connection()
        for middle in (
            b'"a b"',
            b"'a\\'b'",
            b'"\\x00\\xff"',
            b'x"y"',
            b"a\x0bb",
            b"\x0ca",
            b"''",
            b'"\\q"',
            b"a\\nb",
        ):
            connection._sock.sendall(b"ECHO " + middle + b"\r\n")
            [word] = split_words(middle)
            assert connection.read_response() == word
        real_server.connection_pool.release(connection)

    @given(st.lists(st.binary(), min_size=1))
    def test_quoting_everything_is_undone(self, words):
        line = b" ".join(b'"' + b"".join(b"\\x%02x" % byte for byte in word) + b'"' for word in words)
        assert split_words(line) == words


class TestEnds:
    @given(st.lists(st.lists(arguments, min_size=1, max_size=4), max_size=8), st.integers(1, 200))
    def test_each_request_tells_where_it_ends(self, argvs, size):
        data = b"".join(encoded(argv) + b"\r\n" * (len(argv) % 2) for argv in argvs)
        parser, unread, behind, ends = RequestParser(), b"", 0, []
        for at in range(0, len(data), size):
            unread += data[at : at + size]
            found, used = requests_with_ends(parser, unread)
            ends += [(argv, behind + end) for argv, end in found]
            unread, behind = unread[used:], behind + used
        position = 0
        for argv, (found_argv, end) in zip(argvs, ends, strict=True):
            position = data.index(encoded(argv), position) + len(encoded(argv))
            assert (found_argv, end) == (argv, position)


class TestNames:
    @given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=50))
    def test_a_name_from_the_cache_is_the_name_that_was_sent(self, names):
        data = b"".join(encoded([name]) for name in names)
        assert feed_in_chunks(data, [1 << 20]).found == [[name] for name in names]
        assert feed_in_chunks(data, [3]).found == [[name] for name in names]

    def test_names_that_differ_late_or_in_zeros(self):
        names = [
            b"ABCDEFGH",
            b"ABCDEFGHI",
            b"ABCDEFGHJ",
            b"A",
            b"A\x00",
            b"A\x00\x00",
            b"x" * 24,
            b"x" * 25,
            b"",
        ]
        for _ in range(3):
            found = feed_in_chunks(b"".join(encoded([name]) for name in names), [1 << 20]).found
            assert found == [[name] for name in names]

    def test_equal_names_are_one_object(self):
        [first], [second] = feed_in_chunks(encoded([b"GET"]) * 2, [1 << 20]).found
        assert first is second
