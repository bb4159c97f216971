"""What clients are sent besides replies, over sockets: published messages, events, invalidations, MONITOR's lines."""

import socket

import pytest

from .fronts import EMBEDDED, every_front, not_on

pytestmark = every_front

SUBSCRIBERS = 300
CHANNELS = 20_000
LATE_MESSAGES = 300
LATE_SIZE = 20_000  # bytes of each, below those that are never copied


def test_a_message_to_many(server):
    listeners = [server.connect() for _ in range(SUBSCRIBERS)]
    for listener in listeners:
        listener.request("SUBSCRIBE", "channel")
    assert server.connect().request("PUBLISH", "channel", "hello") == b":%d\r\n" % SUBSCRIBERS
    for listener in listeners:
        assert listener.reply() == b"*3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$5\r\nhello\r\n"


def test_messages_for_one_who_reads_late(server):
    """More than the system's buffers take: what is sent in part goes on where it ended."""
    listener, sender = server.connect(), server.connect()
    listener.request("SUBSCRIBE", "late")
    messages = [b"%d" % number * LATE_SIZE for number in range(10)]
    for number in range(LATE_MESSAGES):
        text = messages[number % 10]
        assert sender.request("PUBLISH", "late", text[: LATE_SIZE - number]) == b":1\r\n"
    for number in range(LATE_MESSAGES):
        text = messages[number % 10][: LATE_SIZE - number]
        head = b"*3\r\n$7\r\nmessage\r\n$4\r\nlate\r\n$%d\r\n" % len(text)
        assert listener.reply() == head + text + b"\r\n"


@not_on(EMBEDDED, "its listener hangs up by its socket")
def test_many_channels_of_one_client(server):
    listener, sender = server.connect(), server.connect()
    listener.request("SUBSCRIBE", "first")
    listener.send(b"".join(b"SUBSCRIBE c%d\r\n" % number for number in range(CHANNELS)))
    for number in range(CHANNELS):
        assert listener.reply().endswith(b":%d\r\n" % (number + 2))
    assert sender.request("PUBSUB", "NUMSUB", "c7").endswith(b":1\r\n")
    listener.socket.shutdown(socket.SHUT_WR)
    assert listener.is_closed() is not False
    assert sender.request("PUBLISH", "c7", "x") == b":0\r\n"


def test_an_expiry_that_nobody_reads_is_told(server):
    listener, cache, writer = server.connect(), server.connect(), server.connect()
    writer.request("CONFIG", "SET", "notify-keyspace-events", "Ex")
    listener.request("SUBSCRIBE", "__keyevent@0__:expired")
    cache.request("HELLO", "3")
    assert cache.request("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "k") == b"+OK\r\n"
    writer.request("SET", "key", "1", "PX", "20")
    assert cache.reply() == b">2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\nkey\r\n"
    assert listener.reply() == b"*3\r\n$7\r\nmessage\r\n$22\r\n__keyevent@0__:expired\r\n$3\r\nkey\r\n"
    assert cache.reply() == b">2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\nkey\r\n"


def test_invalidations_come_before_the_reply_of_the_change(server):
    """Whoever sees that a change was made can be sure that the caches have been told."""
    cache, writer = server.connect(), server.connect()
    cache.request("HELLO", "3")
    cache.request("CLIENT", "TRACKING", "ON")
    for number in range(100):
        cache.request("GET", "key")
        assert writer.request("SET", "key", number) == b"+OK\r\n"
        assert cache.reply().startswith(b">2\r\n$10\r\ninvalidate")


@pytest.mark.parametrize("resp", [2, 3])
def test_monitor(server, resp):
    monitor, other = server.connect(), server.connect()
    monitor.request("HELLO", resp)
    assert monitor.request("MONITOR") == b"+OK\r\n"
    for line in ("MULTI", "SET key value", "EXEC"):
        other.inline(line)
    shown = [monitor.reply().partition(b"] ")[2] for _ in range(3)]
    assert shown == [b'"MULTI"\r\n', b'"SET" "key" "value"\r\n', b'"EXEC"\r\n']
