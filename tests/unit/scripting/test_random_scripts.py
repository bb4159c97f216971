"""Random scripts and random arguments of the libraries: whatever they do, the next script runs."""

import random

import pytest

from .conftest import Scripted

# fmt: off
VALUES = [
    'nil', 'true', 'false', '0', '1', '-1', '2^31', '2^53', '-2^63', '1/0', '0/0', '0.1', "'x'", "''",
    "'\\0\\255'", "('x'):rep(300)", '{}', '{1,2,3}', '{a=1}', '{[0]=1}', 'redis', '_G', 'KEYS', 'ARGV',
    'print', 'string', 'cjson.null', 'function()end', 'coroutine.create(function()end)', '{{}}',
    "{ok='x'}", "{err='e'}",
]
FUNCTIONS = [
    'redis.call', 'redis.pcall', 'redis.error_reply', 'redis.status_reply', 'redis.sha1hex',
    'redis.setresp', 'redis.set_repl', 'redis.acl_check_cmd', 'cjson.encode', 'cjson.decode',
    'cmsgpack.pack', 'cmsgpack.unpack', 'cmsgpack.unpack_one', 'cmsgpack.unpack_limit', 'struct.pack',
    'struct.unpack', 'struct.size', 'bit.band', 'bit.tohex', 'bit.lshift', 'bit.bswap', 'bit.rol',
    'string.rep', 'string.find', 'string.gsub', 'string.format', 'string.byte', 'string.match',
    'string.dump', 'table.insert', 'table.remove', 'table.concat', 'table.sort', 'unpack', 'next',
    'pairs', 'rawset', 'rawget', 'setmetatable', 'getmetatable', 'loadstring', 'load', 'tonumber',
    'tostring', 'select', 'pcall', 'xpcall', 'error', 'coroutine.wrap', 'coroutine.resume',
    'math.random', 'math.randomseed', 'math.floor', 'collectgarbage', 'assert', 'type',
]
COMMANDS = [
    "'get','k'", "'set','k'", "'incr','n'", "'lrange','l'", "'hset','h'", "'zadd','z'", "'eval','x'",
    "'config','get'", "'nosuch'",
]
FORMATS = [
    "'<i4'", "'>I8'", "'bBhHlLT'", "'c0'", "'c3'", "'s'", "'!8d'", "'f'", "'i32'", "'I33'", "'%'",
    "'%99d'", "'.-x'", "'[a'", "'((('", "'c2147483647'",
]
# fmt: on


def expression(source: random.Random, depth: int) -> str:
    kind = source.random()
    if depth <= 0 or kind < 0.4:
        return source.choice(VALUES if kind < 0.3 else FORMATS)
    if kind < 0.5:
        return f"redis.pcall({source.choice(COMMANDS)},{expression(source, depth - 1)})"
    arguments = ",".join(expression(source, depth - 1) for _ in range(source.randrange(4)))
    if kind < 0.9:
        return f"{source.choice(FUNCTIONS)}({arguments})"
    return f"{{{arguments}}}"


def statement(source: random.Random) -> str:
    kind = source.random()
    if kind < 0.5:
        return f"pcall(function() return {expression(source, 3)} end)"
    if kind < 0.6:
        return f"for i = 1, 3 do local x = {expression(source, 2)} end"
    if kind < 0.7:
        return f"local t = {expression(source, 2)} t[{expression(source, 1)}] = {expression(source, 1)}"
    if kind < 0.75:
        return "".join(chr(source.randrange(32, 127)) for _ in range(source.randrange(40)))
    return f"local x = {expression(source, 3)}"


def run(seed: int, scripts: int) -> None:
    source = random.Random(seed)
    served = Scripted(script_memory_limit=4 << 20)
    for number in range(scripts):
        lines = "\n".join(statement(source) for _ in range(source.randrange(1, 5)))
        script = f"{lines}\nreturn {expression(source, 3)}".encode("latin-1")
        argv = [b"EVAL", script, b"1", b"k", source.randbytes(source.randrange(40))]
        served.run(argv)
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
