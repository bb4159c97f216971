"""The log's line format, levels and destinations."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from redracer.engine import log

LINE = re.compile(r"^(\d+):([XCSM]) \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}\.\d{3} ([.\-*#]) (.*)$")


@pytest.fixture(autouse=True)
def default_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(log, "_state", log._State())
    yield


def fields(line: str) -> tuple[str, str, str, str]:
    found = LINE.match(line)
    assert found is not None, line
    return found.group(1), found.group(2), found.group(3), found.group(4)


def test_every_level_has_its_mark(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("debug")
    for write in (log.debug, log.verbose, log.notice, log.warning):
        write("text")
    lines = [fields(line) for line in capfd.readouterr().out.splitlines()]
    assert lines == [(str(os.getpid()), "C", mark, "text") for mark in ".-*#"]


@pytest.mark.parametrize(
    ("level", "written"),
    [("debug", 4), ("verbose", 3), ("notice", 2), ("warning", 1), ("nothing", 0)],
)
def test_lower_levels_are_left_out(level: str, written: int, capfd: pytest.CaptureFixture[str]) -> None:
    log.set_level(level)
    for write in (log.debug, log.verbose, log.notice, log.warning):
        write("text")
    assert len(capfd.readouterr().out.splitlines()) == written
    assert log.is_enabled(log.WARNING) == (written > 0)


def test_the_role(capfd: pytest.CaptureFixture[str]) -> None:
    log.set_main_process()
    log.notice("a")
    log.set_role("S")
    log.notice("b")
    child = os.fork()
    if not child:
        log.notice("c")
        os._exit(0)
    os.waitpid(child, 0)
    lines = [fields(line) for line in capfd.readouterr().out.splitlines()]
    assert [line[1] for line in lines] == ["M", "S", "C"]
    assert lines[2][0] == str(child)


def test_a_file_is_opened_for_every_line_so_that_it_may_be_rotated(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_text("before\n")
    log.configure("notice", str(path))
    log.notice("first")
    path.rename(tmp_path / "server.log.1")
    log.notice("second")
    assert path.read_text().endswith(" * second\n")
    rotated = (tmp_path / "server.log.1").read_text()
    assert rotated.startswith("before\n")
    assert rotated.endswith(" * first\n")


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    log.configure("notice", str(tmp_path / "missing" / "server.log"))
    log.warning("lost")
    assert not (tmp_path / "missing").exists()


def test_raw_text(capfd: pytest.CaptureFixture[str]) -> None:
    log.raw(" PID: 1\n")
    log.set_level("warning")
    log.raw("left out\n")
    assert capfd.readouterr().out == " PID: 1\n"


def test_text_with_bytes_that_are_no_text(tmp_path: Path) -> None:
    log.configure("notice", str(tmp_path / "log"))
    log.notice(b"\xff".decode("utf-8", "surrogateescape"))
    assert (tmp_path / "log").read_bytes().endswith(b" * \xff\n")


def test_system_log(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    import syslog

    sent: list[tuple[int, str]] = []
    opened: list[tuple[str, int]] = []
    monkeypatch.setattr(syslog, "openlog", lambda ident, option, facility: opened.append((ident, facility)))
    monkeypatch.setattr(syslog, "syslog", lambda priority, text: sent.append((priority, text)))
    log.open_system_log("redis", "local3")
    log.warning("text")
    log.verbose("left out")
    assert opened == [("redis", syslog.LOG_LOCAL3)]
    assert sent == [(syslog.LOG_WARNING, "text")]
    assert capfd.readouterr().out.endswith(" # text\n")
