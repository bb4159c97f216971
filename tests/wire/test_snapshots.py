"""Snapshots over a socket: taking them, what a server says meanwhile, loading them, and the end."""

import os
import signal
import time

import pytest

PATIENCE = 600  # times a test looks for what it waits for
PAUSE = 0.05  # s between two looks


def until(condition):
    """Waits for a condition; returns what it said."""
    for _ in range(PATIENCE):
        found = condition()
        if found:
            return found
        time.sleep(PAUSE)
    raise AssertionError("it did not come")


def info(client, field):
    for line in client.request("INFO", "persistence").decode().split("\r\n"):
        name, _, value = line.partition(":")
        if name == field:
            return value
    return None


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def started(tmp_path, *options):
    """A server in a directory of its own, which the next one of the test may use too."""
    from tests.wire.conftest import ServerProcess

    return ServerProcess(tmp_path, "--enable-debug-command", "yes", *options)


@pytest.fixture
def run(tmp_path):
    """Starts servers in one directory, and kills what the test has left of them."""
    servers = []

    def start(*options):
        servers.append(started(tmp_path, *options))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def test_what_is_saved_is_there_after_a_start(run, tmp_path):
    server = run()
    client = server.connect()
    client.request("DEBUG", "POPULATE", 5000)
    client.request("SET", "k", "v", "EX", 10000)
    assert client.request("SAVE") == b"+OK\r\n"
    assert info(client, "rdb_changes_since_last_save") == "0"
    digest = client.request("DEBUG", "DIGEST")
    server.stop()
    server = run()
    client = server.connect()
    until(lambda: info(client, "loading") == "0")
    assert client.request("DEBUG", "DIGEST") == digest
    assert info(client, "rdb_last_load_keys_loaded") == "5001"
    assert "DB loaded from disk" in server.log.read_text()


def test_a_child_takes_one_and_tells_how_far_it_is(run):
    server = run()
    client = server.connect()
    client.request("DEBUG", "POPULATE", 3000)
    client.request("CONFIG", "SET", "rdb-key-save-delay", 1000)
    assert client.request("BGSAVE") == b"+Background saving started\r\n"
    assert len(children(server.process.pid)) == 1
    assert client.request("BGSAVE") == b"-ERR Background save already in progress\r\n"
    assert client.request("SAVE") == b"-ERR Background save already in progress\r\n"
    assert client.request("BGSAVE", "x") == b"-ERR syntax error\r\n"
    until(lambda: int(info(client, "current_save_keys_processed")) > 0)
    assert info(client, "current_save_keys_total") == "3000"
    assert info(client, "rdb_bgsave_in_progress") == "1"
    client.request("SET", "late", "v")
    until(lambda: info(client, "rdb_bgsave_in_progress") == "0")
    assert info(client, "rdb_last_bgsave_status") == "ok"
    assert info(client, "rdb_changes_since_last_save") == "1"
    assert int(info(client, "rdb_last_cow_size")) > 0
    assert int(client.request("LASTSAVE")[1:]) == int(info(client, "rdb_last_save_time"))


def test_a_child_that_is_killed_has_writes_refused_until_one_succeeds(run, tmp_path):
    server = run("--save", "3600 1000000")
    client = server.connect()
    client.request("DEBUG", "POPULATE", 100)
    client.request("CONFIG", "SET", "rdb-key-save-delay", 1000000)
    client.request("BGSAVE")
    (child,) = children(server.process.pid)
    os.kill(child, signal.SIGKILL)
    until(lambda: info(client, "rdb_bgsave_in_progress") == "0")
    assert info(client, "rdb_last_bgsave_status") == "err"
    assert "Background saving terminated by signal 9" in server.log.read_text()
    assert [name for name in os.listdir(tmp_path) if name.startswith("temp-")] == []
    assert client.request("SET", "k", "v").startswith(b"-MISCONF Redis is configured to save RDB snapshots")
    assert client.request("PING").startswith(b"-MISCONF")
    assert client.request("GET", "key:1") == b"$7\r\nvalue:1\r\n"
    client.request("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
    assert client.request("SET", "k", "v") == b"+OK\r\n"
    client.request("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes", "rdb-key-save-delay", 0)
    assert client.request("SET", "k", "v").startswith(b"-MISCONF")
    client.request("BGSAVE")
    until(lambda: info(client, "rdb_last_bgsave_status") == "ok")
    assert client.request("SET", "k", "v") == b"+OK\r\n"


def test_a_child_that_is_told_to_stop_is_no_failure(run):
    server = run("--save", "3600 1000000")
    client = server.connect()
    client.request("DEBUG", "POPULATE", 100)
    client.request("CONFIG", "SET", "rdb-key-save-delay", 1000000)
    client.request("BGSAVE")
    (child,) = children(server.process.pid)
    os.kill(child, signal.SIGUSR1)
    until(lambda: info(client, "rdb_bgsave_in_progress") == "0")
    assert info(client, "rdb_last_bgsave_status") == "ok"
    assert client.request("SET", "k", "v") == b"+OK\r\n"


def test_a_save_point_takes_one(run, tmp_path):
    server = run("--save", "1 3")
    client = server.connect()
    client.request("SET", "a", "1")
    client.request("SET", "b", "1")
    client.request("SET", "c", "1")
    until(lambda: info(client, "rdb_changes_since_last_save") == "0")
    until(lambda: (tmp_path / "dump.rdb").exists())
    assert "3 changes in 1 seconds. Saving..." in server.log.read_text()


def test_flushall_ends_the_child_and_empties_the_file(run, tmp_path):
    server = run("--save", "3600 1000000")
    client = server.connect()
    client.request("DEBUG", "POPULATE", 100)
    client.request("SAVE")
    size = (tmp_path / "dump.rdb").stat().st_size
    client.request("CONFIG", "SET", "rdb-key-save-delay", 1000000)
    client.request("BGSAVE")
    assert client.request("FLUSHALL") == b"+OK\r\n"
    assert info(client, "rdb_bgsave_in_progress") == "0"
    assert (tmp_path / "dump.rdb").stat().st_size < size
    assert info(client, "rdb_last_bgsave_status") == "ok"


def test_the_end_saves_what_it_is_to_save(run, tmp_path):
    server = run("--save", "3600 1")
    client = server.connect()
    client.request("SET", "k", "v")
    client.send(b"SHUTDOWN\r\n")
    assert client.is_closed()
    assert server.process.wait(30) == 0
    server = run("--save", "3600 1")
    client = server.connect()
    until(lambda: info(client, "loading") == "0")
    assert client.request("GET", "k") == b"$1\r\nv\r\n"
    client.request("SET", "k", "other")
    client.send(b"SHUTDOWN NOSAVE\r\n")
    assert client.is_closed()
    assert server.process.wait(30) == 0
    client = run().connect()
    until(lambda: info(client, "loading") == "0")
    assert client.request("GET", "k") == b"$1\r\nv\r\n"


def test_the_end_does_not_come_while_nothing_can_be_saved(run, tmp_path):
    server = run("--save", "3600 1")
    client = server.connect()
    client.request("SET", "k", "v")
    (tmp_path / "dump.rdb").mkdir()
    assert client.request("SHUTDOWN") == b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"
    server.process.terminate()
    until(lambda: server.log.read_text().count("Error trying to save the DB, can't exit") == 2)
    assert client.request("SAVE") == b"-ERR\r\n"
    assert client.request("GET", "k") == b"$1\r\nv\r\n"
    assert [name for name in os.listdir(tmp_path) if name.startswith("temp-")] == []
    client.send(b"SHUTDOWN FORCE\r\n")
    assert client.is_closed()
    assert server.process.wait(30) == 0


def test_a_second_interrupt_ends_a_long_save(run, tmp_path):
    server = run("--save", "3600 1")
    client = server.connect()
    client.request("DEBUG", "POPULATE", 1000)
    client.request("CONFIG", "SET", "rdb-key-save-delay", 100000)
    server.process.send_signal(signal.SIGINT)
    until(lambda: any(name.startswith("temp-") for name in os.listdir(tmp_path)))
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(30) == 1
    assert [name for name in os.listdir(tmp_path) if name.startswith("temp-")] == []


def test_commands_while_loading(run):
    server = run()
    client = server.connect()
    client.request("DEBUG", "POPULATE", 20000, "key", 100)
    client.request("SAVE")
    server.stop()
    server = run("--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024")
    client = server.connect()
    assert info(client, "loading") == "1"
    assert client.request("GET", "key:1") == b"-LOADING Redis is loading the dataset in memory\r\n"
    assert client.request("PING") == b"-LOADING Redis is loading the dataset in memory\r\n"
    assert client.request("CONFIG", "GET", "port").startswith(b"*2")
    assert client.request("CONFIG", "SET", "dir", ".").startswith(b"-ERR")
    assert int(info(client, "loading_total_bytes")) > 100_000
    until(lambda: int(info(client, "loading_loaded_bytes")) > 0)
    assert float(info(client, "loading_loaded_perc")) > 0
    assert int(info(client, "loading_eta_seconds")) > 0
    server.process.terminate()
    assert server.process.wait(30) == 0
    assert "Saving the final RDB snapshot" not in server.log.read_text()


@pytest.mark.parametrize("damage", [b"REDIS0012", b"nonsense", b"REDIS0012\x07\x01k\x81" + bytes(8)])
def test_a_damaged_file_ends_the_start_and_stays(tmp_path, damage):
    import subprocess
    import sys

    (tmp_path / "dump.rdb").write_bytes(damage)
    command = [sys.executable, "-m", "redracer", "serve", "--port", "0", "--dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert b"Fatal error loading the DB, check server logs. Exiting." in done.stdout
    assert b"Traceback" not in done.stdout + done.stderr
    assert (tmp_path / "dump.rdb").read_bytes() == damage


def test_the_child_ends_when_the_server_has_been_killed(run):
    server = run()
    client = server.connect()
    client.request("DEBUG", "POPULATE", 10000)
    client.request("CONFIG", "SET", "rdb-key-save-delay", 100000)
    client.request("BGSAVE")
    (child,) = children(server.process.pid)
    server.process.kill()
    server.process.wait()
    until(lambda: not is_running(child))
