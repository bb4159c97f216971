"""COMMAND: its shapes are Redis's, element for element, over a table of commands made for the test."""

import types

import pytest

from redracer.commands import command as commands
from redracer.core.errors import CommandError
from redracer.core.replies import Map, Set, Status
from redracer.engine import flags as f
from redracer.engine import registry
from redracer.engine.grammar import block, integer, key, one_of, pattern, string, token, unix_time
from redracer.engine.key_specs import (
    ACCESS,
    DELETE,
    INCOMPLETE,
    OW,
    RO,
    RW,
    UPDATE,
    VARIABLE_FLAGS,
    Key,
    KeyKeyword,
    KeyNum,
    UnknownKeys,
)


def handler(ctx, args):
    """Does nothing."""


def set_keys(args):
    flags = RW | ACCESS | UPDATE if b"GET" in args[3:] else OW | UPDATE
    return [(1, flags)]


def sort_keys(args):
    store = [(args.index(b"STORE") + 1, OW | UPDATE)] if b"STORE" in args else []
    return [(1, RO | ACCESS), *store]


def declared():
    """A table with one command of each kind of key spec, and a container."""
    target = registry.Registry()
    target.command(
        "GET",
        arity=2,
        flags=f.READONLY | f.FAST,
        keys=Key(1, RO | ACCESS),
        group=f.STRING,
        since="1.0.0",
        complexity="O(1)",
        args=[key()],
    )(handler)
    target.command(
        "SET",
        arity=-3,
        flags=f.WRITE | f.DENYOOM,
        keys=Key(1, RW | ACCESS | UPDATE | VARIABLE_FLAGS, "RW because of GET"),
        find_keys=set_keys,
        group=f.STRING,
        since="1.0.0",
        args=[
            key(),
            string("value"),
            one_of("condition", token("NX"), token("XX"), since="2.6.12", optional=True),
            unix_time("unix-time-seconds", token="EXAT", optional=True, display="seconds"),
        ],
        history=[("2.6.12", "Added options.")],
        deprecated_since="9.0.0",
        replaced_by="`GET`",
        hints=["request_policy:all_shards"],
    )(handler)
    target.command(
        "SORT",
        arity=-2,
        flags=f.WRITE | f.DENYOOM,
        keys=(Key(1, RO | ACCESS), UnknownKeys(RO | ACCESS), UnknownKeys(OW | UPDATE)),
        find_keys=sort_keys,
        group=f.GENERIC,
        group_acl=False,
        acl=f.ACL_SET | f.ACL_SORTED_SET | f.ACL_LIST | f.ACL_DANGEROUS,
        since="1.0.0",
        args=[
            key(),
            block("limit", integer("offset"), integer("count"), token="LIMIT", optional=True),
            pattern(key_spec_index=1, token="GET", optional=True, multiple=True, multiple_token=True),
        ],
    )(handler)
    target.command(
        "EVAL",
        arity=-3,
        flags=f.NOSCRIPT | f.NO_MANDATORY_KEYS | f.MAY_REPLICATE,
        keys=KeyNum(2, RW | ACCESS | UPDATE),
        group=f.SCRIPTING,
        since="2.6.0",
    )(handler)
    target.command(
        "MIGRATE",
        arity=-6,
        flags=f.WRITE,
        keys=(
            Key(3, RW | ACCESS | DELETE | INCOMPLETE),
            KeyKeyword("KEYS", -2, RW | ACCESS | DELETE | INCOMPLETE, last=-1),
        ),
        find_keys=lambda args: [(3, RW)],
        group=f.GENERIC,
        since="2.6.0",
    )(handler)
    target.command("PING", arity=-1, flags=f.FAST, group=f.CONNECTION, since="1.0.0")(handler)
    target.container("CONFIG", group=f.SERVER, since="2.0.0", summary="A container.", help_since="5.0.0")
    target.command("CONFIG|GET", arity=-3, flags=f.ADMIN, group=f.SERVER, since="2.0.0")(handler)
    return target.build_table()


@pytest.fixture
def context():
    return types.SimpleNamespace(engine=types.SimpleNamespace(commands=declared()))


def plain(reply):
    """A reply as plain data: a Map as ("map", {...}), a Set as ("set", [...]), a Status as str."""
    if isinstance(reply, Status):
        return reply.text.decode()
    if isinstance(reply, Set):
        return ("set", [plain(item) for item in reply.items])
    if isinstance(reply, Map):
        items = [plain(item) for item in reply.items]
        return ("map", dict(zip(items[::2], items[1::2], strict=True)))
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    return reply


def call(run, context, line):
    return plain(run(context, line.split()))


def typed(kind, spec):
    return ("map", {b"type": kind, b"spec": ("map", spec)})


class TestInfo:
    def test_of_a_command_with_one_key(self, context):
        [info] = call(commands.command_info, context, b"COMMAND INFO get")
        assert info == [
            b"get",
            2,
            ("set", ["readonly", "fast"]),
            1,
            1,
            1,
            ("set", ["@read", "@string", "@fast"]),
            ("set", []),
            (
                "set",
                [
                    (
                        "map",
                        {
                            b"flags": ("set", ["RO", "access"]),
                            b"begin_search": typed(b"index", {b"index": 1}),
                            b"find_keys": typed(b"range", {b"lastkey": 0, b"keystep": 1, b"limit": 0}),
                        },
                    )
                ],
            ),
            ("set", []),
        ]

    def test_of_keys_that_no_spec_tells(self, context):
        [info] = call(commands.command_info, context, b"COMMAND INFO SORT")
        assert info[1:7] == [
            -2,
            ("set", ["write", "denyoom", "movablekeys"]),
            1,
            1,
            1,
            ("set", ["@write", "@set", "@sortedset", "@list", "@slow", "@dangerous"]),
        ]
        unknown = info[8][1][1][1]
        assert unknown[b"begin_search"] == unknown[b"find_keys"] == typed(b"unknown", {})

    def test_of_counted_keys(self, context):
        [info] = call(commands.command_info, context, b"COMMAND INFO eval")
        assert info[2:6] == [("set", ["noscript", "no_mandatory_keys", "movablekeys"]), 0, 0, 0]
        spec = info[8][1][0][1]
        assert spec[b"begin_search"] == typed(b"index", {b"index": 2})
        assert spec[b"find_keys"] == typed(b"keynum", {b"keynumidx": 0, b"firstkey": 1, b"keystep": 1})

    def test_of_keys_after_a_keyword(self, context):
        [info] = call(commands.command_info, context, b"COMMAND INFO migrate")
        assert info[3:6] == [3, 3, 1]
        spec = info[8][1][1][1]
        assert spec[b"begin_search"] == typed(b"keyword", {b"keyword": b"KEYS", b"startfrom": -2})
        assert spec[b"flags"] == ("set", ["RW", "access", "delete", "incomplete"])

    def test_notes_and_hints(self, context):
        [info] = call(commands.command_info, context, b"COMMAND INFO set")
        assert info[7] == ("set", [b"request_policy:all_shards"])
        assert info[8][1][0][1][b"notes"] == b"RW because of GET"

    def test_of_a_container_nests_its_subcommands(self, context):
        [info] = call(commands.command_info, context, b"COMMAND INFO config")
        assert info[:7] == [b"config", -2, ("set", []), 0, 0, 0, ("set", ["@slow"])]
        assert [sub[0] for sub in info[9]] == [b"config|help", b"config|get"]

    def test_of_a_subcommand_and_of_nothing(self, context):
        found = call(
            commands.command_info, context, b"COMMAND INFO CONFIG|GET nothing config|get|key get|key"
        )
        assert found[0][0] == b"config|get" and found[0][9] == ("set", [])
        assert found[1:] == [None, None, None]

    def test_without_names_and_command_itself_tell_all(self, context):
        names = [info[0] for info in call(commands.command_info, context, b"COMMAND INFO")]
        assert names == [b"get", b"set", b"sort", b"eval", b"migrate", b"ping", b"config"]
        assert call(commands.command_all, context, b"COMMAND") == call(
            commands.command_info, context, b"COMMAND INFO"
        )

    def test_count_leaves_subcommands_out(self, context):
        assert call(commands.command_count, context, b"COMMAND COUNT") == 7


class TestDocs:
    def test_of_a_command_with_everything(self, context):
        kind, docs = call(commands.command_docs, context, b"COMMAND DOCS set")
        assert kind == "map" and list(docs) == [b"set"]
        kind, fields = docs[b"set"]
        assert kind == "map"
        arguments = fields.pop(b"arguments")
        assert fields == {
            b"summary": b"Does nothing.",
            b"since": b"1.0.0",
            b"group": b"string",
            b"doc_flags": ("set", ["deprecated"]),
            b"deprecated_since": b"9.0.0",
            b"replaced_by": b"`GET`",
            b"history": ("set", [[b"2.6.12", b"Added options."]]),
        }
        assert [argument[1] for argument in arguments[:2]] == [
            {b"name": b"key", b"type": b"key", b"display_text": b"key", b"key_spec_index": 0},
            {b"name": b"value", b"type": b"string", b"display_text": b"value"},
        ]

    def test_of_a_choice_and_of_a_token(self, context):
        _, docs = call(commands.command_docs, context, b"COMMAND DOCS set")
        choice, expiry = (argument[1] for argument in docs[b"set"][1][b"arguments"][2:])
        nx = {b"name": b"nx", b"type": b"pure-token", b"display_text": b"nx", b"token": b"NX"}
        xx = {b"name": b"xx", b"type": b"pure-token", b"display_text": b"xx", b"token": b"XX"}
        assert choice == {
            b"name": b"condition",
            b"type": b"oneof",
            b"since": b"2.6.12",
            b"flags": ("set", ["optional"]),
            b"arguments": [("map", nx), ("map", xx)],
        }
        assert expiry == {
            b"name": b"unix-time-seconds",
            b"type": b"unix-time",
            b"display_text": b"seconds",
            b"token": b"EXAT",
            b"flags": ("set", ["optional"]),
        }

    def test_of_a_block_and_of_repeated_tokens(self, context):
        _, docs = call(commands.command_docs, context, b"COMMAND DOCS sort")
        limit, get = (argument[1] for argument in docs[b"sort"][1][b"arguments"][1:])
        assert limit[b"type"] == b"block" and b"display_text" not in limit
        assert [inner[1][b"name"] for inner in limit[b"arguments"]] == [b"offset", b"count"]
        assert get[b"flags"] == ("set", ["optional", "multiple", "multiple_token"])
        assert get[b"key_spec_index"] == 1

    def test_of_a_container_nests_its_subcommands(self, context):
        _, docs = call(commands.command_docs, context, b"COMMAND DOCS config")
        fields = docs[b"config"][1]
        assert fields[b"summary"] == b"A container."
        assert list(fields[b"subcommands"][1]) == [b"config|help", b"config|get"]

    def test_leaves_unknown_names_out(self, context):
        assert call(commands.command_docs, context, b"COMMAND DOCS nothing") == ("map", {})

    def test_without_names_tells_all(self, context):
        _, docs = call(commands.command_docs, context, b"COMMAND DOCS")
        assert len(docs) == 7


class TestList:
    @pytest.mark.parametrize(
        ("line", "names"),
        [
            (b"COMMAND LIST FILTERBY PATTERN conf*|*", [b"config|help", b"config|get"]),
            (b"COMMAND LIST FILTERBY pattern GET", [b"get"]),
            (b"COMMAND LIST filterby ACLCAT String", [b"get", b"set"]),
            (b"COMMAND LIST filterby aclcat nothing", []),
            (b"COMMAND LIST filterby module anything", []),
        ],
    )
    def test_filters(self, context, line, names):
        assert call(commands.command_list, context, line) == names

    def test_holds_subcommands(self, context):
        names = call(commands.command_list, context, b"COMMAND LIST")
        assert {b"config", b"config|get", b"get"} <= set(names) and len(names) == 9

    @pytest.mark.parametrize(
        "line",
        [
            b"COMMAND LIST x",
            b"COMMAND LIST FILTERBY x",
            b"COMMAND LIST FILTERBY x y",
            b"COMMAND LIST FILTERBY pattern x y",
            b"COMMAND LIST x pattern y",
        ],
    )
    def test_refuses_other_syntax(self, context, line):
        with pytest.raises(CommandError) as refusal:
            call(commands.command_list, context, line)
        assert refusal.value.text == b"ERR syntax error"


class TestGetkeys:
    @pytest.mark.parametrize(
        ("line", "keys"),
        [
            (b"COMMAND GETKEYS GET a", [b"a"]),
            (b"COMMAND GETKEYS eval s 2 a b c", [b"a", b"b"]),
            (b"COMMAND GETKEYS eval s 0", []),
            (b"COMMAND GETKEYS sort a STORE b", [b"a", b"b"]),
        ],
    )
    def test_names(self, context, line, keys):
        assert call(commands.command_getkeys, context, line) == keys

    def test_with_flags(self, context):
        assert call(commands.command_getkeysandflags, context, b"COMMAND GETKEYSANDFLAGS set k v") == [
            [b"k", ("set", ["OW", "update"])]
        ]
        assert call(commands.command_getkeysandflags, context, b"COMMAND GETKEYSANDFLAGS set k v GET") == [
            [b"k", ("set", ["RW", "access", "update"])]
        ]

    @pytest.mark.parametrize(
        ("line", "text"),
        [
            (b"COMMAND GETKEYS nothing a", b"ERR Invalid command specified"),
            (b"COMMAND GETKEYS config nothing", b"ERR Invalid command specified"),
            (b"COMMAND GETKEYS ping", b"ERR The command has no key arguments"),
            (b"COMMAND GETKEYS get", b"ERR Invalid number of arguments specified for command"),
            (b"COMMAND GETKEYS get a b", b"ERR Invalid number of arguments specified for command"),
        ],
    )
    def test_refusals(self, context, line, text):
        with pytest.raises(CommandError) as refusal:
            call(commands.command_getkeys, context, line)
        assert refusal.value.text == text

    def test_malformed_arguments(self, context):
        context.engine.commands[b"eval"].flags &= ~f.NO_MANDATORY_KEYS
        with pytest.raises(CommandError) as refusal:
            call(commands.command_getkeys, context, b"COMMAND GETKEYS eval s x a")
        assert refusal.value.text == b"ERR Invalid arguments specified for command"


def test_help_lists_every_subcommand(context):
    table = registry.default.build_table()
    context.engine.commands = table
    help_handler = table[b"command"].subcommands[b"help"].handler
    lines = call(help_handler, context, b"COMMAND HELP")
    assert lines[0] == "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert lines[1] == "(no subcommand)"
    assert "GETKEYS <command> [<arg> ...]" in lines
    assert "LIST [FILTERBY (MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>)]" in lines
    assert lines[-2:] == ["HELP", "    Print this help."]
