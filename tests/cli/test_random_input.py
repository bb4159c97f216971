"""Replies and scripts made at random: both clients show the same of them."""

import random
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Bench
from tests.cli.fake_server import Answering

REPLIES = 150
SCRIPTS = 20
LINES = 40  # of a script
TEXTS = [b"", b"a", b"hello world", b"OK", b"message", b"subscribe", b"invalidate"]
FORMATS = ["", "--no-raw", "--csv", "--json", "--quoted-json", "-d | ", "-D ;", "-e", "--no-raw -e", "-r 2"]
COMMANDS = [["get", "k"], ["info"], ["client", "list"], ["hgetall", "x"]]
PIECES = [
    *(b" ", b'"', b"'", b"\\", b"\\x41", b"\\xg1", b"\\n", b"\\a", b'\\"', b"\\'", b"a", b"bc", b"3", b"-1"),
    *(b"\t", b"\r", b"\x0b", b"\xff", b"echo ", b'"x"', b"'y'", b' " ', b":set", b"get ", b"5 x", b"0 x"),
]


def text(dice: random.Random) -> bytes:
    if dice.random() < 0.3:
        return dice.choice(TEXTS)
    return bytes(dice.choices(b'ab"\\\n\r\t\x00\x07\x08\x0c\x1b\x7f\x80\xc3\xa9\xff ', k=dice.randrange(8)))


def reply(dice: random.Random, depth: int) -> bytes:
    """A reply of any type, encoded; `depth` bounds what is in one another."""
    if depth and dice.random() < 0.5:
        kind = dice.choice("*%~")
        count = dice.choice([0, 1, 2, 3, 9, 10, 11] if depth > 1 else [0, 1, 2, 3])
        parts = b"".join(reply(dice, depth - 1) for _ in range(count * 2 if kind == "%" else count))
        return b"%s%d\r\n%s" % (kind.encode(), count, parts)
    kind = dice.choice("+-:$,_#=$$")
    if kind in "+-":
        return kind.encode() + bytes(dice.choices(b'abcXYZ "\\\t\x80 ', k=dice.randrange(1, 12))) + b"\r\n"
    if kind in "$=":
        value = (b"txt:" if kind == "=" else b"") + text(dice)
        return b"%s%d\r\n%s\r\n" % (kind.encode(), len(value), value)
    value = {
        ":": dice.choice([b"0", b"-1", b"9223372036854775807"]),
        ",": dice.choice([b"1.5", b"inf", b"-inf", b"3", b"1e10"]),
        "#": dice.choice([b"t", b"f"]),
        "_": b"",
    }[kind]
    return kind.encode() + value + b"\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    with Answering({}) as started:
        yield started


def test_replies(bench: Bench, redis_cli: str, server: Answering) -> None:
    dice = random.Random(1)
    for _ in range(REPLIES):
        server.always = reply(dice, dice.choice([0, 1, 2, 3, 4]))
        words = ["-p", str(server.port), *dice.choice(FORMATS).split(" "), *dice.choice(COMMANDS)]
        words = [word for word in words if word]
        theirs, ours = bench.redis_cli(words, b"", {}), bench.ours(words, b"", {})
        assert (ours.code, ours.stdout) == (theirs.code, theirs.stdout), (words, server.always)


def line(dice: random.Random) -> bytes:
    made = b"".join(dice.choices(PIECES, k=dice.randrange(7)))
    return made if b"sync" not in made else b"echo"


def test_scripts(bench: Bench, redis_cli: str, server: Answering) -> None:
    """Words are split in the same way: what is printed are the words that arrived."""
    dice = random.Random(1)
    server.echoes = True
    for _ in range(SCRIPTS):
        script = b"\n".join(line(dice) for _ in range(LINES))
        words = ["-p", str(server.port)]
        theirs, ours = bench.redis_cli(words, script, {}), bench.ours(words, script, {})
        assert (ours.code, ours.stdout) == (theirs.code, theirs.stdout), script
