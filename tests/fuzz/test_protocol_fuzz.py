"""A short run of the fuzz driver, in a process of its own; `make fuzz` is the long one."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from redracer.core.replies import Attributed, Map, Push, Set, Verbatim
from redracer.core.resp_write import ReplyBuffer
from tests.fuzz.replies import Malformed, ReplyStream

INPUTS = 60_000
SEED = 20  # any number will do


def test_random_and_mutated_inputs():
    command = [sys.executable, "-m", "tests.fuzz", "--inputs", str(INPUTS), "--seed", str(SEED)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-5000:]
    assert " 0 failures" in run.stdout


@pytest.mark.parametrize(
    "data",
    [
        b"x\r\n",
        b":1a\r\n",
        b":\r\n",
        b"$3\r\nabcd\r\n",
        b"$03\r\nabc\r\n",
        b"$-2\r\n",
        b"*-2\r\n",
        b"-ERR a\nb\r\n",
        b"%0\r\n",
        b"_\r\n"[:1] + b"x\r\n",
        b",1.5\r\n",
    ],
)
def test_the_reader_sees_what_is_wrong(data):
    with pytest.raises(Malformed):
        ReplyStream().feed(data)


def test_the_reader_reads_what_is_right_in_any_chunks():
    buffer = ReplyBuffer()
    value = [
        None,
        True,
        1.5,
        Map([1, Set([b"a" * 10_000])]),
        Push([]),
        Verbatim(b"txt", b"x"),
        Attributed([1, 2], 3),
    ]
    for _ in range(3):
        buffer.write(value, 3)
    data = buffer.take()
    random = Random(SEED)
    stream = ReplyStream()
    stream.resp3 = True
    at = 0
    while at < len(data):
        step = random.choice((1, 3, 5000))
        stream.feed(data[at : at + step])
        at += step
    assert stream.unfinished == b"" and stream.replies == 3
