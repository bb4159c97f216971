"""cjson, cmsgpack, struct and bit with random arguments: what a real server's give, errors too."""

import random

import pytest

from tests.fuzz.libraries import CALLS, LibraryCalls
from tests.unit.types.against_redis import Ours, Real

FLUSHED = 50  # scripts between two SCRIPT FLUSHes, which put cjson's settings back


def compare(served, real_server, seed: int, scripts: int) -> None:
    """Runs the same scripts on both."""
    maker = LibraryCalls(random.Random(seed))
    ours, real = Ours(served), Real(real_server)
    try:
        for number in range(scripts):
            if number % FLUSHED == 0:
                assert ours.run([b"SCRIPT", b"FLUSH"]) == real.run([b"SCRIPT", b"FLUSH"])
            script = maker.script()
            argv = [b"EVAL", script, b"0"]
            (_, mine), (_, theirs) = ours.run(argv), real.run(argv)
            calls = script.decode("latin-1").splitlines()[-CALLS - 1 : -1]
            for call, found, expected in zip(calls, mine, theirs, strict=True):
                assert found == expected, f"seed {seed}, script {number}: {call}"
    finally:
        real.run([b"SCRIPT", b"FLUSH"])
        real.close()


def test_as_redis(served, real_server):
    compare(served, real_server, seed=1, scripts=100)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_twenty_thousand_as_redis(served, real_server):
    for seed in range(100, 120):
        compare(served, real_server, seed, scripts=1000)
