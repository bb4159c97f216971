"""Pub/sub in process: who gets which message, in which form, and what a listener may still do."""

import pytest

from redracer.core.replies import Push
from redracer.core.resp_write import encode_strings
from redracer.engine.effects import TO_LOG, TO_REPLICAS, Feed, for_target
from tests.unit.commands.served import Served


@pytest.fixture
def served():
    return Served()


def message(*parts):
    return encode_strings(b"*", list(parts))


def about(kind, name, count):
    return b"*3\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n:%d\r\n" % (len(kind), kind, len(name), name, count)


class TestListening:
    def test_each_name_is_answered_with_the_count(self, served):
        assert served.run(b"SUBSCRIBE a b a") == (
            about(b"subscribe", b"a", 1) + about(b"subscribe", b"b", 2) + about(b"subscribe", b"a", 2)
        )
        assert served.run(b"PSUBSCRIBE p*") == about(b"psubscribe", b"p*", 3)
        assert served.run(b"SSUBSCRIBE s") == about(b"ssubscribe", b"s", 1)
        assert served.run(b"UNSUBSCRIBE b") == about(b"unsubscribe", b"b", 2)
        assert served.run(b"UNSUBSCRIBE") == about(b"unsubscribe", b"a", 1)
        assert served.run(b"UNSUBSCRIBE") == b"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:1\r\n"

    def test_what_is_unknown_can_be_left(self, served):
        assert served.run(b"PUNSUBSCRIBE x") == about(b"punsubscribe", b"x", 0)
        assert served.run(b"GET k") == b"$-1\r\n"

    def test_resp3_gets_pushes(self, served):
        served.run(b"HELLO 3")
        assert served.run(b"SUBSCRIBE a") == b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
        assert served.run(b"PUBLISH a hi", "other") == b":1\r\n"
        assert served.client().out.take() == b">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"
        assert served.run(b"GET k") == b"_\r\n"

    def test_resp2_allows_little_else(self, served):
        served.run(b"SUBSCRIBE a")
        assert served.error(b"CLIENT ID") == (
            "ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
            "allowed in this context"
        )
        assert served.run(b"PING x") == b"*2\r\n$4\r\npong\r\n$1\r\nx\r\n"
        served.run(b"UNSUBSCRIBE")
        assert served.run(b"PING") == b"+PONG\r\n"

    @pytest.mark.parametrize("end", ["RESET", "gone"])
    def test_ends_with_the_connection(self, served, end):
        for line in (b"SUBSCRIBE a", b"PSUBSCRIBE p", b"SSUBSCRIBE s"):
            served.run(line)
        if end == "RESET":
            assert served.run(b"RESET") == b"+RESET\r\n"
        else:
            served.engine.client_gone(served.client())
        assert served.run(b"PUBLISH a hi", "other") == b":0\r\n"
        pubsub = served.engine.pubsub
        assert not (pubsub.channels.topics or pubsub.patterns.topics or pubsub.shard_channels.topics)
        assert pubsub.client_count == 0


class TestMessages:
    def test_channels_before_patterns(self, served):
        served.run(b"PSUBSCRIBE a? ?b")
        served.run(b"SUBSCRIBE ab")
        assert served.run(b"PUBLISH ab hi", "other") == b":3\r\n"
        assert served.client().out.take() == (
            message(b"message", b"ab", b"hi")
            + message(b"pmessage", b"a?", b"ab", b"hi")
            + message(b"pmessage", b"?b", b"ab", b"hi")
        )

    def test_shard_channels_are_apart(self, served):
        served.run(b"SSUBSCRIBE a")
        assert served.run(b"PUBLISH a hi", "other") == b":0\r\n"
        assert served.run(b"SPUBLISH a hi", "other") == b":1\r\n"
        assert served.client().out.take() == message(b"smessage", b"a", b"hi")

    def test_to_oneself_after_the_reply(self, served):
        served.run(b"HELLO 3")
        served.run(b"SUBSCRIBE a")
        assert served.run(b"PUBLISH a hi") == b":1\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"
        served.run(b"MULTI")
        served.run(b"PUBLISH a hi")
        served.run(b"PING")
        assert served.run(b"EXEC").startswith(b"*2\r\n:1\r\n+PONG\r\n>3\r\n")

    def test_long_messages_are_shared(self, served):
        long = b"x" * 100_000
        for name in ("a", "b"):
            served.run(b"SUBSCRIBE c", name)
        assert served.run([b"PUBLISH", b"c", long]) == b":2\r\n"
        for name in ("a", "b"):
            assert served.client(name).out.take() == message(b"message", b"c", long)

    def test_a_listener_that_reads_nothing_is_closed(self, served):
        served.run(b"CONFIG SET client-output-buffer-limit", "other")
        served.run([b"CONFIG", b"SET", b"client-output-buffer-limit", b"pubsub 1000 0 0"], "other")
        served.run(b"SUBSCRIBE c")
        for _ in range(100):
            served.run([b"PUBLISH", b"c", b"x" * 100], "other")
        assert not served.is_open()
        assert served.run(b"PUBLISH c x", "other") == b":0\r\n"

    def test_replicas_alone_are_told(self, served):
        class Target(Feed):
            def __init__(self, target):
                self.target = target
                self.units = []

            def feed(self, units):
                self.units += for_target(units, self.target)

        replicas, file = Target(TO_REPLICAS), Target(TO_LOG)
        served.engine.effects.add_feed(replicas)
        served.engine.effects.add_feed(file)
        served.run(b"PUBLISH a hi")
        served.run(b"MULTI")
        served.run(b"SPUBLISH a hi")
        served.run(b"SET k 1")
        served.run(b"EXEC")
        change = (0, [b"SET", b"k", b"1"])
        assert replicas.units == [(0, [b"PUBLISH", b"a", b"hi"]), (0, [b"SPUBLISH", b"a", b"hi"]), change]
        assert file.units == [change]

    def test_messages_come_though_replies_are_off(self, served):
        served.run(b"HELLO 3")
        served.run(b"CLIENT REPLY OFF")
        assert served.run(b"SUBSCRIBE a").startswith(b">3\r\n")
        served.run(b"PUBLISH a hi", "other")
        assert served.client().out.take().startswith(b">3\r\n$7\r\nmessage")
        assert served.run(b"PING") == b""

    def test_in_a_transaction(self, served):
        served.run(b"MULTI")
        served.run(b"SUBSCRIBE a")
        served.run(b"SSUBSCRIBE s")
        assert served.run(b"EXEC") == (
            b"*2\r\n"
            + about(b"subscribe", b"a", 1)
            + b"-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n"
        )


class TestLooking:
    def test_pubsub(self, served):
        served.run(b"SUBSCRIBE a b", "one")
        served.run(b"SUBSCRIBE a", "two")
        served.run(b"PSUBSCRIBE p* q*", "two")
        served.run(b"SSUBSCRIBE s", "two")
        assert sorted(served.value(b"PUBSUB CHANNELS")) == [b"a", b"b"]
        assert served.value(b"PUBSUB CHANNELS a*") == [b"a"]
        assert served.value(b"PUBSUB NUMSUB a b c") == [b"a", 2, b"b", 1, b"c", 0]
        assert served.value(b"PUBSUB NUMSUB") == []
        assert served.value(b"PUBSUB NUMPAT") == 2
        assert served.value(b"PUBSUB SHARDCHANNELS") == [b"s"]
        assert served.value(b"PUBSUB SHARDNUMSUB s a") == [b"s", 1, b"a", 0]
        fields = served.info("stats")
        assert (fields["pubsub_channels"], fields["pubsub_patterns"], fields["pubsubshard_channels"]) == (
            "2",
            "2",
            "1",
        )
        assert served.info("clients")["pubsub_clients"] == "2"

    def test_client_list(self, served):
        served.run(b"SUBSCRIBE a b", "one")
        served.run(b"PSUBSCRIBE p", "one")
        line = served.text(b"CLIENT LIST TYPE PUBSUB")
        fields = dict(field.split("=", 1) for field in line.split())
        assert (fields["sub"], fields["psub"], fields["ssub"], fields["flags"]) == ("2", "1", "0", "P")

    def test_values_for_the_embedded_store(self, served):
        assert served.value(b"SUBSCRIBE a").items == [Push([b"subscribe", b"a", 1])]
