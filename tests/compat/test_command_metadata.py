"""Every command's COMMAND INFO and COMMAND DOCS against those of a real Redis, where one is installed.

It catches what no unit test of ours would: a wrong arity, flag, category, key spec or argument in a
declaration. What Redis has changed between the installed version (7.0) and ours (8.2) is listed below.
"""

import importlib
import pkgutil
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import redracer.commands
import redracer.types
from redracer.commands import command as command_family
from redracer.core.replies import Map, Set, Status
from redracer.engine import registry

REDIS_SERVER = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(REDIS_SERVER is None, reason="no redis-server is installed")

FIELDS = ("name", "arity", "flags", "first_key", "last_key", "key_step", "categories", "hints", "key_specs")
# (command, field) that differ from 7.0 in 8.2.
CHANGED_SINCE_7_0 = {
    ("acl|deluser", "hints"),
    ("acl|setuser", "hints"),
    ("blmove", "flags"),
    ("blpop", "flags"),
    ("brpop", "flags"),
    ("brpoplpush", "flags"),
    ("command|getkeys", "arity"),
    ("command|getkeysandflags", "arity"),
    ("client|setname", "hints"),
    ("config|resetstat", "hints"),
    ("config|rewrite", "hints"),
    ("keys", "hints"),
    ("latency|reset", "hints"),
    ("msetnx", "hints"),
    ("randomkey", "hints"),
    ("scan", "hints"),
    ("wait", "categories"),
    ("wait", "flags"),
    ("zrank", "arity"),
    ("zrevrank", "arity"),
}
# Commands whose arguments 8.2 arranges in another way, or has more of.
OTHER_ARGUMENTS_SINCE_7_0 = {
    "bitop",
    "client|kill",
    "command|getkeys",
    "command|getkeysandflags",
    "flushall",
    "flushdb",
    "geohash",
    "geopos",
    "georadius",
    "georadiusbymember",
    "hscan",
    "migrate",
    "pfmerge",
    "xadd",
    "xtrim",
    "zrank",
    "zrevrank",
}


def load_every_command():
    redracer.commands.load()
    for module in pkgutil.walk_packages(redracer.types.__path__, "redracer.types."):
        importlib.import_module(module.name)
    return registry.default.build_table()


TABLE = load_every_command()
NAMES = sorted(
    entry.name.decode()
    for command in TABLE.values()
    for entry in (command, *(command.subcommands or {}).values())
)


class Connection:
    """Just enough of RESP2 to ask for COMMAND INFO and COMMAND DOCS."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def call(self, *args):
        parts = [b"*%d\r\n" % len(args)]
        parts += [b"$%d\r\n%s\r\n" % (len(arg), arg.encode()) for arg in args]
        self.socket.sendall(b"".join(parts))
        return self.read()

    def read(self):
        line = self.file.readline()[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        if kind == b"$":
            length = int(rest)
            return None if length < 0 else self.file.read(length + 2)[:-2]
        return int(rest) if kind == b":" else rest

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    directory = tmp_path_factory.mktemp("redis")
    path = Path(directory) / "socket"
    arguments = ["--port", "0", "--unixsocket", path, "--save", "", "--dir", directory]
    process = subprocess.Popen([REDIS_SERVER, *map(str, arguments)], stdout=subprocess.DEVNULL)
    try:
        while not path.exists():
            assert process.poll() is None, "redis-server did not start"
            time.sleep(0.01)
        connection = Connection(path)
        yield connection
        connection.close()
    finally:
        process.terminate()
        process.wait()


def flat(reply):
    """A reply as RESP2 would carry it."""
    if isinstance(reply, Status):
        return reply.text
    if isinstance(reply, (Set, Map)):
        return [flat(item) for item in reply.items]
    if isinstance(reply, list):
        return [flat(item) for item in reply]
    return reply


def comparable(field, value):
    """The parts whose order or wording means nothing taken out."""
    if field in ("flags", "categories", "hints"):
        return sorted(value)
    if field == "key_specs":
        return [spec[2:] if spec[0] == b"notes" else spec for spec in value]
    return value


def ours(handler, name):
    context = SimpleNamespace(engine=SimpleNamespace(commands=TABLE))
    return flat(handler(context, [b"COMMAND", b"x", name.encode()]))


@pytest.mark.parametrize("name", NAMES)
def test_info(redis, name):
    theirs = redis.call("COMMAND", "INFO", name)[0]
    if theirs is None:
        pytest.skip("newer than the installed Redis")
    mine = ours(command_family.command_info, name)[0]
    for position, field in enumerate(FIELDS):
        if (name, field) not in CHANGED_SINCE_7_0:
            assert comparable(field, mine[position]) == comparable(field, theirs[position]), field


def outline(arguments):
    """An argument list without what is only wording: (type, key spec, token, flags, inner arguments)."""
    return [
        (
            fields[b"type"],
            fields.get(b"key_spec_index"),
            fields.get(b"token"),
            sorted(fields.get(b"flags", [])),
            outline(fields.get(b"arguments", [])),
        )
        for fields in (dict(zip(argument[::2], argument[1::2], strict=True)) for argument in arguments)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_docs(redis, name):
    theirs = redis.call("COMMAND", "DOCS", name)
    if not theirs:
        pytest.skip("newer than the installed Redis")
    mine = ours(command_family.command_docs, name)
    assert mine[0] == theirs[0]
    mine, theirs = (dict(zip(docs[1][::2], docs[1][1::2], strict=True)) for docs in (mine, theirs))
    for field in (b"since", b"group"):
        assert mine[field] == theirs[field], field
    for field in (b"deprecated_since", b"doc_flags"):  # a command may have been deprecated since
        assert theirs.get(field) in (None, mine.get(field)), field
    if name not in OTHER_ARGUMENTS_SINCE_7_0:
        assert outline(mine.get(b"arguments", [])) == outline(theirs.get(b"arguments", []))
