"""The append-only file of a running server: what is written, what a restart finds, rewrites, errors."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from tests.wire.conftest import ServerProcess, encoded, free_port

ATTEMPTS = 600
PAUSE = 0.05  # s
OPTIONS = ("--appendonly", "yes", "--appendfsync", "no")
OPTIONS += ("--enable-debug-command", "yes", "--auto-aof-rewrite-percentage", "0")


class Log:
    """A server with an append-only file in a directory, which is started and ended."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.server: ServerProcess | None = None

    def start(self, *options: str) -> redis.Redis:
        self.server = ServerProcess(self.directory, *OPTIONS, *options)
        return self.server.redis()

    def kill(self) -> None:
        if self.server is not None:
            self.server.process.kill()
            self.server.process.wait()
            self.server = None

    @property
    def folder(self) -> Path:
        return self.directory / "appendonlydir"

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def commands(self) -> bytes:
        """The last file of commands."""
        return max(
            self.folder.glob("*.incr.aof"), key=lambda path: int(path.name.split(".")[-3])
        ).read_bytes()

    def output(self) -> str:
        return (self.directory / "log").read_text()

    def refused(self, *options: str) -> str:
        """The log of a start that must fail."""
        command = [str(Path(sys.prefix) / "bin" / "redracer-server"), "--port", str(free_port())]
        command += ["--bind", "127.0.0.1", "--save", "", "--dir", str(self.directory), *OPTIONS, *options]
        ended = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False
        )
        assert ended.returncode == 1
        return ended.stdout.decode()


@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path)
    yield log
    log.kill()


def eventually(condition):
    for _ in range(ATTEMPTS):
        if condition():
            return
        time.sleep(PAUSE)
    pytest.fail("it does not come to be")


def is_rewritten(client):
    def done():
        info = client.info("persistence")
        return not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]

    return done


class TestFiles:
    def test_the_first_start_makes_a_base_a_file_of_commands_and_a_manifest(self, log):
        client = log.start()
        assert log.names == [
            "appendonly.aof.1.base.rdb",
            "appendonly.aof.1.incr.aof",
            "appendonly.aof.manifest",
        ]
        client.set("k", "v")
        assert log.commands() == encoded("SELECT", 0) + encoded("SET", "k", "v")

    def test_a_rewrite_replaces_all_files(self, log):
        client = log.start()
        client.set("k", "v")
        assert client.bgrewriteaof()
        eventually(is_rewritten(client))
        client.set("l", "w")
        assert (log.folder / "appendonly.aof.manifest").read_text() == (
            "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n"
        )
        eventually(lambda: len(log.names) == 3)
        assert log.commands() == encoded("SELECT", 0) + encoded("SET", "l", "w")
        assert not list(log.directory.glob("temp*"))
        log.kill()
        client = log.start()
        assert (client.get("k"), client.get("l")) == (b"v", b"w")

    @pytest.mark.parametrize("preamble", ["yes", "no"])
    def test_nothing_is_lost_or_done_twice_while_a_rewrite_goes_on(self, log, preamble):
        client = log.start("--aof-use-rdb-preamble", preamble, "--appendfsync", "everysec")
        for i in range(40):
            pipeline = client.pipeline(transaction=False)
            for _ in range(500):
                pipeline.incr("n")
            if i % 10 == 3:
                pipeline.bgrewriteaof()
            pipeline.execute(raise_on_error=False)
        eventually(is_rewritten(client))
        client.execute_command("WAITAOF", 1, 0, 30_000)
        log.kill()
        assert log.start().get("n") == b"20000"

    def test_it_is_turned_on_with_a_rewrite_and_off(self, log):
        client = log.start("--appendonly", "no")
        client.set("before", 1)
        client.config_set("appendonly", "yes")
        client.set("after", 2)
        eventually(is_rewritten(client))
        log.kill()
        client = log.start()
        assert client.mget("before", "after") == [b"1", b"2"]
        client.config_set("appendonly", "no")
        client.set("after", 3)
        log.kill()
        assert log.start().get("after") == b"2"

    def test_the_single_file_of_old_servers_is_taken_over(self, log):
        (log.directory / "appendonly.aof").write_bytes(encoded("SELECT", 0) + encoded("SET", "k", "v"))
        client = log.start()
        assert client.get("k") == b"v"
        assert log.names == ["appendonly.aof", "appendonly.aof.1.incr.aof", "appendonly.aof.manifest"]
        assert not (log.directory / "appendonly.aof").exists()

    def test_what_a_killed_rewrite_left_is_taken_away(self, log):
        log.start()
        log.kill()
        for path in (
            log.folder / "temp-appendonly.aof.manifest",
            log.directory / "temp-rewriteaof-bg-999999.aof",
        ):
            path.write_bytes(b"x")
        log.start()
        assert not [*log.folder.glob("temp*"), *log.directory.glob("temp*")]


class TestWhatIsWritten:
    @pytest.mark.parametrize("policy", ["always", "no"])
    def test_a_write_is_in_the_file_before_its_reply(self, log, policy):
        client = log.start("--appendfsync", policy)
        for i in range(50):
            client.set(f"k{i}", i)
            assert b"k%d\r\n" % i in log.commands()

    def test_every_second_may_put_a_write_off_for_the_sync(self, log):
        client = log.start("--appendfsync", "everysec")
        for i in range(50):
            client.set(f"k{i}", i)
        eventually(lambda: b"k49\r\n" in log.commands())

    def test_the_database_is_selected_when_it_changes(self, log):
        client = log.start()
        other = log.server.redis(db=5)
        other.set("a", 1)
        client.set("b", 2)
        assert log.commands() == b"".join(
            [encoded("SELECT", 5), encoded("SET", "a", 1), encoded("SELECT", 0), encoded("SET", "b", 2)]
        )

    @pytest.mark.parametrize(
        ("request_", "written"),
        [
            ("SET k v EX 100", rb"SET k v PXAT (\d+)"),
            ("SET k v PX 100000 NX", rb"SET k v PXAT (\d+)"),
            ("SETEX k 100 v", rb"SET k v PXAT (\d+)"),
            ("GETEX s EX 100", rb"PEXPIREAT s (\d+)"),
            ("EXPIRE s 100", rb"PEXPIREAT s (\d+)"),
            ("EXPIREAT s 9999999999", rb"PEXPIREAT s 9999999999000"),
            ("EXPIRE s -1", rb"DEL s"),
            ("GETDEL s", rb"DEL s"),
            ("INCRBYFLOAT n 1.5", rb"SET n 11\.5 KEEPTTL"),
            ("HINCRBYFLOAT h f 1.5", rb"HSET h f 2\.5"),
            ("SPOP set", rb"(SREM set \w|DEL set|UNLINK set)"),
            ("XADD x * f v", rb"XADD x \d+-0 f v"),
            ("XADD x MAXLEN ~ 1000 * f v", rb"XADD x MAXLEN = \d+ \d+-\d+ f v"),
            ("HPEXPIRE h 100000 FIELDS 1 f", rb"HPEXPIREAT h \d+ FIELDS 1 f"),
            ("BLPOP l 0", rb"LPOP l"),
            ("BLMPOP 0 1 l LEFT COUNT 2", rb"LPOP l 2"),
            ("BLMOVE l m LEFT RIGHT 0", rb"(B?LMOVE|LMOVE) l m LEFT RIGHT"),
            ("ZADD z INCR 1 m", rb"ZADD z INCR 1 m"),
            ("BZPOPMIN z 0", rb"ZPOPMIN z"),
        ],
    )
    def test_what_depends_on_the_moment_is_written_as_what_it_came_to(self, log, request_, written):
        client = log.start("--lazyfree-lazy-server-del", "no", "--lazyfree-lazy-user-del", "no")
        client.mset({"s": "v", "n": 10})
        client.hset("h", "f", 1)
        client.sadd("set", "a", "b")
        client.rpush("l", 1, 2, 3)
        client.zadd("z", {"n": 1})
        before = len(log.commands())
        client.execute_command(*request_.split())
        words = re.findall(rb"\$\d+\r\n([^\r]*)\r\n", log.commands()[before:])
        assert re.fullmatch(written, b" ".join(words), re.IGNORECASE), words

    def test_an_expired_key_is_deleted_in_the_file_too(self, log):
        client = log.start()
        client.set("k", "v", px=1)
        eventually(lambda: b"DEL\r\n$1\r\nk\r\n" in log.commands())

    def test_a_key_that_expired_since_is_not_there_for_commands_after_it(self, log):
        client = log.start()
        client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        client.set("n", 5, px=200)
        client.incr("n")
        log.kill()
        time.sleep(0.2)
        client = log.start()
        assert client.get("n") is None  # and not 1, which would stay for ever
        assert client.dbsize() == 0


class TestWaiting:
    @pytest.mark.parametrize("policy", ["always", "everysec"])
    def test_waitaof_returns_once_it_is_on_the_disk(self, log, policy):
        client = log.start("--appendfsync", policy)
        for i in range(3):
            client.set("k", i)
            assert client.execute_command("WAITAOF", 1, 0, 30_000) == [1, 0]

    def test_it_waits_for_the_disk_after_a_switch_too(self, log):
        client = log.start("--appendonly", "no", "--appendfsync", "everysec")
        client.set("k", 1)
        client.config_set("appendonly", "yes")
        eventually(is_rewritten(client))
        assert client.execute_command("WAITAOF", 1, 0, 30_000) == [1, 0]

    def test_without_syncs_it_waits_in_vain(self, log):
        client = log.start("--appendfsync", "no")
        client.set("k", 1)
        assert client.execute_command("WAITAOF", 1, 0, 50) == [0, 0]

    def test_without_a_log_it_is_refused(self, log):
        client = log.start("--appendonly", "no")
        with pytest.raises(redis.ResponseError, match="appendonly is disabled"):
            client.execute_command("WAITAOF", 1, 0, 0)


class TestSnapshots:
    def test_no_snapshot_is_logged_as_a_change(self, log):
        client = log.start()
        client.set("k", 1)
        written = log.commands()
        client.save()
        client.execute_command("DEBUG", "RELOAD")
        client.execute_command("DEBUG", "LOADAOF")
        assert log.commands() == written
        assert client.get("k") == b"1"

    def test_libraries_are_gone_before_they_are_loaded_again(self, log):
        pytest.importorskip("lupa")
        client = log.start("--propagation-error-behavior", "panic")
        client.function_load("#!lua name=lib\nredis.register_function('f', function() return 1 end)")
        client.execute_command("DEBUG", "LOADAOF")
        assert client.fcall("f", 0) == 1


class TestDamage:
    def test_a_cut_end_is_cut_off(self, log):
        client = log.start()
        client.set("a", 1)
        client.set("b", 2)
        log.kill()
        path = log.folder / "appendonly.aof.1.incr.aof"
        os.truncate(path, path.stat().st_size - 3)
        client = log.start()
        assert client.mget("a", "b") == [b"1", None]
        client.set("c", 3)
        log.kill()
        assert log.start().mget("a", "b", "c") == [b"1", None, b"3"]

    def test_half_of_a_transaction_is_none_of_it(self, log):
        log.start()
        log.kill()
        whole = encoded("SELECT", 0) + encoded("SET", "a", 1)
        half = encoded("MULTI") + encoded("SET", "b", 2) + encoded("SET", "c", 3)
        path = log.folder / "appendonly.aof.1.incr.aof"
        path.write_bytes(whole + half)
        client = log.start()
        assert client.mget("a", "b", "c") == [b"1", None, None]
        assert path.read_bytes() == whole
        assert "Revert incomplete MULTI/EXEC transaction" in log.output()

    @pytest.mark.parametrize(
        ("data", "options", "message"),
        [
            (encoded("SET", "a", 1)[:-4], ["--aof-load-truncated", "no"], "Unexpected end of file reading"),
            (encoded("SET", "a", 1) + b"!!!", [], "Bad file format reading the append only file"),
            (encoded("NOSUCH", "a"), [], "Unknown command 'NOSUCH' reading the append only file"),
        ],
    )
    def test_damage_that_no_crash_leaves_stops_the_start(self, log, data, options, message):
        log.start()
        log.kill()
        (log.folder / "appendonly.aof.1.incr.aof").write_bytes(data)
        assert message in log.refused(*options)

    def test_a_short_damaged_end_is_cut_off_where_that_is_allowed(self, log):
        log.start()
        log.kill()
        path = log.folder / "appendonly.aof.1.incr.aof"
        path.write_bytes(encoded("SET", "a", 1) + bytes(100))
        log.refused("--aof-load-corrupt-tail-max-size", "99")
        client = log.start("--aof-load-corrupt-tail-max-size", "100")
        assert client.get("a") == b"1"
        assert path.read_bytes() == encoded("SET", "a", 1)

    def test_a_missing_file_stops_the_start(self, log):
        log.start().set("a", 1)
        log.kill()
        (log.folder / "appendonly.aof.1.incr.aof").unlink()
        assert "appendonly.aof.1.incr.aof doesn't exist" in log.refused()

    def test_a_bad_manifest_stops_the_start(self, log):
        log.start()
        log.kill()
        (log.folder / "appendonly.aof.manifest").write_text("file a seq 1 type x\n")
        output = log.refused()
        assert "FATAL AOF MANIFEST FILE ERROR" in output
        assert "Unknown AOF file type" in output


class TestLoading:
    def test_every_type_survives_in_both_forms(self, log):
        client = log.start("--aof-use-rdb-preamble", "no")
        client.mset({f"s{i}": i for i in range(300)})
        client.rpush("l", *range(300))
        client.sadd("set", *range(300))
        client.zadd("z", {f"m{i}": i / 3 for i in range(300)})
        client.hset("h", mapping={f"f{i}": i for i in range(300)})
        client.execute_command("HPEXPIREAT", "h", 9999999999999, "FIELDS", 2, "f1", "f2")
        for i in range(50):
            client.xadd("x", {"f": i}, id=f"{i + 1}-0")
        client.xdel("x", "50-0")
        client.xgroup_create("x", "g", "0")
        client.xreadgroup("g", "consumer", {"x": ">"}, count=5)
        client.xgroup_create("empty", "g", "$", mkstream=True)
        client.pexpireat("s1", 9999999999999)
        client.execute_command("SELECT", 0)
        digest = client.execute_command("DEBUG", "DIGEST")
        for preamble in ("no", "yes"):
            client.config_set("aof-use-rdb-preamble", preamble)
            client.bgrewriteaof()
            eventually(is_rewritten(client))
            assert client.info("persistence")["aof_last_bgrewrite_status"] == "ok"
            client.execute_command("DEBUG", "LOADAOF")
            assert client.execute_command("DEBUG", "DIGEST") == digest
            assert client.xpending("x", "g")["pending"] == 5
            assert client.xinfo_stream("x")["max-deleted-entry-id"] == b"50-0"
            assert client.xinfo_stream("empty")["groups"] == 1
            assert client.pexpiretime("s1") == 9999999999999
            assert client.execute_command("HPEXPIRETIME", "h", "FIELDS", 2, "f1", "f3") == [9999999999999, -1]
