"""The command line of redracer-server: what redis-server takes, with the same precedence and errors."""

import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from redracer.cli import main as redracer_command
from redracer.cli import server
from redracer.engine import log
from redracer.engine.config import Config
from redracer.engine.version import REDIS_VERSION, VERSION

DEFAULT_FILE = """\
always-show-logo yes
notify-keyspace-events KEA
daemonize no
port 6379
timeout 0
bind 127.0.0.1
loglevel verbose
logfile ''
databases 16
latency-monitor-threshold 1
repl-diskless-sync-delay 0
save 900 1
rdbcompression yes
dbfilename dump.rdb
dir ./
slave-serve-stale-data yes
appendonly no
appendfsync everysec
activerehashing yes
enable-protected-configs yes
enable-debug-command yes
enable-module-command yes
propagation-error-behavior panic
"""

Start = Callable[..., Config]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Runs the command with a server that ends at once; returns the configuration that it was given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "default.conf").write_text(DEFAULT_FILE)
    given: list[Config] = []

    def run(config: Config, score: object = None) -> int:
        given.append(config)
        return 7

    app = types.ModuleType("redracer.app")
    app.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "redracer.app", app)

    def start_with(*arguments: str) -> Config:
        assert server.main(list(arguments)) == 7
        return given.pop()

    yield start_with
    log.configure("notice")


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs the command, which must refuse to start; returns what it wrote to stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> str:
        assert server.main(list(arguments)) == 1
        return capfd.readouterr().err

    return run


class TestRefused:
    @pytest.mark.parametrize(
        ("arguments", "line", "reason"),
        [
            (["--port"], "port", "wrong number of arguments"),
            (["--port", "6380", "--loglevel"], "loglevel", "wrong number of arguments"),
            (["--port", "6379", "6380"], 'port "6379" "6380"', "wrong number of arguments"),
            (["--port", "--loglevel", "verbose"], 'port "--loglevel" "verbose"', "wrong number of arguments"),
            (
                ["--port", "--bla", "--loglevel", "verbose"],
                'port "--bla"',
                "argument couldn't be parsed into an integer",
            ),
            (
                ["--logfile", "--my--log--file", "--loglevel", "--bla"],
                'loglevel "--bla"',
                "argument(s) must be one of the following: debug, verbose, notice, warning, nothing",
            ),
            (
                ["--shutdown-on-sigint"],
                "shutdown-on-sigint",
                "argument(s) must be one of the following: default, save, nosave, now, force",
            ),
            (
                ["--shutdown-on-sigint", "now force", "--shutdown-on-sigterm"],
                "shutdown-on-sigterm",
                "argument(s) must be one of the following: default, save, nosave, now, force",
            ),
            (["--replicaof", "127.0.0.1", "abc"], 'replicaof "127.0.0.1" "abc"', "Invalid master port"),
            (["--replicaof", "--127.0.0.1", "abc"], 'replicaof "--127.0.0.1" "abc"', "Invalid master port"),
            (["--replicaof", "--127.0.0.1", "--abc"], 'replicaof "--127.0.0.1"', "wrong number of arguments"),
            (["--no-such-option", "1"], 'no-such-option "1"', "Bad directive or wrong number of arguments"),
            (["--port 1", "--requirepass 'x"], "requirepass 'x", "Unbalanced quotes in configuration line"),
        ],
    )
    def test_bad_options(
        self, refused: Callable[..., str], arguments: list[str], line: str, reason: str
    ) -> None:
        written = refused(*arguments)
        head = f"\n*** FATAL CONFIG FILE ERROR (Redis {REDIS_VERSION}) ***\n"
        assert written.startswith(head + "Reading the configuration file, at line ")
        assert written.endswith(f"\n>>> '{line}'\n{reason}\n")

    def test_a_missing_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert server.main(["missing.conf"]) == 1
        written = capfd.readouterr().out
        assert written.endswith(
            f" # Fatal error, can't open config file '{tmp_path}/missing.conf': No such file or directory\n"
        )

    def test_sentinel(self, refused: Callable[..., str]) -> None:
        assert "no Sentinel mode" in refused("sentinel.conf", "--sentinel")


class TestStarted:
    def test_without_arguments(self, start: Start, capfd: pytest.CaptureFixture[str]) -> None:
        config = start()
        assert (config["port"], config.get_file_path()) == (6379, None)
        assert "Warning: no config file specified" in capfd.readouterr().out

    def test_a_relative_path_becomes_absolute(self, start: Start, tmp_path: Path) -> None:
        config = start("./default.conf")
        assert config.get_file_path() == f"{tmp_path}/./default.conf"
        assert config.arguments == [f"{tmp_path}/./default.conf"]
        assert config["notify-keyspace-events"] != 0

    def test_options_come_after_the_file(self, start: Start) -> None:
        assert start("default.conf", "--port", "1234", "--timeout", "9")["port"] == 1234

    def test_port_zero(self, start: Start) -> None:
        assert start("--port", "0")["port"] == 0

    def test_name_and_value_in_one_word(self, start: Start) -> None:
        config = start("default.conf", "--maxmemory 700mb", "--maxmemory-policy volatile-lru")
        assert (config["maxmemory"], config["maxmemory-policy"]) == (734003200, "volatile-lru")

    def test_words_before_the_first_option(self, start: Start) -> None:
        config = start("default.conf", "loglevel", "notice", "--maxmemory '700mb'")
        assert (config["loglevel"], config["maxmemory"]) == ("notice", 734003200)

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--proc-title-template", "--my--title", "--loglevel", "debug"],
            ["--proc-title-template --my--title", "--loglevel debug"],
        ],
    )
    def test_a_value_may_start_with_dashes(self, start: Start, arguments: list[str]) -> None:
        config = start("default.conf", *arguments)
        assert (config["proc-title-template"], config["loglevel"]) == ("--my--title", "debug")

    @pytest.mark.parametrize(
        ("arguments", "points"),
        [
            ([], ((900, 1),)),
            (["--save", "100", "100"], ((900, 1), (100, 100))),
            (["--save", "3600", "1", "300", "100"], ((900, 1), (3600, 1), (300, 100))),
            (["--save", "3600 1 300 100"], ((900, 1), (3600, 1), (300, 100))),
            (["--save", ""], ()),
            (["--save", "--loglevel", "verbose"], ()),
            (["--loglevel", "verbose", "--save"], ()),
            (["--save", "", "--loglevel", "verbose"], ()),
            (["--proc-title-template", "--save", "--save", "", "--loglevel", "verbose"], ()),
            (["--save", "900", "1", "--save", ""], ()),
        ],
    )
    def test_save_points(
        self, start: Start, arguments: list[str], points: tuple[tuple[int, int], ...]
    ) -> None:
        config = start("default.conf", *arguments)
        assert (config["save"], config["loglevel"]) == (points, "verbose")

    def test_without_save_points_in_the_file_the_default_stays(self, start: Start) -> None:
        assert start("--port", "1")["save"] == ((3600, 1), (300, 100), (60, 10000))
        assert start("--save", "100", "100")["save"] == ((100, 100),)

    def test_several_words_in_one(self, start: Start) -> None:
        arguments = ["--shutdown-on-sigint", "nosave", "force", "now"]
        config = start("default.conf", *arguments, "--shutdown-on-sigterm", "nosave force")
        assert config["shutdown-on-sigint"] == ("nosave", "now", "force")
        assert config["shutdown-on-sigterm"] == ("nosave", "force")

    def test_the_log_goes_where_the_configuration_says(self, start: Start, tmp_path: Path) -> None:
        config = start("--logfile", "server.log", "--loglevel", "verbose")
        log.verbose("hello")
        assert (tmp_path / "server.log").read_text().endswith(" - hello\n")
        config.set_many([(b"loglevel", b"notice")])
        log.verbose("again")
        assert "again" not in (tmp_path / "server.log").read_text()

    def test_a_pid_file_is_written(self, start: Start, tmp_path: Path) -> None:
        start("--pidfile", "server.pid")
        assert (tmp_path / "server.pid").read_text() == f"{os.getpid()}\n"

    def test_the_kernel_s_score_follows_the_configuration(
        self, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kernel = tmp_path / "oom_score_adj"
        kernel.write_text("3")
        monkeypatch.setattr("redracer.engine.process.OOM_SCORE_FILE", str(kernel))
        config = start("--oom-score-adj", "relative", "--oom-score-adj-values", "7 8 9")
        assert kernel.read_text() == "10"
        config.set_many([(b"oom-score-adj-values", b"1 8 9")])
        assert kernel.read_text() == "4"
        config.set_many([(b"oom-score-adj", b"no")])
        assert kernel.read_text() == "3"

    def test_redracer_serve_is_the_same_command(self, start: Start) -> None:
        assert redracer_command.main([]) == 7
        assert redracer_command.main(["serve", "--port", "5"]) == 7


class TestOtherTasks:
    @pytest.mark.parametrize("option", ["-v", "--version"])
    def test_version(self, option: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert server.main([option]) == 0
        line = capsys.readouterr().out
        assert line.startswith(f"Redis server v={REDIS_VERSION} sha=00000000:0 malloc=")
        assert line.endswith(f"redracer={VERSION}\n")

    @pytest.mark.parametrize("option", ["-h", "--help"])
    def test_help(self, option: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert server.main([option]) == 1
        assert capsys.readouterr().err.startswith(
            "Usage: redracer-server [/path/to/redis.conf] [options] [-]\n"
        )

    def test_system_check(self, capsys: pytest.CaptureFixture[str]) -> None:
        fit = server.main(["--check-system"]) == 0
        written = capsys.readouterr().out
        names = ["slow-clocksource", "xen-clocksource", "overcommit", "THP"]
        assert [line[1:].split("]")[0] for line in written.splitlines() if line.startswith("[")] == names
        assert fit == ("WARNING" not in written)

    def test_memory_test(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("redracer.cli.system_check.MEMORY_TEST_PASSES", 1)
        assert server.main(["--test-memory", "1"]) == 0
        assert "Your memory passed this test" in capsys.readouterr().out
        assert server.main(["--test-memory"]) == 1
        assert "amount of memory to test in megabytes" in capsys.readouterr().err

    def test_unknown_subcommand(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert redracer_command.main(["frobnicate"]) == 2
        assert capsys.readouterr().err.startswith("redracer: unknown command 'frobnicate'\n")

    def test_the_version_is_the_package_s(self) -> None:
        project = (Path(__file__).parents[3] / "pyproject.toml").read_text()
        assert f'\nversion = "{VERSION}"\n' in project


class TestProcess:
    def test_as_a_module(self) -> None:
        ran = subprocess.run([sys.executable, "-m", "redracer", "--version"], capture_output=True, text=True)
        assert (ran.returncode, ran.stdout.startswith("Redis server v=")) == (0, True)

    def test_configuration_from_stdin(self) -> None:
        command = [sys.executable, "-m", "redracer", "serve", "-"]
        ran = subprocess.run(command, input="port x\n", capture_output=True, text=True)
        assert ran.returncode == 1
        assert ran.stderr.splitlines()[2:] == [
            "Reading the configuration file, at line 1",
            ">>> 'port x'",
            "argument couldn't be parsed into an integer",
        ]

    def test_starting_imports_nothing_heavy(self) -> None:
        # Start-up time is mostly imports: none of these is needed before the server itself.
        heavy = (
            "argparse",
            "asyncio",
            "re",
            "typing",
            "dataclasses",
            "glob",
            "tempfile",
            "socket",
            "logging",
        )
        program = (
            f"import sys, redracer.cli.server\nprint([name for name in {heavy!r} if name in sys.modules])"
        )
        # -S leaves out what an editable installation imports through its .pth file.
        source = str(Path(server.__file__).parents[2])
        ran = subprocess.run(
            [sys.executable, "-S", "-c", program],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": source},
        )
        assert (ran.stdout.strip(), ran.stderr) == ("[]", "")
