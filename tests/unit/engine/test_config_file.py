"""Reading configuration files: every directive, the order of sources, and the report of an error."""

import io
import sys
from pathlib import Path

import pytest
from config_records import FILE_RECORDS, VERSION_DIFFERENCES

from redracer.engine.config import NAMES, Config
from redracer.engine.config_file import (
    ConfigFileError,
    ConfigFileMissing,
    absolute_path,
    load,
    load_text,
    options_from_arguments,
)

HEAD = "\n*** FATAL CONFIG FILE ERROR (Redis 8.2.0) ***\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    return Config()


def report(config: Config, text: bytes) -> str:
    with pytest.raises(ConfigFileError) as caught:
        load_text(config, text)
    return caught.value.report().decode()


@pytest.mark.parametrize(("text", "reason", "shown"), FILE_RECORDS)
def test_a_file_is_read_as_by_a_real_server(
    config: Config, text: str, reason: str | None, shown: str | None
) -> None:
    if reason is None:
        load_text(config, text.encode() + b"\n")
        words = text.split("\n")[-1].split()
        name = words[0].strip('"').lower() if words else ""
        assert (config.format(name).decode() if name in NAMES else "") == shown
        return
    where = ""
    if not reason.startswith("Can't open the log file"):
        where = f"Reading the configuration file, at line 1\n>>> '{text.strip()}'\n"
    assert report(config, text.encode()) == f"{HEAD}{where}{VERSION_DIFFERENCES.get(reason, reason)}\n"


def test_the_line_is_counted_from_one_and_shown_as_it_is(config: Config) -> None:
    assert report(config, b"# first\n\n  port  abc # x\nhz 20\n") == (
        f"{HEAD}Reading the configuration file, at line 3\n>>> 'port  abc # x'\nwrong number of arguments\n"
    )
    assert config["hz"] == 10


def test_a_whole_file(config: Config) -> None:
    load_text(
        config,
        b"""
# A file such as a distribution ships.
bind 127.0.0.1 -::1
protected-mode yes
port 6380
tcp-backlog 511
unixsocket /run/redis/redis.sock
unixsocketperm 770
timeout 0
tcp-keepalive 300
daemonize yes
supervised auto
pidfile /run/redis/redis-server.pid
loglevel verbose
logfile ""
databases 32
always-show-logo no
save 900 1
save 300 10
save 60 10000
dbfilename dump.rdb
dir .
slave-serve-stale-data yes
requirepass "correct horse"
maxmemory 2gb
maxmemory-policy allkeys-lru
appendonly no
lua-time-limit 5000
slowlog-log-slower-than 10000
notify-keyspace-events ""
list-max-ziplist-size -2
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 32mb 8mb 60
hz 10
io-threads-do-reads yes
""",
    )
    expected = {
        "bind": ("127.0.0.1", "-::1"),
        "port": 6380,
        "unixsocket": "/run/redis/redis.sock",
        "unixsocketperm": 0o770,
        "daemonize": True,
        "databases": 32,
        "save": ((900, 1), (300, 10), (60, 10000)),
        "requirepass": b"correct horse",
        "maxmemory": 2 << 30,
        "maxmemory-policy": "allkeys-lru",
        "notify-keyspace-events": 0,
    }
    assert {name: config[name] for name in expected} == expected


def test_bytes_that_are_no_text_survive(config: Config) -> None:
    load_text(config, b"requirepass \xff\xfe\nunixsocket /tmp/\xff\n")
    assert config["requirepass"] == b"\xff\xfe"
    assert config.format("unixsocket") == b"/tmp/\xff"


def test_renamed_commands_are_handed_on(config: Config) -> None:
    load_text(config, b'rename-command CONFIG ""\nrename-command flushdb badger\n')
    assert config.commands_renamed == {b"CONFIG": b"", b"flushdb": b"badger"}
    assert [line.number for line in config.rename_lines] == [1, 2]


def test_buffer_limits_of_other_classes_stay(config: Config) -> None:
    load_text(config, b"client-output-buffer-limit slave 5 6 7\nclient-output-buffer-limit\n")
    assert config["client-output-buffer-limit"]["replica"] == (5, 6, 7)
    assert config["client-output-buffer-limit"]["normal"] == (0, 0, 0)


class TestInclude:
    def test_it_is_read_in_place(self, config: Config, tmp_path: Path) -> None:
        (tmp_path / "inner.conf").write_text("port 1111\nhz 11\n")
        load_text(config, b"port 1\ninclude inner.conf\nhz 12\n")
        assert (config["port"], config["hz"]) == (1111, 12)

    def test_a_pattern_reads_all_in_alphabetical_order_or_nothing(
        self, config: Config, tmp_path: Path
    ) -> None:
        (tmp_path / "b.part").write_text("port 2\nsave 20 2\n")
        (tmp_path / "a.part").write_text("port 1\nsave 10 1\n")
        load_text(config, b"include *.part\ninclude missing/*.conf\n")
        assert config["port"] == 2
        assert config["save"] == ((10, 1), (20, 2))

    def test_an_error_is_reported_at_its_own_line(self, config: Config, tmp_path: Path) -> None:
        (tmp_path / "inner.conf").write_text("\nport x\n")
        assert ">>> 'port x'" in report(config, b"hz 5\n\n\ninclude inner.conf\n")
        assert "at line 2\n" in report(config, b"hz 5\n\n\ninclude inner.conf\n")

    def test_a_missing_file(self, config: Config) -> None:
        with pytest.raises(ConfigFileMissing) as caught:
            load_text(config, b"include missing.conf\n")
        assert str(caught.value) == (
            "Fatal error, can't open config file 'missing.conf': No such file or directory"
        )

    def test_files_that_include_each_other(self, config: Config, tmp_path: Path) -> None:
        (tmp_path / "a.conf").write_text("include a.conf\n")
        assert "include each other" in report(config, b"include a.conf\n")


class TestSources:
    def test_the_last_one_wins(self, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "redis.conf").write_text("port 1\nhz 1\ntimeout 1")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\nhz 2\ntimeout 2\n")))
        load(config, "redis.conf", from_stdin=True, options=b"timeout 3 ")
        assert (config["port"], config["hz"], config["timeout"]) == (1, 2, 3)

    def test_save_points_add_up_over_sources(self, config: Config, tmp_path: Path) -> None:
        (tmp_path / "redis.conf").write_text("save 900 1\n")
        load(config, "redis.conf", options=b'save "100" "100" ')
        assert config["save"] == ((900, 1), (100, 100))

    def test_an_option_is_reported_as_a_line(self, config: Config) -> None:
        with pytest.raises(ConfigFileError) as caught:
            load(config, None, options=b'port "6379" "6380" ')
        assert caught.value.report().decode() == (
            f'{HEAD}Reading the configuration file, at line 2\n>>> \'port "6379" "6380"\'\n'
            "wrong number of arguments\n"
        )

    def test_nothing_at_all(self, config: Config) -> None:
        load(config, None)
        assert config["port"] == 6379


@pytest.mark.parametrize(
    ("arguments", "path", "from_stdin", "options"),
    [
        ([], None, False, b""),
        ([b"a.conf"], b"a.conf", False, b""),
        ([b"-"], None, True, b""),
        ([b"a.conf", b"-"], b"a.conf", True, b""),
        ([b"a.conf", b"--hz", b"20", b"-"], b"a.conf", True, b'hz "20" '),
        ([b"--hz", b"-", b"--port", b"1"], None, False, b'hz "-" \nport "1" '),
        ([b"--port"], None, False, b"port "),
        ([b"--port", b"1", b"2"], None, False, b'port "1" "2" '),
        ([b"--port", b"--loglevel", b"verbose"], None, False, b'port "--loglevel" "verbose" '),
        ([b"--port 1", b"--hz 2"], None, False, b"port 1 \nhz 2 "),
        ([b"--maxmemory '700mb'"], None, False, b"maxmemory '700mb' "),
        (
            [b"a.conf", b"loglevel", b"verbose", b"--hz", b"3"],
            b"a.conf",
            False,
            b'"loglevel" "verbose" \nhz "3" ',
        ),
        ([b"--save", b"--hz", b"3"], None, False, b'save ""\nhz "3" '),
        ([b"--hz", b"3", b"--save"], None, False, b'hz "3" \nsave ""'),
        ([b"--save", b"", b"--hz", b"3"], None, False, b'save "" \nhz "3" '),
        ([b"--save", b"900", b"1", b"--save", b""], None, False, b'save "900" "1" \nsave "" '),
        ([b"--logfile", b"--my--log", b"--hz", b"3"], None, False, b'logfile "--my--log" \nhz "3" '),
        ([b"--requirepass", b'a "b\n\xff'], None, False, rb'requirepass "a \"b\n\xff" '),
    ],
)
def test_command_line(arguments: list[bytes], path: bytes | None, from_stdin: bool, options: bytes) -> None:
    assert options_from_arguments(arguments) == (path, from_stdin, options)


@pytest.mark.parametrize(
    ("path", "absolute"),
    [
        ("/etc/redis.conf", "/etc/redis.conf"),
        ("redis.conf", "/base/dir/redis.conf"),
        ("./redis.conf", "/base/dir/./redis.conf"),
        ("../redis.conf", "/base/redis.conf"),
        ("../../../x/redis.conf", "/x/redis.conf"),
    ],
)
def test_absolute_paths(path: str, absolute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getcwd", lambda: "/base/dir")
    assert absolute_path(path) == absolute
