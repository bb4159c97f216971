"""The registry: declarations and their mistakes, key extraction, tables; compiled and as plain Python."""

import importlib.machinery
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import redracer.engine
from redracer.engine import flags as f
from redracer.engine import grammar, key_specs
from redracer.engine.key_specs import (
    ACCESS,
    DELETE,
    INCOMPLETE,
    INSERT,
    NOT_KEY,
    OW,
    RO,
    RW,
    UPDATE,
    VARIABLE_FLAGS,
    Key,
    KeyKeyword,
    KeyNum,
    Keys,
    UnknownKeys,
)


def plain_module() -> ModuleType:
    path = Path(redracer.engine.__path__[0]) / "registry.py"
    loader = importlib.machinery.SourceFileLoader("registry_uncompiled", str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(params=["installed", "plain"], scope="module")
def registry(request: pytest.FixtureRequest) -> ModuleType:
    if request.param == "plain":
        return plain_module()
    return importlib.import_module("redracer.engine.registry")


def handler(ctx, args):
    """Returns the arguments.

    More about it.
    """
    return args


def declare(registry, name="THING", into=None, **changes):
    """Declares a command with sensible parts, changed as told; returns its Command."""
    parts = {"arity": -2, "group": f.GENERIC, "since": "1.0.0"} | changes
    target = into or registry.Registry()
    assert target.command(name, **parts)(handler) is handler
    return registry.lookup_name(target.commands, name.lower().encode())


class TestDeclaration:
    def test_fields(self, registry):
        command = declare(
            registry,
            "GET",
            arity=2,
            flags=f.READONLY | f.FAST,
            keys=Key(1, RO | ACCESS),
            group=f.STRING,
            complexity="O(1)",
            args=[grammar.key()],
            history=[("2.0.0", "More.")],
            hints=["nondeterministic_output"],
            deprecated_since="3.0.0",
            replaced_by="`SET`",
        )
        assert command.name == b"get"
        assert command.handler is handler
        assert command.arity == 2
        assert command.flags == f.READONLY | f.FAST
        assert command.acl_categories == f.ACL_READ | f.ACL_STRING | f.ACL_FAST
        assert (command.first_key, command.last_key, command.key_step) == (1, 1, 1)
        assert command.subcommands is None and command.parent is None
        assert command.documentation.summary == "Returns the arguments."
        assert command.documentation.doc_flags == f.DEPRECATED
        assert command.documentation.history == (("2.0.0", "More."),)
        counters = (command.calls, command.nanoseconds, command.rejected_calls, command.failed_calls)
        assert counters == (0, 0, 0, 0)

    def test_lowers_the_name_and_takes_a_space_for_a_bar(self, registry):
        target = registry.Registry()
        target.container("CONFIG", group=f.SERVER, since="2.0.0", summary="A container.")
        declare(registry, "CONFIG GET", target)
        declare(registry, "CONFIG|SET", target)
        container = target.commands[b"config"]
        assert container.arity == -2 and container.handler is None
        assert container.acl_categories == f.ACL_SLOW
        assert {word: sub.name for word, sub in container.subcommands.items()} == {
            b"get": b"config|get",
            b"set": b"config|set",
        }
        assert container.subcommands[b"get"].parent is container

    def test_a_command_with_a_handler_may_hold_subcommands(self, registry):
        target = registry.Registry()
        declare(registry, "COMMAND", target, arity=-1)
        declare(registry, "COMMAND|COUNT", target, arity=2)
        assert set(target.commands[b"command"].subcommands) == {b"count"}

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"arity": 0}, "arity"),
            ({"flags": f.MOVABLEKEYS}, "unknown flags"),
            ({"flags": f.WRITE | f.READONLY}, "both WRITE and READONLY"),
            ({"acl": 1 << 40}, "unknown ACL"),
            ({"doc_flags": 4}, "documentation flags"),
            ({"group": "jokes"}, "unknown group"),
            ({"since": ""}, "since which version"),
            ({"keys": UnknownKeys(RO)}, "find_keys"),
            ({"keys": Key(1, RO | INCOMPLETE)}, "find_keys"),
            ({"arity": 2, "keys": Key(2, RO)}, "beyond the arity"),
            ({"args": [grammar.key()]}, "key spec that is not there"),
            ({"args": [grammar.block("b", grammar.key(key_spec_index=1))], "keys": Key(1, RO)}, "not there"),
        ],
    )
    def test_refuses_parts_that_do_not_fit(self, registry, changes, text):
        with pytest.raises(registry.RegistrationError, match=text):
            declare(registry, **changes)

    @pytest.mark.parametrize("name", ["", "A|", "|A", "A|B|C"])
    def test_refuses_a_malformed_name(self, registry, name):
        with pytest.raises(registry.RegistrationError, match="not a command's name"):
            declare(registry, name)

    def test_refuses_a_duplicate_whatever_its_case(self, registry):
        target = registry.Registry()
        declare(registry, "GET", target)
        with pytest.raises(registry.RegistrationError, match="twice"):
            declare(registry, "get", target)

    def test_refuses_a_subcommand_without_its_container(self, registry):
        with pytest.raises(registry.RegistrationError, match="container is not registered"):
            declare(registry, "CONFIG|GET")

    def test_refuses_a_handler_without_docstring(self, registry):
        with pytest.raises(registry.RegistrationError, match="docstring"):
            registry.Registry().command("A", arity=1, group=f.SERVER, since="1.0.0")(lambda ctx, args: None)


class TestAclCategories:
    @pytest.mark.parametrize(
        ("changes", "categories"),
        [
            ({"flags": f.WRITE}, f.ACL_WRITE | f.ACL_KEYSPACE | f.ACL_SLOW),
            ({"flags": f.WRITE, "group_acl": False}, f.ACL_WRITE | f.ACL_SLOW),
            (
                {"flags": f.ADMIN | f.FAST, "group": f.SERVER},
                f.ACL_ADMIN | f.ACL_DANGEROUS | f.ACL_FAST,
            ),
            ({"flags": f.PUBSUB, "group": f.PUBSUB_GROUP}, f.ACL_PUBSUB | f.ACL_SLOW),
            ({"flags": f.READONLY, "group": f.SCRIPTING}, f.ACL_SCRIPTING | f.ACL_SLOW),
            (
                {"flags": f.BLOCKING | f.WRITE, "group": f.LIST},
                f.ACL_LIST | f.ACL_BLOCKING | f.ACL_WRITE | f.ACL_SLOW,
            ),
            (
                {"acl": f.ACL_DANGEROUS, "flags": f.READONLY},
                f.ACL_READ | f.ACL_KEYSPACE | f.ACL_DANGEROUS | f.ACL_SLOW,
            ),
        ],
    )
    def test_follow_from_flags_and_group(self, registry, changes, categories):
        assert declare(registry, **changes).acl_categories == categories


def store_keys(args):
    """As SORT: its key, and the one after STORE."""
    found = [(1, RO)]
    if args[-2:-1] == [b"STORE"]:
        found.append((len(args) - 1, OW))
    return found


class TestKeys:
    @pytest.mark.parametrize(
        ("keys", "args", "positions"),
        [
            (Key(1, RO), b"get k", [1]),
            (Key(2, RO), b"object encoding k", [2]),
            (Keys(1, RO), b"del a b c", [1, 2, 3]),
            (Keys(1, OW, step=2), b"mset a 1 b 2", [1, 3]),
            (Keys(1, RW, last=-2), b"blpop a b 0", [1, 2]),
            (Keys(1, RW, last=1), b"rename a b", [1, 2]),
            (KeyNum(1, RO), b"sintercard 2 a b LIMIT 1", [2, 3]),
            (KeyNum(2, RW), b"eval s 1 k v", [3]),
            (KeyKeyword("STREAMS", 1, RO, last=-1, limit=2), b"xread COUNT 1 streams a b 0 0", [4, 5]),
            (KeyKeyword("STORE", 5, OW), b"georadius k 1 1 1 m STORE d", [7]),
            (KeyKeyword("STORE", 5, OW), b"georadius k 1 1 1 m", []),
            (KeyKeyword("KEYS", -2, RW, last=-1), b"migrate h p k 0 1 KEYS a b", [7, 8]),
            (KeyKeyword("KEYS", -2, RW, last=-1), b"migrate h p k 0 1 KEYS a", [7]),
            ((Key(1, OW), KeyNum(2, RO)), b"zunionstore d 2 a b", [1, 3, 4]),
            ((Key(1, RO), Key(2, NOT_KEY)), b"thing a b", [1]),
            ((), b"ping", []),
        ],
    )
    def test_are_found_by_specs(self, registry, keys, args, positions):
        command = declare(registry, keys=keys)
        assert command.keys(args.split()) == positions

    @pytest.mark.parametrize(
        ("keys", "args"),
        [
            (Key(2, RO), b"object encoding"),
            (KeyNum(1, RO), b"sintercard"),
            (KeyNum(1, RO), b"sintercard x a"),
            (KeyNum(1, RO), b"sintercard -1 a"),
            (KeyNum(1, RO), b"sintercard 01 a"),
            (KeyNum(1, RO), b"sintercard 99999999999999999999 a"),
            (KeyNum(1, RO), b"sintercard 2 a"),
            (KeyNum(1, RO), b"sintercard 0 a"),
            (KeyKeyword("STREAMS", 1, RO, last=-1, limit=2), b"xread STREAMS a"),
            (UnknownKeys(RO), b"sort a"),
        ],
    )
    def test_malformed_arguments_have_no_keys(self, registry, keys, args):
        command = declare(registry, keys=keys, find_keys=lambda args: [])
        assert command.keys(args.split()) == []

    def test_flags_come_with_the_positions(self, registry):
        command = declare(registry, keys=(Key(1, RW | ACCESS | DELETE), Key(2, RW | INSERT)))
        assert command.keys_with_flags([b"lmove", b"a", b"b"]) == [
            (1, RW | ACCESS | DELETE),
            (2, RW | INSERT),
        ]

    @pytest.mark.parametrize(
        "keys", [(Key(1, RO), UnknownKeys(OW)), Key(1, RO | INCOMPLETE), Key(1, RO | VARIABLE_FLAGS)]
    )
    def test_the_function_answers_where_the_specs_cannot(self, registry, keys):
        command = declare(registry, keys=keys, find_keys=store_keys)
        assert command.keys_with_flags([b"sort", b"a", b"STORE", b"b"]) == [(1, RO), (3, OW)]

    def test_has_keys(self, registry):
        assert declare(registry, keys=Key(1, RO)).has_keys()
        assert declare(registry, find_keys=store_keys).has_keys()
        assert not declare(registry, keys=Key(1, NOT_KEY)).has_keys()
        assert not declare(registry).has_keys()

    @pytest.mark.parametrize(
        ("specs", "expected"),
        [
            ((), (0, 0, 0, False)),
            ((Keys(1, OW, step=2),), (1, -1, 2, False)),
            ((Key(1, RO), Key(2, RO)), (1, 2, 1, False)),
            ((Key(1, RO), Key(3, RO)), (1, 1, 1, True)),
            ((Key(2, OW), Keys(3, RO)), (2, -1, 1, False)),
            ((Key(1, OW), KeyNum(2, RO)), (1, 1, 1, True)),
            ((KeyNum(2, RO),), (0, 0, 0, True)),
            ((Key(1, RO), UnknownKeys(RO), UnknownKeys(OW)), (1, 1, 1, True)),
            ((Key(3, RW | INCOMPLETE), KeyKeyword("KEYS", -2, RW, last=-1)), (3, 3, 1, True)),
            ((Key(1, RO | INCOMPLETE),), (1, 1, 1, True)),
        ],
    )
    def test_first_last_step_as_redis_derives_them(self, specs, expected):
        assert key_specs.first_last_step(specs) == expected

    @pytest.mark.parametrize(
        "make",
        [
            lambda: Key(0, RO),
            lambda: Key(1, 0),
            lambda: Key(1, RO | RW),
            lambda: Key(1, UPDATE),
            lambda: Key(1, RO | 1 << 30),
            lambda: Keys(1, RO, step=0),
            lambda: Keys(1, RO, last=-2, limit=2),
            lambda: KeyKeyword("", 1, RO),
            lambda: KeyKeyword("STORE", 0, RO),
        ],
    )
    def test_a_spec_that_makes_no_sense_is_refused(self, make):
        with pytest.raises(ValueError):
            make()


class TestTable:
    def filled(self, registry):
        target = registry.Registry()
        declare(registry, "GET", target)
        declare(registry, "SET", target)
        target.container("CONFIG", group=f.SERVER, since="2.0.0", summary="A container.")
        declare(registry, "CONFIG|GET", target)
        return target

    def test_each_has_its_own_statistics(self, registry):
        target = self.filled(registry)
        one, two = target.build_table(), target.build_table()
        one[b"get"].calls += 1
        one[b"config"].subcommands[b"get"].nanoseconds += 5
        assert two[b"get"].calls == 0 and target.commands[b"get"].calls == 0
        assert two[b"config"].subcommands[b"get"].nanoseconds == 0
        assert one[b"config"].subcommands[b"get"].parent is one[b"config"]
        one[b"get"].reset_statistics()
        assert one[b"get"].calls == 0

    def test_a_copy_is_the_same_declaration(self, registry):
        target = registry.Registry()
        keys = (KeyNum(2, RO),)
        original = declare(registry, "EVAL", target, keys=keys, flags=f.NOSCRIPT, acl=f.ACL_SCRIPTING)
        twin = target.build_table()[b"eval"]
        assert twin is not original
        for field in ("name", "handler", "arity", "flags", "acl_categories", "key_specs", "documentation"):
            assert getattr(twin, field) == getattr(original, field)

    def test_renames(self, registry):
        table = self.filled(registry).build_table({b"GET": b"Fetch", b"set": b""})
        assert set(table) == {b"fetch", b"config"}
        assert table[b"fetch"].name == b"get"

    def test_swapped_names_are_refused_in_redis_words(self, registry):
        target = self.filled(registry)
        with pytest.raises(registry.RegistrationError, match="No such command in rename-command"):
            target.build_table({b"nothing": b"x"})
        with pytest.raises(registry.RegistrationError, match="Target command name already exists"):
            target.build_table({b"get": b"SET"})

    def test_lookup(self, registry):
        table = self.filled(registry).build_table()
        assert registry.lookup(table, [b"GeT", b"x"]).name == b"get"
        assert registry.lookup(table, [b"config", b"GET", b"x"]).name == b"config|get"
        assert registry.lookup(table, [b"config"]).name == b"config"
        assert registry.lookup(table, [b"config", b"nothing"]) is None
        assert registry.lookup(table, [b"nothing"]) is None

    def test_lookup_name(self, registry):
        table = self.filled(registry).build_table()
        assert registry.lookup_name(table, b"CONFIG|Get").name == b"config|get"
        for name in (b"get|key", b"config|get|key", b"config|", b"nothing|get"):
            assert registry.lookup_name(table, name) is None

    def test_unknown_commands_are_refused_in_redis_words(self, registry):
        table = self.filled(registry).build_table()
        assert (
            registry.unknown_command(table, [b"config", b"x"]).text
            == b"ERR unknown subcommand 'x'. Try CONFIG HELP."
        )
        assert (
            registry.unknown_command(table, [b"foo", b"a", b"b"]).text
            == b"ERR unknown command 'foo', with args beginning with: 'a' 'b' "
        )

    def test_accepts(self, registry):
        exact, least = declare(registry, arity=2), declare(registry, arity=-2)
        assert [exact.accepts(count) for count in (1, 2, 3)] == [False, True, False]
        assert [least.accepts(count) for count in (1, 2, 3)] == [False, True, True]


class TestHelp:
    def test_derives_from_the_subcommands(self, registry):
        target = registry.Registry()
        target.container("CONFIG", group=f.SERVER, since="2.0.0", summary="A container.", help_since="5.0.0")
        declare(registry, "CONFIG|GET", target, args=[grammar.string("pattern", multiple=True)])
        container = target.commands[b"config"]
        assert container.subcommands[b"help"].flags == f.LOADING | f.STALE
        assert [line.text for line in registry.help_text(container)] == [
            b"CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
            b"GET <pattern> [<pattern> ...]",
            b"    Returns the arguments.",
            b"HELP",
            b"    Print this help.",
        ]


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "line"),
        [
            ((grammar.key(), grammar.string("value")), "<key> <value>"),
            ((grammar.key(multiple=True),), "<key> [<key> ...]"),
            ((grammar.key(optional=True, multiple=True),), "[<key> ...]"),
            ((grammar.integer("count", token="COUNT", optional=True),), "[COUNT <count>]"),
            (
                (grammar.one_of("condition", grammar.token("NX"), grammar.token("XX"), optional=True),),
                "[NX|XX]",
            ),
            (
                (grammar.one_of("where", grammar.token("LEFT"), grammar.token("RIGHT")),),
                "(LEFT|RIGHT)",
            ),
            (
                (grammar.block("limit", grammar.integer("a"), grammar.integer("b"), token="LIMIT"),),
                "LIMIT <a> <b>",
            ),
            (
                (grammar.pattern(token="GET", optional=True, multiple=True, multiple_token=True),),
                "[GET <pattern> ...]",
            ),
            (
                (grammar.key(token="KEYS", optional=True, multiple=True),),
                "[KEYS <key> [<key> ...]]",
            ),
            ((grammar.string("x", display="shown"),), "<shown>"),
        ],
    )
    def test_line(self, arguments, line):
        assert grammar.usage(arguments) == line

    def test_groups_need_members(self):
        with pytest.raises(ValueError):
            grammar.one_of("choice", grammar.token("NX"))
        with pytest.raises(ValueError):
            grammar.block("nothing")
