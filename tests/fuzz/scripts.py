"""Random Lua scripts: odd values to every function that scripts have, in statements that mostly compile.

None loops or asks for much by itself, so that a run of many shows what is wrong with one.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

# fmt: off
VALUES = [
    'nil', 'true', 'false', '0', '1', '-1', '2^31', '2^53', '-2^63', '1/0', '0/0', '0.1', "'x'", "''",
    "'\\0\\255'", "('x'):rep(300)", '{}', '{1,2,3}', '{a=1}', '{[0]=1}', 'redis', '_G', 'KEYS', 'ARGV',
    'print', 'string', 'cjson.null', 'function()end', 'coroutine.create(function()end)', '{{}}',
    "{ok='x'}", "{err='e'}", '{map={a=1}}', '{set={a=true}}', '{double=0.5}', "{big_number='12'}",
    "{verbatim_string={string='x', format='txt'}}", 'setmetatable({}, {__index=table})',
]
FUNCTIONS = [
    'redis.call', 'redis.pcall', 'redis.error_reply', 'redis.status_reply', 'redis.sha1hex',
    'redis.setresp', 'redis.set_repl', 'redis.acl_check_cmd', 'redis.log', 'redis.register_function',
    'cjson.encode', 'cjson.decode', 'cjson.encode_max_depth', 'cjson.encode_sparse_array',
    'cjson.decode_max_depth', 'cjson.encode_number_precision', 'cjson.new',
    'cmsgpack.pack', 'cmsgpack.unpack', 'cmsgpack.unpack_one', 'cmsgpack.unpack_limit', 'struct.pack',
    'struct.unpack', 'struct.size', 'bit.band', 'bit.tohex', 'bit.lshift', 'bit.bswap', 'bit.rol', 'bit.tobit',
    'string.rep', 'string.find', 'string.gsub', 'string.gmatch', 'string.format', 'string.byte', 'string.match',
    'string.char', 'string.sub', 'string.dump', 'table.insert', 'table.remove', 'table.concat', 'table.sort',
    'table.maxn', 'table.getn', 'unpack', 'next', 'pairs', 'ipairs', 'rawset', 'rawget', 'rawequal', 'setmetatable',
    'getmetatable', 'loadstring', 'load', 'tonumber', 'tostring', 'select', 'pcall', 'xpcall', 'error',
    'coroutine.wrap', 'coroutine.resume', 'coroutine.yield', 'coroutine.status', 'math.random',
    'math.randomseed', 'math.floor', 'math.fmod', 'math.max', 'collectgarbage', 'assert', 'type', 'os.clock',
]
COMMANDS = [
    "'get','k'", "'set','k'", "'incr','n'", "'lrange','l'", "'hset','h'", "'zadd','z'", "'eval','x'",
    "'config','get'", "'nosuch'", "'publish','c'", "'subscribe','c'", "'select'", "'multi'", "'hgetall','h'",
]
FORMATS = [
    "'<i4'", "'>I8'", "'bBhHlLT'", "'c0'", "'c3'", "'s'", "'!8d'", "'f'", "'i32'", "'I33'", "'%'",
    "'%99d'", "'.-x'", "'[a'", "'((('", "'c2147483647'", "'[1,{\"a\":null}]'", "'\\147\\1\\2\\3'",
]
# fmt: on
FLAGS = (
    "",
    "",
    "",
    "no-writes",
    "allow-oom",
    "allow-stale",
    "no-cluster",
    "no-writes,allow-stale",
    "nonsense",
)


def literal(argument: bytes) -> str:
    """A string as Lua writes it."""
    return "'" + "".join(f"\\{byte:03d}" for byte in argument) + "'"


class ScriptMaker:
    """Makes scripts; the same `random` makes the same. `command` gives requests that they may make besides."""

    def __init__(self, random: Random, command: Callable[[], list[bytes]] | None = None) -> None:
        self.random = random
        self.command = command

    def script(self) -> bytes:
        """A whole script, rarely one that tells its flags."""
        random = self.random
        lines = [self.statement() for _ in range(random.randrange(1, 5))]
        if random.random() < 0.1:
            lines.insert(0, f"#!lua flags={random.choice(FLAGS)}")
        return "\n".join([*lines, f"return {self.expression(3)}"]).encode("latin-1")

    def library(self) -> bytes:
        """A library of two functions, one of them by named arguments."""
        flag = self.random.choice(FLAGS)
        return "\n".join(
            [
                f"#!lua name=lib{self.random.randrange(3)}",
                self.statement() if self.random.random() < 0.2 else "",
                f"redis.register_function('f{self.random.randrange(3)}', function(KEYS, ARGV)",
                self.statement(),
                f"return {self.expression(3)} end)",
                f"redis.register_function{{function_name='g{self.random.randrange(3)}', flags={{'{flag}'}},",
                f"callback=function(KEYS, ARGV) return {self.expression(3)} end}}",
            ]
        ).encode("latin-1")

    def expression(self, depth: int) -> str:
        """An expression with others in it, `depth` deep at most."""
        random = self.random
        kind = random.random()
        if depth <= 0 or kind < 0.4:
            return random.choice(VALUES if kind < 0.3 else FORMATS)
        if kind < 0.5:
            return f"redis.pcall({self.called(depth)})"
        arguments = ",".join(self.expression(depth - 1) for _ in range(random.randrange(4)))
        if kind < 0.9:
            return f"{random.choice(FUNCTIONS)}({arguments})"
        return f"{{{arguments}}}"

    def called(self, depth: int) -> str:
        """The arguments of a call of a command."""
        if self.command is not None and self.random.random() < 0.7:
            return ",".join(map(literal, self.command()))
        return f"{self.random.choice(COMMANDS)},{self.expression(depth - 1)}"

    def statement(self) -> str:
        """One line, which may be nonsense."""
        random = self.random
        kind = random.random()
        if kind < 0.5:
            return f"pcall(function() return {self.expression(3)} end)"
        if kind < 0.6:
            return f"for i = 1, 3 do local x = {self.expression(2)} end"
        if kind < 0.7:
            return f"local t = {self.expression(2)} t[{self.expression(1)}] = {self.expression(1)}"
        if kind < 0.72:
            return "".join(chr(random.randrange(32, 127)) for _ in range(random.randrange(40)))
        return f"local x = {self.expression(3)}"
