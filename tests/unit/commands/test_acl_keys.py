"""For every command with keys: without permission for one of them the request is refused, and nothing happens.

The requests are made from the key specs in the registry, so that a command that comes later is tested too.
"""

import pytest

import redracer.commands
import redracer.types
from redracer.engine.acl.key_needs import READ, WRITE, key_needs, needed_permissions
from redracer.engine.acl.user import User
from redracer.engine.key_specs import NOT_KEY, Count, Index, Keyword
from redracer.engine.registry import default

from .served import Served

FILL = b"1"  # what stands where it does not matter; it counts keys as well
# Of commands whose keys no spec can tell.
BY_HAND = {
    b"sort": [b"SORT", b"k", b"STORE", b"k"],
    b"migrate": [b"MIGRATE", b"127.0.0.1", b"1", b"", b"0", b"10", b"KEYS", b"k", b"k"],
    b"sintercard": [b"SINTERCARD", b"2", b"k", b"k"],
}

redracer.commands.load()
redracer.types.load()


def with_keys(commands):
    for command in commands:
        if command.has_keys():
            yield command
        yield from with_keys((command.subcommands or {}).values())


COMMANDS = {command.name: command for command in with_keys(default.commands.values())}


def request(command):
    """A request with all the command's keys, named k0, k1, ... ; as good as the arity, no better."""
    argv = BY_HAND.get(command.name)
    if argv is None:
        argv = command.name.upper().split(b"|")
        for spec in command.key_specs:
            if spec.begin is not None and not spec.flags & NOT_KEY:
                extend(argv, spec)
        missing = abs(command.arity) - len(argv)
        argv += [FILL] * missing
        extend_to_the_end(argv, command)
    argv = list(argv)
    for number, (position, _) in enumerate(command.keys_with_flags(argv)):
        argv[position] = b"k%d" % number
    return argv


def extend(argv, spec):
    """Adds what the spec looks for, unless it is there."""
    if isinstance(spec.begin, Keyword):
        start = spec.begin.start
        if start > 0:
            argv += [FILL] * (start - len(argv))
        argv += [spec.begin.keyword, FILL]
        return
    assert isinstance(spec.begin, Index)
    last = spec.find.first if isinstance(spec.find, Count) else max(spec.find.last, 0)
    argv += [FILL] * (spec.begin.position + last + 1 - len(argv))


def extend_to_the_end(argv, command):
    """Adds arguments until ranges that end before the end have room, and halves are even."""
    for _ in range(4):
        if command.keys_with_flags(argv) and all(spec.find_keys(argv) != [] for spec in command.key_specs):
            return
        argv.append(FILL)


@pytest.mark.parametrize("name", COMMANDS, ids=lambda name: name.decode())
class TestEveryCommandWithKeys:
    def test_keys_are_found(self, name):
        argv = request(COMMANDS[name])
        assert COMMANDS[name].accepts(len(argv)), argv
        references = COMMANDS[name].keys_with_flags(argv)
        assert references, argv
        assert key_needs(COMMANDS[name], argv) == [
            (at, needed_permissions(flags)) for at, flags in references
        ]

    def test_none_are_found_in_a_request_that_is_too_short(self, name):
        argv = request(COMMANDS[name])
        for length in range(1, len(argv)):
            found = COMMANDS[name].keys_with_flags(argv[:length])
            assert key_needs(COMMANDS[name], argv[:length]) == [
                (at, needed_permissions(flags)) for at, flags in found
            ]

    def test_each_needs_permission(self, name):
        command = COMMANDS[name]
        argv = request(command)
        references = command.keys_with_flags(argv)
        for denied, (position, flags) in enumerate(references):
            needed = needed_permissions(flags)
            for permission, prefix in ((READ, b"%W~"), (WRITE, b"%R~"), (READ | WRITE, b"")):
                user = User(b"bob", False)
                rules = [
                    b"+@all",
                    *(b"~k%d" % number for number in range(len(references)) if number != denied),
                ]
                rules += [prefix + argv[position]] if prefix else []
                user.apply_all(rules, default.commands)
                denial = user.check(command, argv)
                if prefix and not needed & permission:
                    assert denial is None, (argv, rules)
                else:
                    assert denial is not None and denial.position == position, (argv, rules)


def test_a_refused_request_has_no_effect():
    served = Served()
    run = served.run
    for line in (b"SET k0 1", b"SET k1 1", b"ACL SETUSER bob on nopass +@all ~other"):
        assert run(line) == b"+OK\r\n"
    assert run(b"AUTH bob any", "theirs") == b"+OK\r\n"
    engine = served.engine
    before = (engine.effects.dirty, engine.databases[0].get_string(b"k0"), len(engine.databases[0]))
    for name, command in COMMANDS.items():
        argv = request(command)
        assert run(argv, "theirs") == b"-NOPERM No permissions to access a key\r\n", name
        assert served.client("theirs").blocked is None
    assert (engine.effects.dirty, engine.databases[0].get_string(b"k0"), len(engine.databases[0])) == before
