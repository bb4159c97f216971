"""Random ACL rules, compared with a real redis-server 7.0: errors, GETUSER, and what DRYRUN allows.

7.0 shows the rules about commands in a form of its own (it makes up shorter ones), so ours are given to it: if it then
shows the same for a user of ours as for its own, they allow the same commands.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redracer.engine.flags import ACL_CATEGORY_NAMES
from redracer.engine.registry import default
from tests.unit.types.against_redis import SETTINGS, Ours, Real, compare_at_length, words

from .served import Served

COMMANDS_AT_LENGTH = 20_000
CHANGED_SINCE_7_0 = {b"sanitize-payload", b"skip-sanitize-payload"}
NAMES = st.sampled_from(
    [b"get", b"set", b"del", b"config", b"client", b"object", b"select", b"sort", b"xadd", b"ping"]
)
SUBCOMMANDS = st.sampled_from([b"get", b"set", b"id", b"encoding", b"help", b"0", b"nothing", b""])
# Those in which the commands of 7.0 and 8.2 are the same, apart from new ones.
CATEGORIES = st.sampled_from([name for _, name in ACL_CATEGORY_NAMES if name not in (b"fast", b"slow")])
KEYS = st.sampled_from([b"a", b"ab", b"b", b"abc", b"*"])
PATTERNS = st.sampled_from([b"a", b"a*", b"*", b"?b", b"[ab]", b"ab*", b"a b", b""])
PERMISSIONS = st.sampled_from([b"~", b"%R~", b"%W~", b"%RW~", b"%wr~", b"%RR~", b"%X~"])
SIGNS = st.sampled_from([b"+", b"-"])


def joined(*parts):
    return words(*parts).map(b"".join)


command_rules = st.one_of(
    joined(SIGNS, NAMES),
    joined(SIGNS, NAMES, b"|", SUBCOMMANDS),
    joined(SIGNS, b"@", st.one_of(CATEGORIES, st.sampled_from([b"all", b"ALL", b"nothing"]))),
)
selector_rules = st.one_of(
    command_rules,
    joined(PERMISSIONS, PATTERNS),
    joined(b"&", PATTERNS),
    st.sampled_from(
        [b"allkeys", b"resetkeys", b"allchannels", b"RESETCHANNELS", b"allcommands", b"nocommands", b"what"]
    ),
)
user_rules = st.sampled_from(
    [
        b"on",
        b"off",
        b"nopass",
        b"resetpass",
        b"reset",
        b"clearselectors",
        b"",
        b">p",
        b">q",
        b"<p",
        b"#12",
        b"!" + b"a" * 64,
    ]
)
selectors = st.lists(selector_rules, max_size=4).map(lambda rules: b"(" + b" ".join(rules) + b")")
rules = st.one_of(selector_rules, selector_rules, user_rules, selectors)
setusers = st.lists(rules, min_size=1, max_size=4).map(lambda some: [b"ACL", b"SETUSER", b"bob", *some])

MANY_KEYS = st.sampled_from([b"MGET", b"LMOVE", b"COPY", b"RENAME", b"BITOP", b"SINTERSTORE", b"EXISTS"])
COUNTED_KEYS = st.sampled_from([b"SINTERCARD", b"ZUNION", b"LMPOP"])
BITFIELDS = st.sampled_from([[b"GET", b"u8", b"0"], [b"SET", b"u8", b"0", b"1"]])
requests = st.one_of(
    words(st.sampled_from([b"GET", b"set", b"DEL", b"xadd", b"PING", b"SELECT"]), st.lists(KEYS, max_size=3)),
    words(MANY_KEYS, st.lists(KEYS, max_size=4)),
    words(b"SET", KEYS, b"1", st.sampled_from([[], [b"GET"], [b"KEEPTTL"]])),
    words(b"SORT", KEYS, st.sampled_from([[], [b"STORE", b"b"], [b"BY", b"w_*"]])),
    words(COUNTED_KEYS, st.sampled_from([b"1", b"2", b"x"]), KEYS, KEYS),
    words(st.sampled_from([b"BITFIELD", b"bitfield"]), KEYS, BITFIELDS),
    words(b"GEORADIUS", KEYS, b"0", b"0", b"1", b"m", st.sampled_from([[], [b"STORE", b"ab"]])),
    words(b"XREAD", st.sampled_from([[], [b"COUNT", b"1"]]), b"STREAMS", KEYS, KEYS, b"0", b"0"),
    words(st.sampled_from([b"OBJECT", b"MEMORY"]), st.sampled_from([b"ENCODING", b"USAGE"]), KEYS),
    words(
        st.sampled_from([b"CONFIG", b"CLIENT"]), st.sampled_from([b"GET", b"ID"]), st.lists(KEYS, max_size=1)
    ),
)
dry_runs = requests.map(lambda argv: [b"ACL", b"DRYRUN", b"bob", *argv])
lines = st.lists(st.one_of(setusers, dry_runs), min_size=5, max_size=40)


def in_words_of_7_0(reply):
    kind, text = reply
    if kind == b"$" and text is not None:
        text = text.replace(b"User bob has no permissions", b"This user has no permissions")
    return kind, text


class Pair:
    """The two servers, and what must be the same at both."""

    def __init__(self, ours, real):
        self.ours, self.real = ours, real
        self.run(b"ACL DELUSER bob twin".split())
        self.run(b"ACL SETUSER bob".split())

    def run(self, argv):
        return self.ours.run(argv), self.real.run(argv)

    def compare(self, argv):
        ours, real = self.run(argv)
        assert in_words_of_7_0(ours) == real, argv
        if argv[1] == b"SETUSER":
            self.compare_users(argv)

    def compare_users(self, argv):
        ours, real = (fields(reply) for reply in self.run([b"ACL", b"GETUSER", b"bob"]))
        for name in (b"flags", b"passwords", b"keys", b"channels"):
            # Unlike ours, 7.0's list of patterns with `*` among them cannot be read again.
            found = ours[name].replace(b"%RW~*", b"~*") if name == b"keys" else ours[name]
            assert found == real[name], (argv, name)
        assert len(ours[b"selectors"]) == len(real[b"selectors"]), argv
        twin = [b"ACL", b"SETUSER", b"twin", b"reset", *ours[b"commands"].split(b" ")]
        for selector in ours[b"selectors"]:
            parts = [selector[b"keys"], b"resetchannels", selector[b"channels"], selector[b"commands"]]
            twin.append(b"(" + b" ".join(part for part in parts if part) + b")")
        assert self.real.run(twin) == (b"+", b"OK"), twin
        shown = fields(self.real.run([b"ACL", b"GETUSER", b"twin"]))
        # First arguments are shown in the order of their rules, of which ours keeps the latest.
        assert sorted(shown[b"commands"].split()) == sorted(real[b"commands"].split()), (argv, twin)
        for one, other in zip(shown[b"selectors"], real[b"selectors"], strict=True):
            assert sorted(one.pop(b"commands").split()) == sorted(other.pop(b"commands").split()), (
                argv,
                twin,
            )
            assert one == other, (argv, twin)


def plain(reply):
    _, value = reply
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value


def fields(reply):
    values = plain(reply)
    found = dict(zip(values[::2], values[1::2], strict=True))
    found[b"flags"] = sorted(set(found.get(b"flags", [])) - CHANGED_SINCE_7_0)
    selectors = found.get(b"selectors", [])
    found[b"selectors"] = [dict(zip(one[::2], one[1::2], strict=True)) for one in selectors]
    return found


@pytest.fixture
def pair(real_server):
    real = Real(real_server)
    yield lambda: Pair(Ours(Served()), real)
    real.close()


def compare(pair, commands):
    servers = pair()
    for argv in commands:
        servers.compare(argv)


@settings(max_examples=60, **SETTINGS)
@given(commands=lines)
def test_against_a_real_server(pair, commands):
    compare(pair, commands)


@pytest.mark.long
def test_at_length_against_a_real_server(pair):
    compare_at_length(lambda commands: compare(pair, commands), [lines], COMMANDS_AT_LENGTH)


# In 8.2 otherwise than in 7.0.
CHANGED_CATEGORIES = {b"blocking": {b"wait"}}


def test_every_category_has_the_same_commands(real_server):
    """Of the commands that both have."""
    served = Served()

    def of_both(category):
        theirs = {
            bytes(name) for name in real_server.execute_command("ACL", "CAT", category, NEVER_DECODE=True)
        }
        return theirs & every_name(default.commands.values()), set(served.value([b"ACL", b"CAT", category]))

    real_names = {name for category in (b"fast", b"slow") for name in of_both(category)[0]}
    for _, category in ACL_CATEGORY_NAMES:
        real, ours = of_both(category)
        assert (ours & real_names) ^ real == CHANGED_CATEGORIES.get(category, set()), category


def every_name(commands):
    """The names of commands and their subcommands."""
    return {
        name
        for command in commands
        for name in (command.name, *every_name((command.subcommands or {}).values()))
    }
