"""What a client must not be able to do, each over a socket."""

import signal

import pytest

from tests.wire.conftest import PATIENCE, ServerProcess, encoded

NO_AUTH = b"-NOAUTH Authentication required.\r\n"
KEY_DENIED = b"-NOPERM No permissions to access a key\r\n"
BEFORE_AUTHENTICATION = {b"auth", b"hello", b"quit", b"reset"}
BULK_BEFORE_AUTHENTICATION = 16384  # bytes
ARGUMENTS_BEFORE_AUTHENTICATION = 10


def bulk(value):
    return b"$%d\r\n%s\r\n" % (len(value), value)


@pytest.fixture(scope="module")
def guarded(start_server):
    """A server with a password."""
    return start_server("--requirepass", "secret", "--enable-debug-command", "yes")


@pytest.fixture(scope="module")
def users(start_server):
    """A server, an administrator, and a user who may use keys with `own:` and read those with `read:`."""
    server = start_server()
    administrator = server.connect()
    for key in ("own:a", "other:a", "read:a"):
        assert administrator.request("SET", key, "1") == b"+OK\r\n"
    rules = ("on", ">password", "+@all", "-acl", "-config", "~own:*", "%R~read:*", "&own:*")
    assert administrator.request("ACL", "SETUSER", "bob", *rules) == b"+OK\r\n"
    return server, administrator


@pytest.fixture
def bob(users):
    """A connection of that user."""
    connection = users[0].connect()
    assert connection.request("AUTH", "bob", "password") == b"+OK\r\n"
    return connection


class TestStrangers:
    def test_may_do_nothing_but_say_who_they_are(self, guarded):
        table = guarded.redis(password="secret").command()
        stranger = guarded.connect()
        for name, properties in table.items():
            if name.encode() in BEFORE_AUTHENTICATION:
                continue
            arguments = [name] + ["x"] * (abs(properties["arity"]) - 1)
            if len(arguments) > ARGUMENTS_BEFORE_AUTHENTICATION:
                continue
            reply = stranger.request(*arguments)
            if name == "exec":  # which tells of every refusal that it is the end of the transaction
                assert reply == b"-EXECABORT Transaction discarded because of: " + NO_AUTH[1:]
                continue
            # A container without such a subcommand tells that it is unknown, as it would to anybody.
            assert reply == NO_AUTH or reply.startswith(b"-ERR unknown subcommand 'x'"), name
        assert stranger.request("CONFIG", "GET", "requirepass") == NO_AUTH
        assert stranger.inline("GET a") == NO_AUTH

    def test_hello_tells_nothing(self, guarded):
        stranger = guarded.connect()
        assert stranger.request("HELLO").startswith(b"-NOAUTH HELLO must be called")
        assert stranger.request("HELLO", 3, "AUTH", "default", "wrong").startswith(b"-WRONGPASS ")
        assert stranger.request("HELLO", 3, "SETNAME", "me").startswith(b"-NOAUTH ")

    @pytest.mark.parametrize(
        ("request_", "refusal"),
        [
            (b"*%d\r\n" % (ARGUMENTS_BEFORE_AUTHENTICATION + 1), b"unauthenticated multibulk length"),
            (
                b"*5\r\n$5\r\nHELLO\r\n$%d\r\n" % (BULK_BEFORE_AUTHENTICATION + 1),
                b"unauthenticated bulk length",
            ),
            (b"*2\r\n$4\r\nAUTH\r\n$%d\r\n" % (1 << 20), b"unauthenticated bulk length"),
        ],
    )
    def test_may_not_have_much_memory(self, guarded, request_, refusal):
        stranger = guarded.connect()
        stranger.send(request_)
        assert stranger.reply() == b"-ERR Protocol error: " + refusal + b"\r\n"
        assert stranger.is_closed()

    def test_may_send_a_long_password(self, guarded):
        stranger = guarded.connect()
        password = b"x" * BULK_BEFORE_AUTHENTICATION
        assert stranger.request("HELLO", 3, "AUTH", "default", password).startswith(b"-WRONGPASS ")
        assert stranger.request("AUTH", "secret") == b"+OK\r\n"
        assert stranger.request("ECHO", password + b"x") == bulk(password + b"x")

    def test_are_cut_off_when_they_do_not_read(self, guarded):
        stranger = guarded.connect()
        stranger.send(encoded("GET", "a") * 20_000)  # 700 kB of errors, of which 17 kB may wait
        assert stranger.is_closed()


class TestUsers:
    def test_keys_of_others(self, users, bob):
        assert bob.request("GET", "own:a") == b"$1\r\n1\r\n"
        assert bob.request("GET", "read:a") == b"$1\r\n1\r\n"
        for request in (
            ("GET", "other:a"),
            ("SET", "read:a", "2"),
            ("MGET", "own:a", "other:a"),
            ("COPY", "other:a", "own:b"),
            ("COPY", "own:a", "read:b"),
            ("RENAME", "other:a", "own:b"),
            ("RENAME", "read:a", "own:b"),
            ("OBJECT", "ENCODING", "other:a"),
            ("MEMORY", "USAGE", "other:a"),
            ("DUMP", "other:a"),
            ("RESTORE", "other:b", 0, "anything"),
            ("SORT", "own:list", "STORE", "other:list"),
            ("BITOP", "AND", "own:b", "own:a", "other:a"),
            ("LCS", "own:a", "other:a"),
            ("EXISTS", "other:a"),
        ):
            assert bob.request(*request) == KEY_DENIED, request
        assert users[1].request("GET", "other:a") == b"$1\r\n1\r\n"
        assert users[1].request("EXISTS", "own:b", "other:b", "read:b") == b":0\r\n"

    def test_sort_does_not_look_elsewhere(self, bob):
        assert bob.request("RPUSH", "own:list", "a") in (b":1\r\n", b":2\r\n")
        for option in ("BY", "GET"):
            reply = bob.request("SORT", "own:list", option, "other:*")
            assert (
                reply
                == b"-ERR %s option of SORT denied due to insufficient ACL permissions.\r\n" % option.encode()
            )
            assert bob.request("SORT_RO", "own:list", option, "other:*") == reply

    def test_commands_that_were_taken_away(self, users, bob):
        for request in (("ACL", "SETUSER", "bob", "~*"), ("CONFIG", "SET", "maxmemory", "1")):
            reply = bob.request(*request)
            assert reply.startswith(b"-NOPERM User bob has no permissions to run the "), request
        assert bob.request("GET", "other:a") == KEY_DENIED
        assert users[1].request("CONFIG", "GET", "maxmemory").endswith(b"$1\r\n0\r\n")

    def test_a_transaction_changes_nothing_about_it(self, users, bob):
        assert bob.request("MULTI") == b"+OK\r\n"
        assert bob.request("SET", "own:t", "1") == b"+QUEUED\r\n"
        assert bob.request("SET", "other:a", "2") == KEY_DENIED
        assert bob.request("EXEC").startswith(b"-EXECABORT ")
        assert users[1].request("EXISTS", "own:t") == b":0\r\n"

    def test_a_permission_that_is_lost_before_exec(self, users, bob):
        assert bob.request("MULTI") == b"+OK\r\n"
        assert bob.request("INCR", "own:t") == b"+QUEUED\r\n"
        assert users[1].request("ACL", "SETUSER", "bob", "-incr") == b"+OK\r\n"
        reply = bob.request("EXEC")
        assert reply.startswith(b"*1\r\n-NOPERM ACLs rules changed between the moment"), reply
        assert users[1].request("ACL", "SETUSER", "bob", "+incr") == b"+OK\r\n"
        assert users[1].request("EXISTS", "own:t") == b":0\r\n"

    def test_a_script_changes_nothing_about_it(self, users, bob):
        pytest.importorskip("lupa", reason="scripts need the extra `lua`")
        assert bob.request("EVAL", "return redis.call('GET', KEYS[1])", 1, "own:a") == b"$1\r\n1\r\n"
        assert bob.request("EVAL", "return redis.call('GET', KEYS[1])", 1, "other:a") == KEY_DENIED
        for script in ("return redis.call('GET', 'other:a')", "return redis.pcall('SET', 'other:a', 2)"):
            reply = bob.request("EVAL", script, 0)
            assert reply.startswith(b"-ERR ACL failure in script: No permissions to access a key"), reply
        reply = bob.request("EVAL", "return redis.call('CONFIG', 'GET', 'port')", 0)
        assert reply.startswith(b"-ERR "), reply
        for command, allowed in (
            ("'GET', 'own:a'", b"1"),
            ("'GET', 'other:a'", b"0"),
            ("'ACL', 'LIST'", b"0"),
        ):
            script = f"return redis.acl_check_cmd({command}) and 1 or 0"
            assert bob.request("EVAL", script, 0) == b":" + allowed + b"\r\n"
        assert users[1].request("GET", "other:a") == b"$1\r\n1\r\n"
        (entry,) = [entry for entry in users[0].redis().acl_log() if entry["context"] == "lua"][:1]
        assert (entry["reason"], entry["object"]) == ("key", "other:a")

    def test_the_log_tells_of_it(self, users, bob):
        assert users[1].request("ACL", "LOG", "RESET") == b"+OK\r\n"
        bob.request("GET", "other:a")
        (entry,) = users[0].redis().acl_log()
        assert (entry["reason"], entry["object"], entry["username"]) == ("key", "other:a", "bob")

    def test_a_user_who_is_deleted_is_gone(self, users):
        server, administrator = users
        administrator.request("ACL", "SETUSER", "eve", "on", "nopass", "+@all", "~*")
        eve = server.connect()
        assert eve.request("AUTH", "eve", "any") == b"+OK\r\n"
        assert administrator.request("ACL", "DELUSER", "eve") == b":1\r\n"
        assert eve.is_closed()


class TestBrowsers:
    @pytest.mark.parametrize(
        "lines",
        [
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nSET pwned 1\r\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nSET pwned 1\r\n",
            b"host: 127.0.0.1\r\nSET pwned 1\r\n",
        ],
    )
    def test_are_hung_up_on(self, server, client, lines):
        browser = server.connect()
        browser.send(lines)
        assert browser.is_closed()
        assert client.request("EXISTS", "pwned") == b":0\r\n"
        told = [line for line in server.log.read_text().splitlines() if "SECURITY ATTACK" in line]
        assert len(told) == 1  # at most once a minute
        assert told[0].endswith(
            "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. "
            "This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis "
            f"instance. Connection from {told[0].split()[-2]} aborted."
        )


class TestCrashReport:
    @pytest.mark.parametrize("way", ["SEGFAULT", "PANIC", "ASSERT", "signal"])
    def test_tells_what_the_server_was_doing(self, tmp_path, way):
        server = ServerProcess(tmp_path, "--enable-debug-command", "yes")
        client = server.connect()
        assert client.request("CLIENT", "SETNAME", "culprit") == b"+OK\r\n"
        if way == "signal":
            server.process.send_signal(signal.SIGABRT)
        else:
            client.send(encoded("DEBUG", way))
        assert client.is_closed()
        ended_by = signal.SIGSEGV if way == "SEGFAULT" else signal.SIGABRT
        assert server.process.wait(PATIENCE) == -ended_by
        report = server.log.read_text()
        for part in (
            "REDIS BUG REPORT START",
            f"crashed by signal: {ended_by:d}",
            "STACK TRACE",
            "name=culprit",
            "redis_version:",
        ):
            assert part in report, part
        assert ("argc: 2\nargv[0]: '\"DEBUG\"'\nargv[1]: '\"%s\"'\n" % way in report) == (way != "signal")  # noqa: UP031

    def test_tells_no_more_of_the_arguments_than_the_configuration_allows(self, tmp_path):
        server = ServerProcess(tmp_path, "--enable-debug-command", "yes", "--hide-user-data-from-log", "yes")
        client = server.connect()
        client.send(encoded("DEBUG", "SEGFAULT"))
        assert client.is_closed()
        server.process.wait(PATIENCE)
        report = server.log.read_text()
        assert "argc: 2\nargv[0]: '\"DEBUG\"'\nargv[1]: 8 bytes\n" in report

    def test_is_left_out_if_the_configuration_says_so(self, tmp_path):
        server = ServerProcess(tmp_path, "--enable-debug-command", "yes", "--crash-log-enabled", "no")
        client = server.connect()
        client.send(encoded("DEBUG", "SEGFAULT"))
        assert client.is_closed()
        assert server.process.wait(PATIENCE) == -signal.SIGSEGV
        assert "REDIS BUG REPORT" not in server.log.read_text()


class TestProtectedCommands:
    @pytest.mark.parametrize(("value", "allowed"), [("no", False), ("yes", True), ("local", True)])
    def test_debug(self, start_server, value, allowed):
        client = start_server("--enable-debug-command", value, "--requirepass", "secret").connect()
        if not allowed:  # told even to strangers, as Redis does
            assert client.request("DEBUG", "SLEEP", "0").startswith(b"-ERR DEBUG command not allowed.")
        assert client.request("AUTH", "secret") == b"+OK\r\n"
        reply = client.request("DEBUG", "SLEEP", "0")
        assert reply == b"+OK\r\n" if allowed else reply.startswith(b"-ERR DEBUG command not allowed.")

    @pytest.mark.parametrize(("value", "allowed"), [("no", False), ("yes", True), ("local", True)])
    def test_protected_options(self, start_server, tmp_path, value, allowed):
        client = start_server("--enable-protected-configs", value).connect()
        reply = client.request("CONFIG", "SET", "dir", str(tmp_path))
        if allowed:
            assert reply == b"+OK\r\n"
        else:
            assert reply == (
                b"-ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config\r\n"
            )

    def test_renamed_commands(self, start_server):
        client = start_server(
            "--rename-command", "FLUSHALL", "", "--rename-command", "CONFIG", "settings"
        ).connect()
        assert client.request("FLUSHALL").startswith(b"-ERR unknown command 'FLUSHALL'")
        assert client.request("CONFIG", "GET", "port").startswith(b"-ERR unknown command 'CONFIG'")
        assert client.request("SETTINGS", "GET", "maxmemory") == b"*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n"
        # Rules name commands as they are called by default.
        assert (
            client.request("ACL", "SETUSER", "bob", "on", "nopass", "+config|get", "-flushall") == b"+OK\r\n"
        )
        assert client.request("ACL", "SETUSER", "eve", "+settings").startswith(
            b"-ERR Error in ACL SETUSER modifier"
        )
        assert client.request("AUTH", "bob", "any") == b"+OK\r\n"
        assert client.request("SETTINGS", "GET", "maxmemory") == b"*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n"
        assert client.request("SETTINGS", "SET", "maxmemory", "1") == (
            b"-NOPERM User bob has no permissions to run the 'config|set' command\r\n"
        )
