"""Users, their rules, and what is refused to them."""

import hashlib
import hmac
from types import SimpleNamespace

import pytest

from redracer.core.session import CLOSED
from redracer.engine.acl.definitions import DefinitionError
from redracer.engine.config import ConfigError
from redracer.engine.config_file import ConfigFileError, load_text
from redracer.engine.gates import GATE_AUTHENTICATION, GATE_USER
from redracer.engine.key_specs import Channels
from redracer.net.front import Front

from .served import Served

DIGEST = hashlib.sha256(b"secret").hexdigest()


def line_of(served, user):
    return served.engine.acl.users[user.encode()].describe().decode()


def set_user(served, *rules, name="bob"):
    assert served.run([b"ACL", b"SETUSER", name.encode(), *(rule.encode() for rule in rules)]) == b"+OK\r\n"


def refused(served, *rules):
    return served.error([b"ACL", b"SETUSER", b"bob", *(rule.encode() for rule in rules)])


def be(served, user="bob", connection="theirs"):
    assert served.run([b"AUTH", user.encode(), b"any"], connection) == b"+OK\r\n"
    return lambda line: served.run(line, connection)


class TestRules:
    def test_a_new_server_has_one_user_who_may_do_everything(self, served):
        assert served.value(b"ACL LIST") == [b"user default on nopass sanitize-payload ~* &* +@all"]
        assert served.value(b"ACL USERS") == [b"default"]
        assert served.value(b"ACL WHOAMI") == b"default"

    def test_a_new_user_may_do_nothing(self, served):
        set_user(served)
        assert line_of(served, "bob") == "off sanitize-payload resetchannels -@all"

    @pytest.mark.parametrize(
        ("rules", "line"),
        [
            ("+get +set -get", "-@all +set -get"),
            ("+@read -get +get", "-@all +@read +get"),
            ("+config|get +config", "-@all +config"),
            ("+config -config|set", "-@all +config -config|set"),
            ("+@all -@dangerous", "+@all -@dangerous"),
            ("-@all +GET", "-@all +get"),
            ("+@all +client|id", "+@all +client|id"),
            ("+select|0 +SELECT|0", "-@all +select|0"),
            ("+select|0 +select", "-@all +select"),
            ("+get allcommands", "+@all"),
            ("+get nocommands", "-@all"),
        ],
    )
    def test_rules_about_commands_are_kept_as_given(self, served, rules, line):
        set_user(served, *rules.split())
        assert line_of(served, "bob") == f"off sanitize-payload resetchannels {line}"

    def test_keys_and_channels(self, served):
        set_user(served, "~a", "%R~b", "%rw~c", "%W~b", "&x", "&y", "&x")
        assert line_of(served, "bob") == "off sanitize-payload ~a ~b ~c resetchannels &x &y -@all"
        set_user(served, "allkeys", "allchannels")
        assert line_of(served, "bob") == "off sanitize-payload ~* &* -@all"
        set_user(served, "resetkeys", "resetchannels", "%R~d")
        assert line_of(served, "bob") == "off sanitize-payload %R~d resetchannels -@all"

    def test_selectors(self, served):
        set_user(served, "(+get", "~a", "%R~b)", "(+set ~c)", "+ping")
        assert line_of(served, "bob").endswith(
            "-@all +ping (~a %R~b resetchannels -@all +get) (~c resetchannels -@all +set)"
        )
        set_user(served, "clearselectors")
        assert line_of(served, "bob").endswith("resetchannels -@all +ping")

    def test_what_is_listed_makes_the_same_user(self, served):
        set_user(served, "on", ">secret", "+@all", "-@admin", "+config|get", "~x", "(+get ~y &z)")
        line = line_of(served, "bob")
        set_user(served, *line.split(), name="twin")
        assert line_of(served, "twin") == line

    def test_reset(self, served):
        set_user(served, "on", "nopass", "allkeys", "allchannels", "+@all", "(+get)", "skip-sanitize-payload")
        set_user(served, "reset")
        assert line_of(served, "bob") == "off sanitize-payload resetchannels -@all"

    @pytest.mark.parametrize(
        ("rules", "modifier", "reason"),
        [
            (["+nothing"], "+nothing", "Unknown command or category name in ACL"),
            (["+@nothing"], "+@nothing", "Unknown command or category name in ACL"),
            (["-config|nothing"], "-config|nothing", "Unknown command or category name in ACL"),
            (["+config|nothing"], "+config|nothing", "Unknown command or category name in ACL"),
            (["-select|0"], "-select|0", "Unknown command or category name in ACL"),
            (["+select|"], "+select|", "Syntax error"),
            (["+config|get|x"], "+config|get|x", "Allowing first-arg of a subcommand is not supported"),
            (["what"], "what", "Syntax error"),
            (["%~a"], "%~a", "Syntax error"),
            (["%RR~a"], "%RR~a", "Syntax error"),
            (["%X~a"], "%X~a", "Syntax error"),
            (["~a b"], "~a b", "Syntax error"),
            (["&a b"], "&a b", "Syntax error"),
            (["#123"], "#123", "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
             "characters"),
            (["#" + DIGEST.upper()], "#" + DIGEST.upper(), "The password hash must be exactly 64 characters and "
             "contain only lowercase hexadecimal characters"),
            (["<wrong"], "<wrong", "The password you are trying to remove from the user does not exist"),
            (["~*", "~a"], "~a", "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does "
             "not have any effect. Try 'resetkeys' to start with an empty list of patterns"),
            (["&*", "&a"], "&a", "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and "
             "does not have any effect. Try 'resetchannels' to start with an empty list of channels"),
            (["(+get what)"], "(+get what)", "Syntax error"),
        ],
    )  # fmt: skip
    def test_a_bad_rule_changes_nothing(self, served, rules, modifier, reason):
        set_user(served, "on", "+get")
        before = line_of(served, "bob")
        assert refused(served, "+ping", *rules) == f"ERR Error in ACL SETUSER modifier '{modifier}': {reason}"
        assert line_of(served, "bob") == before

    def test_an_open_parenthesis(self, served):
        assert refused(served, "+get", "(~a", "+set") == (
            "ERR Unmatched parenthesis in acl selector starting at '(~a'."
        )

    def test_a_name_without_spaces(self, served):
        text = "ERR Usernames can't contain spaces or null characters"
        assert served.error([b"ACL", b"SETUSER", b"a b"]) == text
        assert served.error([b"ACL", b"SETUSER", b"a\0b"]) == text


class TestPasswords:
    def test_several_by_text_and_digest(self, served):
        set_user(served, "on", ">secret", ">other", f"#{DIGEST}")
        for password in (b"secret", b"other"):
            assert served.run([b"AUTH", b"bob", password], "theirs") == b"+OK\r\n"
        assert served.error(b"AUTH bob wrong", "theirs").startswith("WRONGPASS ")
        set_user(served, f"!{DIGEST}")
        assert served.error(b"AUTH bob secret", "theirs").startswith("WRONGPASS ")
        set_user(served, "<other")
        assert served.error(b"AUTH bob other", "theirs").startswith("WRONGPASS ")

    def test_none_and_any(self, served):
        set_user(served, "on", ">secret", "nopass")
        assert served.run(b"AUTH bob anything", "theirs") == b"+OK\r\n"
        set_user(served, "resetpass")
        assert served.error(b"AUTH bob anything", "theirs").startswith("WRONGPASS ")

    def test_one_who_is_off_cannot_come_but_may_stay(self, served):
        set_user(served, "on", "nopass", "+ping")
        run = be(served)
        set_user(served, "off")
        assert run(b"PING") == b"+PONG\r\n"
        assert served.error(b"AUTH bob any", "another").startswith("WRONGPASS ")

    def test_the_default_users_is_requirepass(self, served):
        served.run(b"CONFIG SET requirepass secret")
        assert line_of(served, "default").startswith(f"on sanitize-payload #{DIGEST} ")
        assert served.client("late").gates & GATE_AUTHENTICATION
        served.run([b"ACL", b"SETUSER", b"default", b"nopass"])
        assert not served.client("late").gates & GATE_AUTHENTICATION
        assert served.run(b"PING", "late") == b"+PONG\r\n"
        served.run([b"ACL", b"SETUSER", b"default", b"off"])
        assert served.error(b"PING", "late") == "NOAUTH Authentication required."

    def test_a_stranger_is_known_by_hello_too(self, served):
        set_user(served, "on", ">secret", "+@all", "~*")
        served.run(b"CONFIG SET requirepass other")
        assert b"proto" in served.run(b"HELLO 3 AUTH bob secret", "theirs")
        assert served.run(b"ACL WHOAMI", "theirs") == b"$3\r\nbob\r\n"

    @pytest.mark.parametrize(
        ("bits", "length"), [(b"1", 1), (b"5", 2), (b"256", 64), (b"4096", 1024), (b"", 64)]
    )
    def test_one_is_made_up(self, served, bits, length):
        password = served.value([b"ACL", b"GENPASS", *([bits] if bits else [])])
        assert len(password) == length and int(password, 16) >= 0

    @pytest.mark.parametrize("bits", [b"0", b"-1", b"4097"])
    def test_not_one_of_any_length(self, served, bits):
        assert served.error([b"ACL", b"GENPASS", bits]).endswith("a positive number up to 4096")


class TestPermissions:
    def test_one_who_may_do_everything_is_not_asked(self, served):
        set_user(served, "on", "nopass", "+@all", "~*", "&*")
        be(served)
        assert served.client("theirs").gates == 0
        set_user(served, "-get")
        assert served.client("theirs").gates == GATE_USER
        set_user(served, "+@all")
        assert served.client("theirs").gates == 0

    def test_commands(self, served):
        set_user(served, "on", "nopass", "~*", "+get", "+config|get", "+select|0")
        run = be(served)
        assert run(b"GET a") == b"$-1\r\n"
        assert run(b"SET a 1") == b"-NOPERM User bob has no permissions to run the 'set' command\r\n"
        assert run(b"CONFIG SET port 1") == (
            b"-NOPERM User bob has no permissions to run the 'config|set' command\r\n"
        )
        assert run(b"CONFIG GET maxmemory") == b"*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n"
        assert run(b"SELECT 0") == b"+OK\r\n"
        assert run(b"SELECT 1").startswith(b"-NOPERM ")

    def test_keys_by_what_is_done_to_them(self, served):
        set_user(served, "on", "nopass", "+@all", "%R~read", "%W~write", "~both")
        run = be(served)
        assert run(b"GET read") == b"$-1\r\n"
        assert run(b"SET write 1") == b"+OK\r\n"
        for line in (
            b"GET write",
            b"SET read 1",
            b"SET write 1 GET",
            b"GETDEL write",
            b"GET other",
            b"COPY write read",
        ):
            assert run(line) == b"-NOPERM No permissions to access a key\r\n", line
        assert run(b"COPY read write") == b":0\r\n"
        assert run(b"SET both 1 GET") == b"$-1\r\n"
        assert run(b"EXISTS write") == b":1\r\n"  # tells nothing of the value

    def test_selectors_do_not_add_up(self, served):
        set_user(served, "on", "nopass", "(+get ~a)", "(+set ~b)")
        run = be(served)
        assert run(b"GET a") == b"$-1\r\n"
        assert run(b"SET b 1") == b"+OK\r\n"
        assert run(b"GET b") == b"-NOPERM No permissions to access a key\r\n"
        assert run(b"DEL b") == b"-NOPERM User bob has no permissions to run the 'del' command\r\n"

    def test_a_change_holds_at_once(self, served):
        set_user(served, "on", "nopass", "+@all", "~*", "&*")
        run = be(served)
        assert run(b"GET a") == b"$-1\r\n"
        set_user(served, "-get")
        assert run(b"GET a").startswith(b"-NOPERM ")

    def test_patterns_of_sort_may_name_any_key(self, served):
        set_user(served, "on", "nopass", "+sort", "+sort_ro", "~list", "(%R~* +sort_ro)")
        run = be(served)
        by = b"-ERR BY option of SORT denied due to insufficient ACL permissions.\r\n"
        assert run(b"SORT list BY w_*") == by
        assert run(b"SORT list GET w_*") == by.replace(b"BY", b"GET")
        assert run(b"SORT list BY nothing GET #") == b"*0\r\n"
        assert run(b"SORT_RO list BY w_* GET w_*") == b"*0\r\n"

    def test_channels(self, served, monkeypatch):
        for name, channels in ((b"ping", Channels(1)), (b"echo", Channels(patterns=True))):
            monkeypatch.setattr(served.engine.commands[name], "channels", channels)
        set_user(served, "on", "nopass", "+@all", "resetchannels", "&a*")
        run = be(served)
        refusal = b"-NOPERM No permissions to access a channel\r\n"
        assert run(b"PING abc") == b"$3\r\nabc\r\n"
        assert run(b"PING xbc") == refusal
        assert run(b"ECHO a*") == b"$2\r\na*\r\n"
        assert run(b"ECHO ab*") == refusal

    def test_one_may_always_say_who_one_is(self, served):
        set_user(served, "on", "nopass")
        run = be(served)
        assert run(b"AUTH bob again") == b"+OK\r\n"
        assert run(b"PING").startswith(b"-NOPERM ")
        assert run(b"RESET") == b"+RESET\r\n"
        assert run(b"PING") == b"+PONG\r\n"

    def test_of_scripts_and_transactions(self, served):
        set_user(served, "on", "nopass", "+ping")
        be(served)
        acl, client = served.engine.acl, served.client("theirs")
        get = served.engine.commands[b"get"]
        assert acl.script_refusal(client, get, [b"get", b"a"]) == (
            b"ERR ACL failure in script: User bob has no permissions to run the 'get' command"
        )
        assert acl.exec_refusal(client, get, [b"get", b"a"]).startswith(b"NOPERM ACLs rules changed between")
        contexts = [(entry.context, entry.object) for entry in acl.log.entries]
        assert contexts == [("multi", b"get"), ("lua", b"get")]

    def test_dry_run(self, served):
        set_user(served, "+get", "~a")
        assert served.run(b"ACL DRYRUN bob GET a") == b"+OK\r\n"
        assert served.value(b"ACL DRYRUN bob GET b") == b"User bob has no permissions to access the 'b' key"
        assert (
            served.value(b"ACL DRYRUN bob SET a 1") == b"User bob has no permissions to run the 'set' command"
        )
        assert served.error(b"ACL DRYRUN bob GET") == "ERR wrong number of arguments for 'get' command"
        assert served.error(b"ACL DRYRUN bob NOTHING x") == "ERR Command 'NOTHING' not found"
        assert served.error(b"ACL DRYRUN nobody GET a") == "ERR User 'nobody' not found"
        assert not served.engine.acl.log.entries


class TestLog:
    def test_a_refusal_and_its_repetitions(self, served):
        set_user(served, "on", "nopass", "+get")
        run = be(served)
        for _ in range(3):
            run(b"SET a 1")
        (entry,) = served.value(b"ACL LOG")
        fields = dict(zip(entry.items[::2], entry.items[1::2], strict=True))
        assert (fields[b"count"], fields[b"reason"], fields[b"context"]) == (3, b"command", b"toplevel")
        assert (fields[b"object"], fields[b"username"], fields[b"entry-id"]) == (b"set", b"bob", 0)
        assert b"addr=127.0.0.1:2 " in fields[b"client-info"] or b"id=2 " in fields[b"client-info"]
        assert fields[b"timestamp-created"] <= fields[b"timestamp-last-updated"]

    def test_later_than_a_minute_is_another(self, served):
        log = served.engine.acl.log
        for now in (0, 60_000, 120_001):
            log.add("key", "toplevel", b"k", b"bob", now, "")
        assert [(entry.id, entry.count, entry.created) for entry in log.entries] == [
            (1, 1, 120_001),
            (0, 2, 0),
        ]

    def test_reasons(self, served):
        set_user(served, "on", "nopass", "+get", "~a")
        run = be(served)
        run(b"GET b")
        served.run(b"auth bob2 any", "theirs")
        entries = [(entry.reason, entry.object, entry.user) for entry in served.engine.acl.log.entries]
        assert entries == [("auth", b"auth", b"bob2"), ("key", b"b", b"bob")]
        info = served.info("stats")
        assert (info["acl_access_denied_key"], info["acl_access_denied_auth"]) == ("1", "1")
        served.run(b"CONFIG RESETSTAT")
        assert served.info("stats")["acl_access_denied_key"] == "0"

    def test_is_as_long_as_configured_and_ids_go_on(self, served):
        served.run(b"CONFIG SET acllog-max-len 2")
        for name in (b"a", b"b", b"c"):
            served.run([b"AUTH", name, b"x"])
        assert [entry.user for entry in served.engine.acl.log.entries] == [b"c", b"b"]
        assert len(served.value(b"ACL LOG 1")) == 1
        assert served.run(b"ACL LOG RESET") == b"+OK\r\n"
        assert served.value(b"ACL LOG") == []
        served.run(b"AUTH d x")
        assert served.engine.acl.log.entries[0].id == 3
        served.run(b"CONFIG SET acllog-max-len 0")
        served.run(b"AUTH e x")
        assert not served.engine.acl.log.entries


class TestUsersComeAndGo:
    def test_a_deleted_users_connections_are_closed(self, served):
        set_user(served, "on", "nopass", "+@all")
        be(served)
        assert served.run(b"ACL DELUSER bob nobody") == b":1\r\n"
        assert not served.is_open("theirs") or served.client("theirs").state & CLOSED
        assert served.error(b"ACL DELUSER bob default") == "ERR The 'default' user cannot be removed"

    def test_one_may_delete_oneself(self, served):
        set_user(served, "on", "nopass", "+@all")
        run = be(served)
        assert run(b"ACL DELUSER bob") == b":1\r\n"
        assert served.client("theirs").state

    def test_connections_by_user(self, served):
        set_user(served, "on", "nopass", "+@all")
        be(served)
        assert "user=bob" in served.text(b"CLIENT LIST")
        assert served.error(b"CLIENT KILL USER nobody") == "ERR No such user 'nobody'"
        assert served.run(b"CLIENT KILL USER bob") == b":1\r\n"

    @pytest.mark.parametrize(
        ("rules", "stays"), [(["&a"], True), (["&*"], True), (["resetchannels", "&b*"], False)]
    )
    def test_a_listener_loses_its_channel(self, served, rules, stays):
        set_user(served, "on", "nopass", "+@all", "&a*", "&b*")
        be(served)
        served.engine.acl.subscriptions = lambda client: [(b"abc", False), (b"a*", True)]
        set_user(served, *rules)
        assert served.is_open("theirs") == stays


class TestFiles:
    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "users.acl"

    @pytest.fixture
    def with_file(self, path):
        path.write_bytes(b"user bob on nopass ~a +get\n\nuser default on nopass ~* &* +@all\n")
        return Served(aclfile=str(path))

    def test_at_start(self, with_file):
        with_file.engine.acl.load_at_start()
        assert with_file.value(b"ACL USERS") == [b"bob", b"default"]

    def test_saved_and_loaded(self, with_file, path):
        with_file.run([b"ACL", b"SETUSER", b"alice", b"on", b">secret", b"(+get ~b)"])
        listed = with_file.value(b"ACL LIST")
        assert with_file.run(b"ACL SAVE") == b"+OK\r\n"
        assert path.read_bytes().splitlines() == listed
        with_file.run(b"ACL DELUSER alice")
        assert with_file.run(b"ACL LOAD") == b"+OK\r\n"
        assert with_file.value(b"ACL LIST") == listed

    def test_loading_keeps_the_connections_of_users_who_stay(self, with_file, path):
        with_file.run(b"ACL LOAD")
        run = be(with_file)
        with_file.run([b"ACL", b"SETUSER", b"eve", b"on", b"nopass"])
        be(with_file, "eve", "eves")
        path.write_bytes(b"user bob on nopass ~b +get\n")
        assert with_file.run(b"ACL LOAD") == b"+OK\r\n"
        assert run(b"GET a").startswith(b"-NOPERM ") and run(b"GET b") == b"$-1\r\n"
        assert not with_file.is_open("eves")

    def test_a_file_with_mistakes_changes_nothing(self, with_file, path):
        path.write_bytes(b"user bob on +nothing what\nuser a\nuser a\nother\nuser c (+get\n")
        before = with_file.value(b"ACL LIST")
        assert with_file.error(b"ACL LOAD") == (
            f"ERR {path}:1: Error in applying operation '+nothing': Unknown command or category name in ACL. "
            f"{path}:1: Syntax error. WARNING: Duplicate user 'a' found on line 3. "
            f"{path}:4 should start with user keyword followed by the username. "
            f"{path}:5: Unmatched parenthesis in selector definition."
            "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
        )
        assert with_file.value(b"ACL LIST") == before
        with pytest.raises(DefinitionError, match=r"^Aborting Redis startup because of ACL errors: "):
            with_file.engine.acl.load_at_start()

    def test_without_a_file(self, served):
        assert served.error(b"ACL SAVE").startswith(
            "ERR This Redis instance is not configured to use an ACL file."
        )
        assert served.error(b"ACL LOAD").startswith(
            "ERR This Redis instance is not configured to use an ACL file."
        )

    def test_a_file_that_cannot_be_written(self, with_file, path):
        path.unlink()
        path.mkdir()
        assert with_file.error(b"ACL SAVE").startswith("ERR There was an error trying to save the ACLs.")
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]

    def test_lines_of_the_configuration(self, served):
        load_text(
            served.engine.config, b"user bob on +@all -@admin (~a +get)\nuser default on >secret ~* +@all"
        )
        served.engine.acl.load_at_start()
        assert line_of(served, "bob") == (
            "on sanitize-payload resetchannels +@all -@admin (~a resetchannels -@all +get)"
        )
        assert line_of(served, "default") == f"on sanitize-payload #{DIGEST} ~* resetchannels +@all"
        assert [b"user " + line for line in served.engine.config.rewriters["user"]()] == served.value(
            b"ACL LIST"
        )

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (b"user bob\nuser bob", "'bob': Duplicate user found"),
            (b"user bob on what", "'what': Syntax error"),
            (b"user bob (+get", "'(+get': Syntax error"),
        ],
    )
    def test_bad_lines_of_the_configuration(self, served, text, reason):
        with pytest.raises((ConfigFileError, ConfigError)) as caught:
            load_text(served.engine.config, text)
        assert f"Error in user declaration {reason}" in str(caught.value)

    def test_unknown_commands_are_found_at_start(self, served):
        load_text(served.engine.config, b"user bob +nothing")
        with pytest.raises(DefinitionError, match=r"^Critical error while loading ACLs\. Exiting\.$"):
            served.engine.acl.load_at_start()

    def test_not_both(self, with_file):
        load_text(with_file.engine.config, b"user bob on")
        with pytest.raises(DefinitionError, match="at the same setting an ACL file path is invalid"):
            with_file.engine.acl.load_at_start()


def test_categories(served):
    assert b"dangerous" in served.value(b"ACL CAT")
    assert b"config|get" in served.value(b"ACL CAT ADMIN")
    assert served.error(b"ACL CAT nothing") == "ERR Unknown category 'nothing'"
    assert "unknown subcommand or wrong number of arguments" in served.error(b"ACL CAT a b")


def test_names_and_rules_of_users_are_secrets(served):
    served.run(b"CONFIG SET slowlog-log-slower-than 0")
    served.run(b"ACL SETUSER bob on >secret")
    entry = served.engine.slowlog.entries[0]
    assert entry.arguments == [b"ACL", b"SETUSER", *[b"(redacted)"] * 3]


def test_new_users_and_channels(served):
    served.run(b"CONFIG SET acl-pubsub-default allchannels")
    set_user(served, "(+get)")
    assert line_of(served, "bob") == "off sanitize-payload &* -@all (&* -@all +get)"


class TestTime:
    """What AUTH does must not depend on what it is told, as the time that it takes would tell."""

    @pytest.fixture
    def work(self, served, monkeypatch):
        """Gives the digests made and compared by an attempt to log in."""
        set_user(served, "on", ">first", ">second")
        set_user(served, ">first", ">second", name="disabled")
        done = []
        compare, digest = hmac.compare_digest, hashlib.sha256
        monkeypatch.setattr(hmac, "compare_digest", lambda *both: done.append("compared") or compare(*both))
        monkeypatch.setattr(hashlib, "sha256", lambda text: done.append("digest") or digest(text))

        def attempt(user, password):
            done.clear()
            served.run([b"AUTH", user, password], "theirs")
            return list(done)

        return attempt

    def test_is_the_same_for_every_password(self, work):
        same = ["digest", "compared", "compared"]
        for password in (b"first", b"second", b"wrong", b"", b"f", b"x" * 1000):
            assert work(b"bob", password) == same

    def test_is_the_same_for_a_user_who_is_off(self, work):
        assert work(b"disabled", b"first") == work(b"bob", b"first")

    def test_a_user_who_is_not_there_takes_a_digest_too(self, work):
        assert work(b"nobody", b"first") == ["digest"]


@pytest.mark.parametrize(
    ("address", "is_unix", "mode", "rules", "kept_out"),
    [
        ("10.0.0.1:5000", False, True, (), True),
        ("[2001:db8::1]:5000", False, True, (), True),
        ("127.0.0.1:5000", False, True, (), False),
        ("[::1]:5000", False, True, (), False),
        ("", True, True, (), False),
        ("10.0.0.1:5000", False, False, (), False),
        ("10.0.0.1:5000", False, True, (">secret",), False),
        ("10.0.0.1:5000", False, True, (">secret", "nopass"), True),
    ],
)
def test_protected_mode(served, address, is_unix, mode, rules, kept_out):
    set_user(served, *rules, name="default")
    served.engine.config.values["protected-mode"] = mode
    assert Front.keeps_out(SimpleNamespace(engine=served.engine), address, is_unix) == kept_out
