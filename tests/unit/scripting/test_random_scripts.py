"""Random scripts and random arguments of the libraries: whatever they do, the next script runs."""

import random

import pytest

from tests.fuzz.scripts import ScriptMaker

from .conftest import Scripted


def run(seed: int, scripts: int) -> None:
    source = random.Random(seed)
    maker = ScriptMaker(source)
    served = Scripted(script_memory_limit=4 << 20)
    for number in range(scripts):
        served.run([b"EVAL", maker.script(), b"1", b"k", source.randbytes(source.randrange(40))])
        if number % 20 == 0:
            served.run([b"FUNCTION", b"LOAD", b"REPLACE", maker.library()])
            served.run([b"FCALL", source.choice((b"f0", b"g1")), b"1", b"k", b"x"])
        if number % 100 == 0:
            served.run(b"SCRIPT FLUSH" if source.random() < 0.2 else b"FLUSHALL")
            assert served.run([b"EVAL", b"return 'alive'", b"0"]) == b"$5\r\nalive\r\n", seed
        served.fed.clear()


@pytest.mark.parametrize("seed", range(2))
def test_random_scripts(seed: int) -> None:
    run(seed, 1500)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_million_random_scripts() -> None:
    for seed in range(100, 200):
        run(seed, 10_000)
        print(f"{(seed - 99) * 10_000} random scripts", flush=True)
