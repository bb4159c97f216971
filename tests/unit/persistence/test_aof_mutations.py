"""Damaged append-only files: a start loads what is good, or says what is wrong; nothing else happens."""

import os
import random
from types import SimpleNamespace

import pytest

from redracer.engine import log
from redracer.engine.config import Config
from redracer.engine.engine import Engine
from redracer.persistence.aof_files import AofFiles, FatalAofError
from redracer.persistence.aof_load import AofLoader
from tests.wire.conftest import encoded

MUTATIONS = 400
LONG_MUTATIONS = 30_000
COMMANDS = [
    ("SELECT", 0),
    ("SET", "s", "value"),
    ("SET", "expiring", "value", "PXAT", 9999999999999),
    ("RPUSH", "l", 1, 2, 3, "four"),
    ("SADD", "set", 1, 2, "x"),
    ("ZADD", "z", 1.5, "m", 2, "n"),
    ("HSET", "h", "f", "v", "g", "w"),
    ("HPEXPIREAT", "h", 9999999999999, "FIELDS", 1, "f"),
    ("XADD", "x", "1-1", "f", "v"),
    ("XGROUP", "CREATE", "x", "g", "0-0", "ENTRIESREAD", 0),
    ("XCLAIM", "x", "g", "c", 0, "1-1", "TIME", 5, "RETRYCOUNT", 1, "FORCE", "JUSTID", "LASTID", "1-1"),
    ("MULTI",),
    ("INCR", "left"),
    ("INCR", "right"),
    ("EXEC",),
    ("PEXPIREAT", "s", 9999999999999),
    ("DEL", "set"),
]
SPLICES = [
    b"\r\n",
    b"\0" * 9,
    b"*",
    b"$",
    b"#TS:1\r\n",
    b"*1\r\n$4\r\nEXEC\r\n",
    b"$-1\r\n",
    b"*99999999\r\n",
    b"$999999999\r\n",
]


def mutated(data, draw):
    changed = bytearray(data)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(changed))
        kind = draw.randrange(5)
        if kind == 0:
            changed[at] = draw.randrange(256)
        elif kind == 1:
            changed[at] = draw.choice(b"0123456789*$\r\n")
        elif kind == 2:
            changed[at:at] = draw.choice(SPLICES)
        elif kind == 3:
            del changed[at : at + draw.randint(1, 40)]
        else:
            changed[at:] = b""
        if not changed:
            return b"*"
    return bytes(changed)


@pytest.fixture
def loading(tmp_path, monkeypatch):
    """Loads a file of commands into a new engine; the engine, and whether it could be loaded."""
    from redracer import commands, types

    commands.load()
    types.load()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(log, "warning", lambda text: None)
    monkeypatch.setattr(log, "notice", lambda text: None)
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("file i seq 1 type i\n")

    def load(data):
        (folder / "i").write_bytes(data)
        config = Config()
        engine = Engine(config)
        files = AofFiles(config, SimpleNamespace())
        files.read_manifest()
        try:
            for _ in AofLoader(engine, files).load():
                pass
        except FatalAofError:
            return engine, False
        return engine, True

    return load


def look_at(loading, seeds):
    data = b"".join(encoded(*command) for command in COMMANDS)
    outcomes = {True: 0, False: 0}
    for seed in seeds:
        engine, loaded = loading(mutated(data, random.Random(seed)))
        outcomes[loaded] += 1
        database = engine.databases[0]
        if loaded:
            assert os.stat("appendonlydir/i").st_size <= len(data) + 200
        assert engine.clock.nothing_expires is False
        assert not engine.loading.active
        engine.clock.nothing_expires = True  # a mutated expiry may have passed, or pass between the two looks
        assert database.size == len(database.keys(b"*"))
    return outcomes


def test_a_whole_file_loads(loading):
    engine, loaded = loading(b"".join(encoded(*command) for command in COMMANDS))
    assert loaded
    assert engine.databases[0].size == 8


def test_some_mutations(loading):
    outcomes = look_at(loading, range(MUTATIONS))
    assert outcomes[True] > 0
    assert outcomes[False] > 0


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_many_mutations(loading):
    look_at(loading, range(MUTATIONS, MUTATIONS + LONG_MUTATIONS))
