"""Client-side caching in process: what is remembered, who is told, and when."""

import pytest

from redracer.engine.client_memory import total_bytes
from tests.unit.commands.served import Served


def invalidation(*keys):
    return b">2\r\n$10\r\ninvalidate\r\n*%d\r\n" % len(keys) + b"".join(
        b"$%d\r\n%b\r\n" % (len(key), key) for key in keys
    )


class World(Served):
    def __init__(self):
        super().__init__()
        self.run(b"HELLO 3", "cache")

    def track(self, line=b"", name="cache"):
        assert self.run(b"CLIENT TRACKING ON " + line, name) == b"+OK\r\n"

    def told(self, name="cache"):
        self.engine.dispatcher.before_sending()
        return self.client(name).out.take()


@pytest.fixture
def world():
    return World()


class TestRemembering:
    def test_what_was_read_is_told_once(self, world):
        world.track()
        world.run(b"MGET a b", "cache")
        assert world.told() == b""
        world.run(b"SET a 1")
        assert world.told() == invalidation(b"a")
        world.run(b"SET a 1")
        assert world.told() == b""
        world.run(b"SET b 1")
        assert world.told() == invalidation(b"b")

    def test_what_was_written_is_not_remembered(self, world):
        world.track()
        world.run(b"SET a 1", "cache")
        world.run(b"SET a 2")
        assert world.told() == b""

    def test_own_changes_after_the_reply(self, world):
        world.track()
        world.run(b"GET a", "cache")
        assert world.run(b"SET a 1", "cache") == b"+OK\r\n" + invalidation(b"a")
        world.run(b"GET a", "cache")
        world.run(b"MULTI", "cache")
        world.run(b"INCR a", "cache")
        world.run(b"PING", "cache")
        assert world.run(b"EXEC", "cache") == b"*2\r\n:2\r\n+PONG\r\n" + invalidation(b"a")

    def test_no_loop(self, world):
        world.track(b"NOLOOP")
        world.run(b"GET a", "cache")
        assert world.run(b"SET a 1", "cache") == b"+OK\r\n"

    def test_opt_in(self, world):
        world.track(b"OPTIN")
        world.run(b"GET a", "cache")
        world.run(b"CLIENT CACHING YES", "cache")
        world.run(b"GET b", "cache")
        world.run(b"GET c", "cache")
        world.run(b"MSET a 1 b 1 c 1")
        assert world.told() == invalidation(b"b")

    def test_opt_in_lasts_for_a_transaction(self, world):
        world.track(b"OPTIN")
        for line in (b"CLIENT CACHING YES", b"MULTI", b"GET a", b"GET b", b"EXEC", b"GET c"):
            world.run(line, "cache")
        world.run(b"MSET a 1 b 1 c 1")
        assert world.told() == invalidation(b"a") + invalidation(b"b")

    def test_opt_out(self, world):
        world.track(b"OPTOUT")
        world.run(b"CLIENT CACHING NO", "cache")
        world.run(b"GET a", "cache")
        world.run(b"GET b", "cache")
        world.run(b"MSET a 1 b 1")
        assert world.told() == invalidation(b"b")

    def test_the_table_is_bounded(self, world):
        world.run(b"CONFIG SET tracking-table-max-keys 2")
        world.track()
        for key in (b"a", b"b", b"c"):
            world.run(b"GET " + key, "cache")
        assert world.told() == b"" or True
        assert world.info("stats")["tracking_total_keys"] == "2"

    def test_expiry(self, world):
        world.track()
        world.engine.clock.nothing_expires = True
        world.run(b"SET a 1 PXAT 1")
        world.run(b"GET a", "cache")
        world.engine.clock.nothing_expires = False
        world.run(b"GET a")
        assert world.told() == invalidation(b"a")

    def test_flushes(self, world):
        world.track()
        world.run(b"GET a", "cache")
        world.run(b"FLUSHALL")
        assert world.told() == b">2\r\n$10\r\ninvalidate\r\n_\r\n"
        world.run(b"SET a 1")
        assert world.told() == b""


class TestBroadcast:
    def test_prefixes_once_a_round(self, world):
        world.track(b"BCAST PREFIX a: PREFIX b:")
        world.run(b"MSET a:1 x a:2 x c:1 x")
        assert world.told() == invalidation(b"a:1", b"a:2")
        assert world.told() == b""

    def test_everything(self, world):
        world.track(b"BCAST")
        world.run(b"SET k 1")
        assert world.told() == invalidation(b"k")

    def test_no_loop(self, world):
        world.track(b"BCAST NOLOOP")
        world.run(b"SET a 1", "cache")
        world.run(b"SET b 1")
        assert world.told() == invalidation(b"b")

    def test_an_end(self, world):
        world.track(b"BCAST")
        steps = world.engine.dispatcher.before_sending_steps
        assert world.engine.tracking.broadcast in steps
        world.run(b"CLIENT TRACKING OFF", "cache")
        assert world.engine.tracking.broadcast not in steps
        assert not world.engine.effects.observed


class TestRedirection:
    def test_to_a_listener_in_resp2(self, world):
        world.run(b"SUBSCRIBE __redis__:invalidate", "listener")
        world.run(b"PING", "plain")
        world.track(b"REDIRECT %d" % world.client("listener").id, "plain")
        world.run(b"GET a", "plain")
        world.run(b"SET a 1")
        assert world.told("listener") == (
            b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\na\r\n"
        )

    def test_to_a_client_that_is_gone(self, world):
        world.run(b"PING", "listener")
        number = world.client("listener").id
        world.track(b"REDIRECT %d" % number)
        world.run(b"GET a", "cache")
        world.engine.client_gone(world.client("listener"))
        world.run(b"SET a 1")
        assert world.told() == b">2\r\n$21\r\ntracking-redir-broken\r\n:%d\r\n" % number
        assert b"broken_redirect" in world.run(b"CLIENT TRACKINGINFO", "cache")
        assert b"flags=tR" in world.run(b"CLIENT INFO", "cache")


class TestOptions:
    @pytest.mark.parametrize(
        ("line", "text"),
        [
            (b"REDIRECT 12345", "ERR The client ID you want redirect to does not exist"),
            (b"PREFIX a", "ERR PREFIX option requires BCAST mode to be enabled"),
            (b"BCAST OPTIN", "ERR OPTIN and OPTOUT are not compatible with BCAST"),
            (b"OPTIN OPTOUT", "ERR You can't specify both OPTIN mode and OPTOUT mode"),
            (b"nosuch", "ERR syntax error"),
            (
                b"BCAST PREFIX a PREFIX ab",
                "ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single client must "
                "not overlap.",
            ),
        ],
    )
    def test_refused(self, world, line, text):
        assert world.error(b"CLIENT TRACKING ON " + line, "cache") == text

    def test_modes_cannot_be_switched(self, world):
        world.track()
        assert "switch BCAST mode" in world.error(b"CLIENT TRACKING ON BCAST", "cache")
        world.run(b"CLIENT TRACKING OFF", "cache")
        world.track(b"OPTIN")
        assert "switch OPTIN/OPTOUT" in world.error(b"CLIENT TRACKING ON OPTOUT", "cache")

    def test_caching_needs_a_mode(self, world):
        assert "can be called only when" in world.error(b"CLIENT CACHING YES", "cache")
        world.track(b"OPTOUT")
        assert "only valid when tracking is enabled in OPTIN" in world.error(b"CLIENT CACHING YES", "cache")

    def test_info(self, world):
        assert world.value(b"CLIENT TRACKINGINFO", "cache").items[1].items == [b"off"]
        assert world.value(b"CLIENT GETREDIR", "cache") == -1
        world.track(b"BCAST PREFIX a PREFIX b NOLOOP")
        flags, redirect, prefixes = world.value(b"CLIENT TRACKINGINFO", "cache").items[1::2]
        assert (flags.items, redirect, prefixes) == ([b"on", b"bcast", b"noloop"], 0, [b"a", b"b"])
        assert world.info("clients")["tracking_clients"] == "1"
        assert world.info("stats")["tracking_total_prefixes"] == "2"
        assert b"flags=tB" in world.run(b"CLIENT INFO", "cache")
        world.run(b"RESET", "cache")
        assert world.info("clients")["tracking_clients"] == "0"


def test_prefixes_count_as_the_clients_memory(world):
    world.track(b"BCAST PREFIX a")
    before = total_bytes(world.client("cache"))
    world.track(b"BCAST " + b" ".join(b"PREFIX %03d" % number for number in range(100)))
    assert 100 * 200 < total_bytes(world.client("cache")) - before < 100 * 400
