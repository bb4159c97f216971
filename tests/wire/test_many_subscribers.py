"""Pub/sub with many: subscribers of one channel, channels of one subscriber, and subscribers that do not read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .conftest import ServerProcess, WireClient, encoded
from .test_many_clients import OWN_FILES, Crowd, allow_files, resident_bytes

SUBSCRIBER_LIMIT = 6144  # bytes of resident memory that a connection with a subscription may take
CHANNEL_LIMIT = 800  # bytes that a channel with one subscriber may take
MESSAGES = 10
BATCH = 1000  # SUBSCRIBEs that are sent before their answers are read


def receive(crowd: Crowd, size: int) -> None:
    """Has everyone receive so many bytes."""
    for connection in crowd.sockets.values():
        connection.setblocking(True)
        missing = size
        while missing:
            data = connection.recv(missing)
            assert data, "a subscriber was closed"
            missing -= len(data)
        connection.setblocking(False)


@pytest.mark.parametrize(
    "count", [pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(900)]), 200]
)
def test_subscribers_of_one_channel(
    start_server: Callable[..., ServerProcess], record_property: Callable[[str, object], None], count: int
) -> None:
    """Each gets every message once, and costs little memory."""
    allow_files(count + OWN_FILES)
    server = start_server("--maxclients", str(count + 10))
    publisher = server.connect()
    before = resident_bytes(server.process.pid)
    crowd = Crowd(server.port, count)
    try:
        confirmation = len(b"*3\r\n$9\r\nsubscribe\r\n$7\r\nchannel\r\n:1\r\n")
        crowd.exchange(encoded("SUBSCRIBE", "channel"), confirmation, 1)
        each = (resident_bytes(server.process.pid) - before) / count
        record_property("bytes of resident memory per subscriber", round(each))
        print(f"{each:.0f} bytes of resident memory per subscriber of {count}")
        if count > 1000:
            assert each < SUBSCRIBER_LIMIT
        for number in range(MESSAGES):
            assert publisher.request("PUBLISH", "channel", number) == b":%d\r\n" % count
        receive(crowd, MESSAGES * len(encoded("message", "channel", 0)))
        assert publisher.request("PUBSUB", "NUMSUB", "channel").endswith(b":%d\r\n" % count)
    finally:
        crowd.close()
    while publisher.request("PUBSUB", "CHANNELS") != b"*0\r\n":
        pass  # until the server has seen that they are gone


@pytest.mark.long
def test_a_hundred_thousand_channels(
    start_server: Callable[..., ServerProcess], record_property: Callable[[str, object], None]
) -> None:
    """Of one subscriber: all deliver, cost little memory, and are gone with it."""
    count = 100_000
    server = start_server()
    listener, publisher = server.connect(), server.connect()
    before = resident_bytes(server.process.pid)
    for first in range(0, count, BATCH):
        names = range(first, first + BATCH)
        listener.send(encoded("SUBSCRIBE", *(f"channel:{number:08d}" for number in names)))
        for number in names:
            assert listener.reply().endswith(b":%d\r\n" % (number + 1))
    each = (resident_bytes(server.process.pid) - before) / count
    record_property("bytes of resident memory per channel", round(each))
    print(f"{each:.0f} bytes of resident memory per channel")
    assert each < CHANNEL_LIMIT
    assert publisher.request("PUBSUB", "CHANNELS", "channel:0000004?").startswith(b"*10\r\n")
    for number in range(0, count, 997):
        assert publisher.request("PUBLISH", f"channel:{number:08d}", "x") == b":1\r\n"
        assert listener.reply() == encoded("message", f"channel:{number:08d}", "x")
    listener.close()
    while publisher.request("PUBSUB", "CHANNELS") != b"*0\r\n":
        pass


class TestSubscribersThatDoNotRead:
    MESSAGE = "x" * 10_000

    @pytest.fixture
    def listeners(self, server: ServerProcess) -> Iterator[tuple[WireClient, WireClient]]:
        """One that reads, and one that does not."""
        made = server.connect(), server.connect()
        for listener in made:
            listener.request("SUBSCRIBE", "channel")
        yield made
        made[0].request("UNSUBSCRIBE")

    def publish_until(self, client: WireClient, reader: WireClient, done: Callable[[], bool]) -> None:
        """Publishes until it is done; who reads gets every message."""
        while not done():
            client.request("PUBLISH", "channel", self.MESSAGE)
            assert reader.reply() == encoded("message", "channel", self.MESSAGE)

    @pytest.mark.parametrize("limits", ["pubsub 1mb 0 0", "pubsub 0 100kb 1"])
    def test_are_closed(
        self,
        client: WireClient,
        listeners: tuple[WireClient, WireClient],
        limits: str,
    ) -> None:
        """At the hard limit, or after a second over the soft one; nobody else is."""
        reader, silent = listeners
        client.request("CONFIG", "SET", "client-output-buffer-limit", limits)
        client.request("CONFIG", "RESETSTAT")
        alone = encoded_numsub(1)
        self.publish_until(client, reader, lambda: client.request("PUBSUB", "NUMSUB", "channel") == alone)
        assert b"client_output_buffer_limit_disconnections:1\r\n" in client.request("INFO", "stats")
        assert silent.is_closed()

    def test_are_closed_in_the_middle_of_the_loop_over_all(
        self, server: ServerProcess, client: WireClient
    ) -> None:
        """One message closes several at once: the others get it."""
        silent = [server.connect() for _ in range(20)]
        readers = [server.connect() for _ in range(20)]
        for pair in zip(silent, readers, strict=True):
            for listener in pair:
                listener.request("SUBSCRIBE", "channel")
        client.request("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0")
        message = "x" * 30_000
        while client.request("PUBSUB", "NUMSUB", "channel") != encoded_numsub(20):
            client.request("PUBLISH", "channel", message)
            for reader in readers:
                assert reader.reply() == encoded("message", "channel", message)


def encoded_numsub(count: int) -> bytes:
    return b"*2\r\n$7\r\nchannel\r\n:%d\r\n" % count
