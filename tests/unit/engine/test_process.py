"""What the server does to its own process."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from redracer.engine import log, process
from redracer.engine.config import Config
from redracer.engine.config_types import ConfigError


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    return Config()


def test_pid_file(config: Config, tmp_path: Path) -> None:
    process.create_pid_file(config)
    assert list(tmp_path.iterdir()) == []
    config.set_at_start("pidfile", [b"server.pid"])
    process.create_pid_file(config)
    assert (tmp_path / "server.pid").read_text() == f"{os.getpid()}\n"
    process.remove_pid_file(config)
    assert list(tmp_path.iterdir()) == []


def test_a_pid_file_that_cannot_be_written_stops_nothing(config: Config) -> None:
    config.set_at_start("pidfile", [b"missing/server.pid"])
    process.create_pid_file(config)
    process.remove_pid_file(config)
    assert not os.path.exists("missing")


def test_a_daemon_has_a_pid_file(config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "DEFAULT_PID_FILE", str(tmp_path / "default.pid"))
    config.set_at_start("daemonize", [b"yes"])
    process.create_pid_file(config)
    assert config.get_matching([b"pidfile"]) == [(b"pidfile", str(tmp_path / "default.pid").encode())]
    assert (tmp_path / "default.pid").exists()


def test_daemonize(tmp_path: Path) -> None:
    # The daemon tells what it is through a pipe, since it has given up its standard streams.
    read, write = os.pipe()
    program = (
        "import os\n"
        "from redracer.engine.process import daemonize\n"
        "daemonize()\n"
        "output = os.readlink('/proc/self/fd/1')\n"
        f"os.write({write}, f'{{os.getpid()}} {{os.getsid(0)}} {{output}}'.encode())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], pass_fds=[write], capture_output=True, text=True)
    os.close(write)
    with open(read, encoding="ascii") as pipe:
        daemon, session, output = pipe.read().split()
    assert (ran.returncode, ran.stderr, output) == (0, "", "/dev/null")
    assert daemon != session


def test_banner(config: Config, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_state", log._State())
    process.show_banner(config, ["127.0.0.1:6379"])
    assert capfd.readouterr().out.endswith(" * Running mode=standalone, port=6379.\n")
    config.set_at_start("always-show-logo", [b"yes"])
    process.show_banner(config, ["127.0.0.1:6379", "[::1]:6379"])
    shown = capfd.readouterr().out
    assert f" PID: {os.getpid()}\n" in shown
    assert " Listening on 127.0.0.1:6379, [::1]:6379\n" in shown


@pytest.mark.parametrize(
    ("mode", "environment", "expected"),
    [
        (b"no", {"NOTIFY_SOCKET": "x", "UPSTART_JOB": "x"}, "no"),
        (b"auto", {}, "no"),
        (b"auto", {"NOTIFY_SOCKET": "x"}, "systemd"),
        (b"systemd", {"NOTIFY_SOCKET": "x"}, "systemd"),
        (b"systemd", {}, "no"),
        (b"upstart", {}, "no"),
        (b"upstart", {"UPSTART_JOB": "x"}, "upstart"),
        (b"auto", {"UPSTART_JOB": "x"}, "upstart"),
    ],
)
def test_supervisors(
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    mode: bytes,
    environment: dict[str, str],
    expected: str,
) -> None:
    signals: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: signals.append(number))
    for name in ("NOTIFY_SOCKET", "UPSTART_JOB"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config.set_at_start("supervised", [mode])
    assert process.supervisor(config) == expected
    assert signals == ([signal.SIGSTOP] if expected == "upstart" else [])


def test_notify_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        process.notify_systemd("READY=1\n")
        assert listener.recv(100) == b"READY=1\n"
    monkeypatch.delenv("NOTIFY_SOCKET")
    process.notify_systemd("READY=1\n")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0", {0}), ("0,2", {0, 2}), ("1-3", {1, 2, 3}), ("0-8:4,9", {0, 4, 8, 9})],
)
def test_lists_of_processors(text: str, numbers: set[int]) -> None:
    assert process.parse_processors(text) == numbers


@pytest.mark.parametrize("text", ["x", "-1", "1:0:0", ",", "0-4:0"])
def test_bad_lists_of_processors(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        process.parse_processors(text)


def test_processors_that_do_not_exist_stop_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    before = os.sched_getaffinity(0)
    process.bind_to_processors("nonsense")
    assert os.sched_getaffinity(0) == before
    assert "Can't run on the processors 'nonsense'" in capfd.readouterr().out
    process.bind_to_processors(",".join(map(str, before)))
    assert os.sched_getaffinity(0) == before


class TestOomScore:
    @pytest.fixture
    def kernel(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        path = tmp_path / "oom_score_adj"
        path.write_text("10")
        monkeypatch.setattr(process, "OOM_SCORE_FILE", str(path))
        return path

    def test_nothing_happens_by_default(self, config: Config, kernel: Path) -> None:
        kernel.unlink()
        process.OomScore(config).apply(process.PRIMARY)
        assert not kernel.exists()

    def test_relative_absolute_and_back(self, config: Config, kernel: Path) -> None:
        score = process.OomScore(config)
        config.set_many([(b"oom-score-adj", b"relative"), (b"oom-score-adj-values", b"5 200 800")])
        score.apply(process.PRIMARY)
        assert kernel.read_text() == "15"
        score.apply(process.REPLICA)
        assert kernel.read_text() == "210"
        config.set_many([(b"oom-score-adj", b"absolute"), (b"oom-score-adj-values", b"0 5 2000")])
        score.apply(process.BACKGROUND_CHILD)
        assert kernel.read_text() == "1000"
        config.set_many([(b"oom-score-adj", b"no")])
        score.apply(process.PRIMARY)
        assert kernel.read_text() == "10"

    def test_a_refusal_of_the_kernel(self, config: Config, kernel: Path) -> None:
        kernel.unlink()
        config.set_many([(b"oom-score-adj", b"yes")])
        with pytest.raises(ConfigError, match="Failed to set current oom_score_adj"):
            process.OomScore(config).apply(process.PRIMARY)
