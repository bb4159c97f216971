"""The limits of a client's output: what is certain to be over the hard one is not even made."""

import pytest

from tests.unit.commands.served import Served


@pytest.fixture
def served():
    served = Served()
    served.run(b"HSET hash field value")
    served.run(b"SADD set member")
    served.run(b"ZADD zset 1 member")
    return served


DRAWS = [b"HRANDFIELD hash ", b"SRANDMEMBER set ", b"ZRANDMEMBER zset "]


@pytest.mark.parametrize("line", DRAWS)
def test_a_huge_number_of_random_elements_closes_the_client(served, line):
    served.run([b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 1000000 0 0"])
    assert served.run(line + b"-9223372036854775807", "greedy") == b""
    assert not served.is_open("greedy")
    assert served.engine.statistics.output_limit_disconnections == 1


@pytest.mark.parametrize("line", DRAWS)
def test_what_may_be_within_the_limit_is_told(served, line):
    served.run([b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 100000 0 0"])
    assert served.run(line + b"-1000").startswith(b"*1000\r\n")
    assert served.run(line + b"9223372036854775807").startswith(b"*1\r\n")
    assert served.is_open()


@pytest.mark.parametrize("line", DRAWS)
def test_without_a_limit_any_number_is_told(served, line):
    assert served.run(line + b"-20000").startswith(b"*20000\r\n")


def test_the_time_over_the_soft_limit_ends_when_the_output_has_left(served):
    served.run([b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 0 1000 2"])
    client, limits, clock = served.client("slow"), served.engine.output_limits, served.engine.clock
    start = clock.now

    def over_limit_at(seconds, pending):
        clock.set_time(start + seconds * 1000)
        client.out.write_encoded(b"x" * pending)
        limits.check(client)
        client.out.take()
        return client.over_limit

    assert over_limit_at(1, 1000)
    assert not over_limit_at(2, 999)
    assert over_limit_at(3, 1000)
    assert over_limit_at(5, 1000)
    assert served.is_open("slow")
    over_limit_at(6, 1000)
    assert not served.is_open("slow")
