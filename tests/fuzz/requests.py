"""Random requests: what a client means to say, before and after it is damaged.

A request is made from the argument grammar that its command's declaration carries, so that a command is
covered as soon as it is registered. Most requests are well formed and use a few keys, named for the group
of the command, so that values grow and types meet; some have arguments dropped, doubled, swapped or
replaced; `damage` breaks the bytes on the wire, and `garbage` was never a request.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from redracer.engine import grammar
from redracer.engine.grammar import Arg
from redracer.engine.registry import Command
from tests.fuzz.scripts import ScriptMaker

# Commands that end the process, leave it, write files, or take seconds: what they do is tested elsewhere.
EXCLUDED = {
    b"shutdown", b"save", b"bgsave", b"bgrewriteaof", b"migrate", b"replicaof", b"slaveof", b"failover",
    b"sync", b"psync", b"replconf", b"config|rewrite", b"config|set", b"debug", b"module|load", b"pfselftest",
    b"module|loadex", b"cluster|meet", b"eval", b"eval_ro", b"fcall", b"fcall_ro", b"function|load",
}  # fmt: skip

# Commands that tell of every command there is unless they are asked for one: their replies take milliseconds.
LONG_REPLIES = {b"command", b"command|docs", b"command|info", b"command|list"}

# Lines that the grammar does not make, or makes too seldom.
LINES = [
    "HELLO 2", "HELLO 3", "HELLO", "HELLO 3 AUTH default pw SETNAME x", "HELLO 4", "AUTH pw", "AUTH default pw",
    "AUTH no", "RESET", "SELECT 0", "SELECT 1", "SELECT 99", "QUIT", "CLIENT REPLY ON", "CLIENT REPLY OFF",
    "CLIENT REPLY SKIP", "CLIENT NO-TOUCH ON", "CLIENT NO-EVICT ON", "CLIENT PAUSE 5 ALL", "CLIENT PAUSE 20 WRITE",
    "CLIENT UNPAUSE", "CLIENT LIST",
    "CLIENT KILL ID 3", "CLIENT KILL ID 5 SKIPME no", "CLIENT UNBLOCK 3", "CLIENT UNBLOCK 4 ERROR",
    "CLIENT UNBLOCK 5 TIMEOUT", "CONFIG GET *", "CONFIG SET maxmemory 0", "CONFIG SET list-max-listpack-size -2",
    "CONFIG SET list-max-listpack-size 3", "CONFIG SET set-max-intset-entries 3", "CONFIG SET hz 50 hz 51",
    "CONFIG SET hash-max-listpack-entries 3", "CONFIG SET zset-max-listpack-entries 3", "CONFIG SET nothing 1",
    "CONFIG SET client-output-buffer-limit 'normal 100kb 50kb 1'", "CONFIG SET proto-max-bulk-len 1mb",
    "CONFIG SET client-output-buffer-limit 'normal 0 0 0'", "CONFIG SET lazyfree-lazy-user-del yes", "BLPOP l1 l2 0",
    "BLPOP l1 0.001", "BRPOPLPUSH l1 l2 0", "BLMOVE l1 l2 LEFT RIGHT 0", "BZPOPMIN z1 z2 0", "BZMPOP 0 2 z1 z2 MIN",
    "BLMPOP 0 2 l1 l2 LEFT COUNT 3", "XREAD BLOCK 0 STREAMS x1 $", "XREADGROUP GROUP g c BLOCK 0 STREAMS x1 >",
    "XGROUP CREATE x1 g $ MKSTREAM", "DEBUG DIGEST", "DEBUG OBJECT s1", "DEBUG DIGEST-VALUE s1 l1 h1 z1 x1 S1",
    "DEBUG HTSTATS 0", "DEBUG HTSTATS-KEY h1", "DEBUG PROTOCOL attrib", "DEBUG PROTOCOL push", "DEBUG PROTOCOL map",
    "DEBUG PROTOCOL verbatim", "DEBUG PROTOCOL bignum", "DEBUG PROTOCOL double", "DEBUG ERROR 'no\nline'",
    "DEBUG QUICKLIST-PACKED-THRESHOLD 20", "DEBUG POPULATE 50 p 10", "DEBUG CHANGE-REPL-ID", "MONITOR",
    "SUBSCRIBE c1 c2", "PSUBSCRIBE c*", "UNSUBSCRIBE", "PUBLISH c1 hello", "MULTI", "EXEC", "DISCARD", "WATCH s1",
    "FLUSHALL", "FLUSHDB ASYNC", "RANDOMKEY", "KEYS *", "SCAN 0 COUNT 100", "MEMORY USAGE h1", "INFO everything",
    "OBJECT ENCODING l1", "OBJECT FREQ s1", "LATENCY RESET", "SLOWLOG GET -1",
    "SSUBSCRIBE c1", "SUNSUBSCRIBE", "PUNSUBSCRIBE c*", "SPUBLISH c1 hello", "PSUBSCRIBE __key*", "UNWATCH",
    "CONFIG SET notify-keyspace-events KEA", "CONFIG SET notify-keyspace-events ''", "WATCH s1 l1 h1", "MULTI", "EXEC",
    "CLIENT TRACKING ON", "CLIENT TRACKING ON BCAST", "CLIENT TRACKING ON BCAST PREFIX s PREFIX h NOLOOP",
    "CLIENT TRACKING ON OPTIN", "CLIENT TRACKING ON OPTOUT NOLOOP", "CLIENT TRACKING ON REDIRECT 4",
    "CLIENT TRACKING OFF", "CLIENT CACHING YES", "CLIENT CACHING NO", "CONFIG SET tracking-table-max-keys 2",
    "SUBSCRIBE __redis__:invalidate", "SCRIPT FLUSH", "FUNCTION FLUSH", "FUNCTION DUMP", "FUNCTION STATS",
    "FUNCTION LIST WITHCODE", "SCRIPT KILL", "FCALL f0 1 s1 x", "FCALL_RO g1 1 s1 x",
]  # fmt: skip

GROUP_LETTERS = {
    "string": b"s", "bitmap": b"s", "hyperloglog": b"p", "list": b"l", "set": b"S", "sorted-set": b"z",
    "sorted_set": b"z", "hash": b"h", "stream": b"x", "geo": b"z",
}  # fmt: skip
LETTERS = b"slSzhxp"

SMALL_INTEGERS = [
    b"0",
    b"1",
    b"2",
    b"3",
    b"4",
    b"5",
    b"7",
    b"10",
    b"16",
    b"100",
    b"-1",
    b"-2",
    b"-3",
    b"-100",
]
ODD_INTEGERS = [
    b"2147483647", b"-2147483648", b"2147483648", b"4294967295", b"9223372036854775807", b"-9223372036854775808",
    b"9223372036854775808", b"18446744073709551615", b"1e3", b"+1", b"01", b" 1", b"1 ", b"abc", b"", b"0x10", b"-0",
    b"1.5", b"65536", b"524287", b"1000000", b"\xff\x00",
]  # fmt: skip
DOUBLES = [
    b"0", b"1", b"-1", b"0.5", b"3.25", b"-7.125", b"1e10", b"inf", b"-inf", b"+inf", b"nan", b"1e400", b"-0", b"0x1p3",
    b"(1", b"(5", b"-inf", b"1e-320", b"", b"abc", b"12.345678901234567", b"85.0", b"180", b"-181",
]  # fmt: skip
PATTERNS = [
    b"*",
    b"s*",
    b"?1",
    b"[a-z]*",
    b"[^a]",
    b"[",
    b"\\",
    b"**a**b**",
    b"[z-",
    b"c*",
    b"max*",
    b"",
    b"\x00*",
]
WORDS = [
    b"a", b"b", b"c", b"field", b"value", b"m1", b"m2", b"m3", b"-", b"+", b"*", b"$", b">", b"0-0", b"1-1", b"2-*",
    b"(1-1", b"[a", b"(b", b"[", b"u8", b"i64", b"u64", b"i5", b"#1", b"m", b"km", b"c1", b"g", b"consumer", b"",
    b"\x00", b"\xff\xfe", b"a\r\nb", b'qu"ote', b"it's", b"%s%n", b"12345", b"-17", b"3.0e3", b"1000000000000000000000",
    b"default", b"pw", b"yes", b"no", b"normal", b"x" * 64, b"y" * 65, b"0" * 300, b"nx", b"LIMIT", b"COUNT", b"STORE",
]  # fmt: skip

Part = Callable[[], None]


def encode(argv: list[bytes]) -> bytes:
    """A request as an array of bulk strings."""
    parts = [b"*%d\r\n" % len(argv)]
    for argument in argv:
        parts.append(b"$%d\r\n%b\r\n" % (len(argument), argument))
    return b"".join(parts)


def quote(argument: bytes) -> bytes:
    """An argument as people type it, in quotes where it needs them."""
    if argument and not set(argument) & set(b" \n\r\t\x0b\x0c\x00\"'\\"):
        return argument
    return b'"' + b"".join(b"\\x%02x" % byte for byte in argument) + b'"'


class RequestMaker:
    """Makes random requests to the commands of one table; the same `random` makes the same requests."""

    def __init__(self, random: Random, commands: dict[bytes, Command]) -> None:
        self.random = random
        self.commands = [
            command
            for parent in commands.values()
            for command in (parent, *(parent.subcommands or {}).values())
            if command.handler is not None and command.name not in EXCLUDED
        ]
        self.lines = [[word.encode() for word in split_line(line)] for line in LINES]
        self.scripts = ScriptMaker(random, self.command)
        self.letter = b"s"
        self.count_at = -1
        self.argv: list[bytes] = []

    # --- whole requests

    def request(self) -> bytes:
        """One request as bytes on the wire: mostly right in form, with arguments of all kinds."""
        random = self.random
        chance = random.random()
        if chance < 0.08:
            argv = list(random.choice(self.lines))
        elif chance < 0.12:
            return encode(self.scripted())
        else:
            argv = self.command()
        if random.random() < 0.15:
            self.disturb(argv)
        if random.random() < 0.08 and argv:
            return b" ".join(map(quote, argv)) + random.choice((b"\r\n", b"\n"))
        return encode(argv)

    def command(self) -> list[bytes]:
        """An argument vector for any command."""
        command = self.random.choice(self.commands)
        if command.name in LONG_REPLIES and self.random.random() < 0.97:
            command = self.random.choice(self.commands)
        return self.arguments_of(command)

    def scripted(self) -> list[bytes]:
        """A request that runs or keeps a random script or library."""
        random = self.random
        what = random.randrange(10)
        if what == 0:
            return [b"FUNCTION", b"LOAD", b"REPLACE", self.scripts.library()]
        if what == 1:
            return [b"SCRIPT", b"LOAD", self.scripts.script()]
        name = random.choice((b"EVAL", b"EVAL", b"EVAL_RO"))
        return [
            name,
            self.scripts.script(),
            random.choice((b"0", b"1", b"2")),
            self.key(),
            self.key(),
            self.word(),
        ]

    def arguments_of(self, command: Command) -> list[bytes]:
        """An argument vector for `command`, from its grammar, or as its arity says where it has none."""
        self.letter = GROUP_LETTERS.get(command.documentation.group, b"s")
        self.count_at = -1
        self.argv = command.name.split(b"|")
        if self.random.random() < 0.3:
            self.argv[0] = self.argv[0].upper()
        arguments = command.documentation.arguments
        for argument in arguments:
            self.add(argument, 0)
        if not arguments:
            least = abs(command.arity) - len(self.argv)
            more = self.random.randrange(3) if command.arity < 0 else 0
            self.argv += [self.word() for _ in range(least + more)]
        if b"rand" in command.name:  # a negative count asks for so many, however few there are
            self.argv = [b"-5" if word[:1] == b"-" and len(word) > 3 else word for word in self.argv]
        return self.argv

    def add(self, argument: Arg, depth: int) -> None:
        """Appends one argument of the grammar, as often as it may come, or leaves it out."""
        random = self.random
        if argument.optional and random.random() < 0.7:
            return
        times = 1
        if argument.multiple:
            times = random.choice((1, 1, 2, 3, 5)) if random.random() < 0.98 else random.randrange(40)
        if argument.type == grammar.KEY and self.count_at >= 0 and argument.multiple:
            self.argv[self.count_at] = b"%d" % times
            self.count_at = -1
        for i in range(times):
            if argument.token and (i == 0 or argument.multiple_token):
                self.argv.append(argument.token.encode())
            if argument.type == grammar.ONE_OF:
                self.add(random.choice(argument.arguments), depth + 1)
            elif argument.type == grammar.BLOCK:
                for inner in argument.arguments:
                    self.add(inner, depth + 1)
            elif argument.type != grammar.PURE_TOKEN:
                self.argv.append(self.value(argument))

    def value(self, argument: Arg) -> bytes:
        """A value for one argument by its type and name."""
        kind = argument.type
        if kind == grammar.KEY:
            return self.key()
        if kind == grammar.INTEGER:
            if argument.name == "numkeys":
                self.count_at = len(self.argv)
                return b"1"
            return self.integer()
        if kind == grammar.DOUBLE:
            return self.random.choice(DOUBLES) if argument.name != "timeout" else b"0.001"
        if kind == grammar.PATTERN:
            return self.random.choice(PATTERNS)
        if kind == grammar.UNIX_TIME:
            return self.integer() if self.random.random() < 0.5 else b"9999999999999"
        return self.word()

    # --- values

    def key(self) -> bytes:
        """A key: mostly of the command's own type, from a few."""
        random = self.random
        if random.random() < 0.9:
            return b"%b%d" % (self.letter, random.randrange(4))
        if random.random() < 0.1:
            return self.word()
        return b"%c%d" % (random.choice(LETTERS), random.randrange(4))

    def integer(self) -> bytes:
        """A number: mostly a small one."""
        random = self.random
        return random.choice(SMALL_INTEGERS if random.random() < 0.85 else ODD_INTEGERS)

    def word(self) -> bytes:
        """A string: one with a meaning somewhere, a number, random bytes, rarely a long one."""
        random = self.random
        chance = random.random()
        if chance < 0.7:
            return random.choice(WORDS)
        if chance < 0.8:
            return self.integer()
        if chance < 0.9:
            return b"e%d" % random.randrange(200)
        if chance < 0.998:
            return random.randbytes(random.randrange(20))
        return random.randbytes(8) * random.choice((200, 4000, 5000))

    def disturb(self, argv: list[bytes]) -> None:
        """Changes the argument vector in a way that a client could."""
        random = self.random
        at = random.randrange(len(argv))
        what = random.randrange(6)
        if what == 0 and len(argv) > 1:
            del argv[at]
        elif what == 1:
            argv.insert(at, argv[at])
        elif what == 2:
            other = random.randrange(len(argv))
            argv[at], argv[other] = argv[other], argv[at]
        elif what == 3:
            argv[at] = self.word()
        elif what == 4:
            argv[at] = self.integer()
        else:
            argv.extend(self.word() for _ in range(random.randrange(1, 4)))
        if argv[0].lower() in EXCLUDED or argv[0][:1] in b"dD":
            argv[0] = b"get"  # never DEBUG with arguments that the table of lines does not have


def split_line(line: str) -> list[str]:
    """The words of an entry of LINES; single quotes hold a word with spaces together."""
    words = line.split("'")
    return [word for i, part in enumerate(words) for word in ([part] if i % 2 else part.split())]


# --- what no client would send

HEADERS = [
    b"*", b"*\r\n", b"*-1\r\n", b"*0\r\n", b"*1\r\n", b"*3\r\n$3\r\nSET\r\n$-1\r\n", b"*2\r\n$3\r\nGET\r\n$-10\r\n",
    b"*2147483647\r\n", b"*2147483648\r\n", b"*99999999999999999999\r\n", b"*1\r\n$99999999999\r\n", b"*1\r\n$4\r\n",
    b"*2\r\n$4\r\nECHO\r\n$65536\r\n", b"*2\r\n$4\r\nECHO\r\n$65537\r\n", b"*1\r\n$2147483647\r\n", b"*1\r\nPING\r\n",
    b"$4\r\nPING\r\n", b"*01\r\n", b"*+1\r\n$4\r\nPING\r\n", b"* 1\r\n", b"*1\r\n$04\r\nPING\r\n", b"*1\r\n$\r\n",
    b"*1\r\n$0\r\n\r\n", b"*1\n$4\nPING\n", b"*1\r\r$4\r\rPING\r\r", b"*1\r\n$4\r\nPINGxx", b"*11\r\n$4\r\nPING\r\n",
    b"\r\n", b"\n\n\n", b"\x00", b"\x00\x00\r\n", b'"', b'"a"b\r\n', b"'\r\n", b'PING "\\x4"\r\n',
    b'ECHO "\\xff\\x0g"\r\n',
    b"PING 'it\\'s'\r\n", b'SET s1 "unbalanced\r\n', b"GET \x0bs1\x0c\r\n", b"+OK\r\n", b"%1\r\n", b">2\r\n", b"_\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n", b"Host: localhost\r\n", b"*1\r\n$3\r\nGET",
    b"*" + b"1" * 70000, b"$" * 70000, b"*1\r\n$" + b"1" * 70000, b"A" * 70000, b"ECHO " + b"a " * 20000 + b"\r\n",
    b"*3\r\n$3\r\nSET\r\n$2\r\ns1\r\n$40000\r\n" + b"z" * 39999,
    b"*2\r\n$4\r\nECHO\r\n$33000\r\n" + b"z" * 33000 + b"\r",
]  # fmt: skip
SPLICES = [
    b"\r\n", b"\r", b"\n", b"*", b"$", b"-", b"0", b"9", b"\x00", b"\xff", b" ", b'"', b"'", b"99999", b"$-1\r\n",
]  # fmt: skip


def damage(random: Random, data: bytes) -> bytes:
    """The bytes with a few of them changed, inserted, deleted, repeated, or cut off."""
    broken = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        at = random.randrange(len(broken) + 1)
        what = random.randrange(6)
        if what == 0 and at < len(broken):
            broken[at] = random.randrange(256)
        elif what == 1:
            broken[at:at] = random.choice(SPLICES)
        elif what == 2:
            del broken[at : at + random.choice((1, 1, 2, 10))]
        elif what == 3:
            del broken[at:]
        elif what == 4:
            broken[at:at] = broken[max(0, at - random.randrange(1, 30)) : at]
        elif at < len(broken):
            broken[at] ^= 1 << random.randrange(8)
    return bytes(broken)


def garbage(random: Random) -> bytes:
    """A hostile header, or random bytes."""
    if random.random() < 0.7:
        return random.choice(HEADERS)
    return random.randbytes(random.randrange(1, 60))
