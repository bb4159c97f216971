"""The reactor over socket pairs, with an executor that only writes down what it is given."""

import random
import socket
from contextlib import suppress

import pytest

from redracer.core.resp_parse import RequestParser
from redracer.core.session import BLOCKED, CLOSE_AFTER_REPLY, Executor, Session
from redracer.net.reactor import Reactor

TURN_SIZE = 262144  # bytes parsed of one client in a round
BATCH = 64  # requests parsed before they are executed
LARGE = 32768  # bytes from which an argument is read in place


def encoded(*argv):
    return b"*%d\r\n" % len(argv) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in argv)


def bulk(value):
    return b"$%d\r\n%b\r\n" % (len(value), value)


class Recorder(Executor):
    """Executes ECHO (replies), BLOCK (until told otherwise), RETRY (once), FREE i (resumes client i), BAD (an
    exception), REPEAT n (a reply of n bytes); writes down everything."""

    def __init__(self):
        self.executed = []
        self.sessions = []
        self.gone = []
        self.refused = []
        self.exceeded = []
        self.retried = set()

    def resolve(self, argv):
        return argv[0]

    def execute(self, session, command, argv):
        who = self.sessions.index(session)
        self.executed.append((who, argv))
        if command == b"BLOCK":
            session.state |= BLOCKED
        elif command == b"RETRY" and argv[1] not in self.retried:
            self.retried.add(argv[1])
            session.state |= BLOCKED
            session.retry = True
        elif command == b"FREE":
            self.sessions[int(argv[1])].transport.resume()
        elif command == b"BAD":
            session.out.write([b"half", object()], 2)
        elif command == b"CLOSE":
            self.sessions[int(argv[1])].transport.close()
        elif command == b"REPEAT":
            session.out.write(b"r" * int(argv[1]), 2)
        else:
            session.out.write(argv[-1], 2)

    def refuse(self, session, text):
        self.refused.append(text)
        session.out.write_encoded(b"-" + text + b"\r\n")
        session.state |= CLOSE_AFTER_REPLY

    def check_output(self, session):
        self.exceeded.append(session)

    def query_exceeded(self, session):
        self.exceeded.append(session)

    def closed(self, session):
        self.gone.append(self.sessions.index(session))


class World:
    """A reactor with clients; `peers` are the other ends."""

    def __init__(self, clients, **options):
        self.executor = Recorder()
        self.reactor = Reactor(self.executor)
        self.peers = []
        self.connections = []
        for _ in range(clients):
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            theirs.setblocking(False)
            connection = self.reactor.add_connection(theirs.detach())
            connection.session = Session(RequestParser(**options), connection)
            self.executor.sessions.append(connection.session)
            self.connections.append(connection)
            self.peers.append(ours)

    def rounds(self, count=1):
        for _ in range(count):
            self.reactor.poll(0)

    def read(self, who):
        data = b""
        try:
            while piece := self.peers[who].recv(1 << 20):
                data += piece
        except (BlockingIOError, ConnectionResetError):
            pass
        return data

    def exchange(self, who, data):
        """Sends everything and reads until nothing comes; returns what came."""
        peer = self.peers[who]
        received = b""
        at = 0
        quiet = 0
        while at < len(data) or quiet < 3:
            try:
                at += peer.send(data[at:])
            except BlockingIOError:
                pass
            except BrokenPipeError:
                at = len(data)
            self.rounds()
            came = self.read(who)
            received += came
            quiet = 0 if came else quiet + 1
        return received

    def words(self, who=None):
        return [argv[-1] for number, argv in self.executor.executed if who in (None, number)]


@pytest.fixture
def world():
    return World(3)


class TestOrder:
    def test_requests_behind_a_wait_wait(self, world):
        world.peers[0].send(encoded(b"BLOCK", b"1") + encoded(b"ECHO", b"2") + encoded(b"ECHO", b"3")[:-3])
        world.rounds(2)
        world.peers[0].send(encoded(b"ECHO", b"3")[-3:] + encoded(b"ECHO", b"4"))
        world.rounds(2)
        assert world.words() == [b"1"]
        world.peers[1].send(encoded(b"FREE", b"0"))
        world.rounds(2)
        assert world.words(0) == [b"1", b"2", b"3", b"4"]
        assert world.read(0) == bulk(b"2") + bulk(b"3") + bulk(b"4")

    def test_what_arrives_in_the_round_of_the_resumption_comes_last(self, world):
        """The resumed client's next bytes are read in the same round, after the client that resumes it."""
        world.peers[2].send(encoded(b"BLOCK", b"1") + encoded(b"ECHO", b"2"))
        world.rounds(2)
        world.peers[0].send(encoded(b"FREE", b"2"))
        world.peers[2].send(encoded(b"ECHO", b"3"))
        world.rounds(3)
        assert world.words(2) == [b"1", b"2", b"3"]

    def test_a_request_to_be_retried_is_retried_first(self, world):
        world.peers[0].send(encoded(b"RETRY", b"1") + encoded(b"RETRY", b"2") + encoded(b"ECHO", b"3"))
        world.rounds(2)
        for _ in range(2):
            world.peers[1].send(encoded(b"FREE", b"0"))
            world.rounds(3)
        assert world.words(0) == [b"1", b"1", b"2", b"2", b"3"]

    def test_a_long_backlog_stays_in_order_and_leaves_room_for_others(self, world):
        """Each round parses TURN_SIZE bytes of it at most, and everyone else is served in between."""
        numbers = [b"%06d" % i for i in range(60_000)]
        backlog = b"".join(encoded(b"ECHO", number) for number in numbers)
        world.exchange(0, encoded(b"BLOCK", b"first") + backlog)
        assert world.words(0) == [b"first"] and world.connections[0].session.query_bytes > 4 * TURN_SIZE
        world.peers[1].send(encoded(b"FREE", b"0"))
        world.rounds()
        most = 0
        while len(world.words(0)) <= len(numbers):
            before = len(world.executor.executed)
            world.peers[1].send(encoded(b"ECHO", b"other"))
            world.rounds()
            world.read(0)
            assert world.read(1).endswith(bulk(b"other"))
            most = max(most, len(world.executor.executed) - before)
        assert world.words(0)[1:] == numbers
        assert most <= TURN_SIZE // len(encoded(b"ECHO", b"000000")) + BATCH + 3

    def test_an_endless_pipeline_does_not_starve_others(self, world):
        request = encoded(b"ECHO", b"endless")
        for i in range(50):
            for who in (0, 1):  # both keep their sockets full
                try:
                    while True:
                        world.peers[who].send(request * 1000)
                except BlockingIOError:
                    pass
            world.peers[2].send(encoded(b"ECHO", b"%d" % i))
            world.rounds(1)
            assert world.read(2) == bulk(b"%d" % i)
            world.read(0), world.read(1)


class TestLists:
    def test_an_argument_list_that_someone_keeps_is_not_used_again(self, world):
        """Lists of finished requests are reused, but only when nobody else holds them."""
        rng = random.Random(1)
        kept = []
        copies = []

        class Keeper(Recorder):
            def execute(self, session, command, argv):
                assert len(argv) == int(argv[1])
                assert argv == [b"ECHO", argv[1], *[argv[1] + b"-%d" % i for i in range(2, len(argv))]]
                if rng.random() < 0.3:
                    kept.append(argv)
                    copies.append(list(argv))
                if rng.random() < 0.1:
                    argv.pop()
                session.out.write(1, 2)

        world.reactor.executor = Keeper()
        for _ in range(60):
            requests = b""
            for _ in range(rng.randrange(1, 200)):
                count = b"%d" % rng.randrange(2, 7)
                requests += encoded(b"ECHO", count, *[count + b"-%d" % i for i in range(2, int(count))])
            world.exchange(rng.randrange(3), requests)
            if len(kept) > 300:
                for argv, copy in zip(kept, copies, strict=True):
                    assert argv == copy or argv == copy[:-1]
                assert len({id(argv) for argv in kept}) == len(kept)
                del kept[:150], copies[:150]
        assert kept

    def test_arguments_are_given_up_with_their_request(self, world):
        """No argument outlives its request in a list kept for reuse."""
        import sys

        held = []

        class Holder(Recorder):
            def execute(self, session, command, argv):
                held.append(argv[-1])

        world.reactor.executor = Holder()
        world.exchange(0, encoded(b"ECHO", b"some value of its own") * 3)
        assert len(held) == 3
        value = held.pop()
        assert sys.getrefcount(value) == 2


class TestLargeArguments:
    def test_they_are_read_in_place(self, world):
        value = random.Random(2).randbytes(5_000_000)
        data = encoded(b"ECHO", value)
        peer, connection = world.peers[0], world.connections[0]
        at = 0
        while at < len(data) - 1000:
            at += peer.send(data[at : at + 50_000])
            world.rounds()
            assert connection.held_bytes <= 2 * LARGE + 4096
        assert connection.session.parser.held_bytes == len(value) + 4
        assert connection.held_bytes == 0
        reply = world.exchange(0, data[at:])
        assert reply == bulk(value)
        assert world.connections[0].held_bytes == 0 and connection.session.parser.held_bytes == 0

    @pytest.mark.parametrize("missing", [0, 1, 2, 3])
    def test_they_may_end_anywhere(self, world, missing):
        value = b"v" * 100_000
        data = encoded(b"ECHO", value) + encoded(b"ECHO", b"next")
        cut = len(encoded(b"ECHO", value)) - missing
        assert world.exchange(0, data[:cut]) == (b"" if missing else bulk(value))
        assert world.exchange(0, data[cut:]) == (bulk(value) if missing else b"") + bulk(b"next")

    def test_one_that_no_memory_holds_closes_its_client_only(self):
        world = World(2, maximum_bulk=1 << 60)
        world.exchange(0, b"*2\r\n$4\r\nECHO\r\n$%d\r\nabc" % (1 << 58))
        assert world.executor.gone == [0]
        assert world.exchange(1, encoded(b"ECHO", b"alive")) == bulk(b"alive")


class TestSending:
    @pytest.mark.parametrize("seed", range(6))
    def test_partial_writes_lose_and_double_nothing(self, seed):
        """Small and large replies through a small socket, read in random pieces."""
        world = World(1)
        rng = random.Random(seed)
        peer, session = world.peers[0], world.connections[0].session
        sizes = (0, 5, 100, 3000, LARGE - 1, LARGE, 200_000)
        received = expected = b""
        for _ in range(120):
            if len(session.out) < 2_000_000:
                for _ in range(rng.randrange(4)):
                    value = rng.randbytes(rng.choice(sizes))
                    session.out.write(value, 2)
                    expected += bulk(value)
            world.connections[0].wake()
            world.rounds()
            with suppress(BlockingIOError):
                received += peer.recv(rng.choice((1, 1000, 300_000)))
            assert len(session.out) >= len(expected) - len(received) - 1_000_000
        received += world.exchange(0, b"")
        assert received == expected
        assert session.out.allocated == 0

    def test_what_was_sent_is_given_back_though_something_is_always_pending(self):
        """A buffer that never runs empty, with a large value in it at any time, must not grow."""
        world = World(1)
        session = world.connections[0].session
        large = b"x" * LARGE
        total = 0
        for _ in range(400):
            for _ in range(20):
                session.out.write(b"small" * 40, 2)
            session.out.write(large, 2)
            world.connections[0].wake()
            world.rounds()
            while len(session.out) > 300_000:
                total += len(world.read(0))
                world.rounds()
            assert session.out.allocated - (len(session.out) // LARGE + 1) * LARGE < 1 << 20
        assert total > 10_000_000

    def test_one_round_sends_a_bounded_amount(self, world):
        """A peer that reads as fast as it is sent to keeps nobody waiting: bytes per round are bounded."""
        world.peers[0].send(encoded(b"REPEAT", b"50000000"))
        world.rounds()
        most = received = 0
        while received < 50_000_000:
            came = len(world.read(0))
            received += came
            most = max(most, came)
            world.rounds()
        assert most <= 3 << 20

    def test_a_source_is_asked_for_more_whenever_everything_is_sent(self, world):
        pieces = [b"%08d" % number * 20_000 for number in range(40)]
        session = world.connections[0].session
        waiting = list(pieces)

        def more():
            if not waiting:
                return False
            session.out.write_encoded(waiting.pop(0))
            return True

        session.source = more
        world.connections[0].wake()
        received = b""
        while len(received) < sum(map(len, pieces)):
            world.rounds()
            received += world.read(0)
        assert received == b"".join(pieces)
        waiting.append(b"last")
        world.connections[0].wake()
        world.rounds()
        assert world.read(0) == b"last"

    def test_the_output_limit_is_seen_for_what_was_not_asked_for(self, world):
        session = world.connections[0].session
        session.output_limit = 1_000_000
        session.out.write(b"p" * 5_000_000, 2)
        world.connections[0].wake()
        world.rounds()
        assert world.executor.exceeded == [session]

    def test_output_that_was_over_the_limit_is_looked_at_when_it_has_left(self, world):
        session = world.connections[0].session
        session.over_limit = True
        session.out.write(b"all", 2)
        world.connections[0].wake()
        world.rounds()
        assert world.read(0) == bulk(b"all")
        assert world.executor.exceeded == [session]

    def test_a_peer_that_has_sent_its_last_byte_gets_its_replies(self, world):
        world.peers[0].send(encoded(b"REPEAT", b"3000000") + encoded(b"ECHO", b"last"))
        world.peers[0].shutdown(socket.SHUT_WR)
        data = b""
        for _ in range(1000):
            world.rounds()
            data += world.read(0)
            if world.executor.gone:
                break
        data += world.read(0)
        assert data == bulk(b"r" * 3_000_000) + bulk(b"last")
        assert world.reactor.connection_count == 2

    @pytest.mark.parametrize("request_", [encoded(b"BLOCK", b"1"), b"*1\r\n$4\r\nEC", encoded(b"ECHO", b"x")])
    def test_a_peer_that_ends_is_forgotten(self, world, request_):
        world.peers[0].send(request_)
        world.rounds()
        world.peers[0].close()
        world.rounds(3)
        assert world.executor.gone == [0] and world.connections[0].descriptor == -1

    def test_a_peer_that_ends_without_reading_is_forgotten(self, world):
        world.peers[0].send(encoded(b"REPEAT", b"3000000"))
        world.peers[0].shutdown(socket.SHUT_WR)
        world.rounds(5)
        assert world.executor.gone == []
        world.peers[0].close()
        world.rounds(3)
        assert world.executor.gone == [0]


class TestFailures:
    def test_an_exception_closes_its_client_and_nothing_else(self, world):
        world.peers[0].send(encoded(b"ECHO", b"a") + encoded(b"BAD") + encoded(b"ECHO", b"never"))
        world.peers[1].send(encoded(b"ECHO", b"b"))
        world.rounds(3)
        assert world.executor.gone == [0]
        assert b"half" not in world.read(0)
        assert world.read(1) == bulk(b"b")
        assert b"never" not in world.words()

    def test_a_client_closed_by_another_in_the_same_batch_executes_nothing_more(self, world):
        world.peers[0].send(encoded(b"CLOSE", b"1"))
        world.peers[1].send(encoded(b"ECHO", b"never"))
        world.rounds(3)
        assert world.executor.gone == [1] and world.words() == [b"1"]

    def test_a_breach_is_refused_after_what_came_before(self, world):
        world.peers[0].send(encoded(b"ECHO", b"before") + b"*1\r\n!\r\n" + encoded(b"ECHO", b"after"))
        world.rounds(3)
        assert world.read(0) == bulk(b"before") + b"-ERR Protocol error: expected '$', got '!'\r\n"
        assert world.executor.gone == [0]

    def test_the_query_limit(self, world):
        world.reactor.query_limit = 100_000
        world.exchange(0, encoded(b"BLOCK") + b"x" * 200_000)
        assert world.executor.gone == [0] and len(world.executor.exceeded) == 1

    def test_closed_connections_leave_no_cycles(self):
        """The server runs without the cyclic collector."""
        import gc
        import weakref

        class Watched(Session):
            pass

        world = World(0)
        gc.disable()
        try:
            ours, theirs = socket.socketpair()
            theirs.setblocking(False)
            connection = world.reactor.add_connection(theirs.detach())
            connection.session = Watched(RequestParser(), connection)
            world.executor.sessions.append(connection.session)
            ours.send(encoded(b"ECHO", b"x"))
            world.rounds()
            ours.close()
            world.rounds(2)
            session = weakref.ref(connection.session)
            del connection
            world.executor.sessions.clear()
            world.executor.executed.clear()
            assert session() is None
        finally:
            gc.enable()
