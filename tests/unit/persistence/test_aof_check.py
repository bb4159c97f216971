"""Checking the files of an append-only file: the lines, what is cut off, and whether redis-check-aof does the same."""

import shutil
import subprocess

import pytest

from redracer.cli import check_aof
from tests.wire.conftest import encoded

GOOD = encoded("SELECT", 0) + encoded("SET", "k", "v")
TRANSACTION = encoded("MULTI") + encoded("SET", "a", 1) + encoded("EXEC")
TIMED = b"".join(b"#TS:%d\r\n" % (1000 + i) + encoded("SET", "k", i) for i in range(3))
FILES = {
    "good": GOOD + TRANSACTION,
    "cut": GOOD + encoded("SET", "k", "v")[:-3],
    "cut in a transaction": GOOD + TRANSACTION[:-10],
    "without an EXEC": GOOD + encoded("MULTI") + encoded("SET", "a", 1),
    "EXEC alone": GOOD + encoded("EXEC") + GOOD,
    "MULTI twice": GOOD + encoded("MULTI") * 2,
    "no line end": GOOD + b"*1\r\n$4\r\nPINGxy" + GOOD,
    "no number": GOOD + b"*1x\r\n",
    "no command": GOOD + b"PING\r\n",
    "annotated": TIMED,
}


@pytest.fixture
def folder(tmp_path):
    """Makes a directory with a manifest, a base and two files of commands."""

    def make(*parts):
        lines = ["file base seq 1 type b\n"] + [f"file i{n} seq {n} type i\n" for n in range(1, len(parts))]
        (tmp_path / "m").write_text("".join(lines))
        for name, data in zip(["base"] + [f"i{n}" for n in range(1, len(parts))], parts, strict=True):
            (tmp_path / name).write_bytes(data)
        return tmp_path

    return make


def ours(capsys, *arguments):
    code = check_aof.main([str(argument) for argument in arguments])
    return code, capsys.readouterr().out


def theirs(*arguments, answer=""):
    program = shutil.which("redis-check-aof")
    if program is None:
        pytest.skip("no redis-check-aof is installed to compare with")
    command = [program, *map(str, arguments)]
    ended = subprocess.run(command, input=answer, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout


@pytest.mark.parametrize("name", FILES)
def test_says_what_redis_says(name, tmp_path, capsys):
    path = tmp_path / "f"
    path.write_bytes(FILES[name])
    assert ours(capsys, path) == theirs(path)


@pytest.mark.parametrize("name", FILES)
def test_leaves_what_redis_leaves(name, tmp_path, capsys, monkeypatch):
    for program in ("ours", "theirs"):
        (tmp_path / program).write_bytes(FILES[name])
    monkeypatch.setattr(check_aof, "confirm", lambda: True)
    code, _ = ours(capsys, "--fix", tmp_path / "ours")
    assert (code, 0) == (theirs("--fix", tmp_path / "theirs", answer="y\n")[0], 0)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_nothing_is_cut_without_consent(tmp_path, capsys, monkeypatch):
    path = tmp_path / "f"
    path.write_bytes(FILES["cut"])
    monkeypatch.setattr(check_aof.sys, "stdin", open("/dev/null"))  # noqa: SIM115
    code, output = ours(capsys, "--fix", path)
    assert (code, output.endswith("Aborting...\n")) == (1, True)
    assert path.read_bytes() == FILES["cut"]


def test_only_the_last_file_is_cut(folder, capsys, monkeypatch):
    monkeypatch.setattr(check_aof, "confirm", lambda: True)
    home = folder(GOOD, FILES["cut"], GOOD)
    code, output = ours(capsys, "--fix", home / "m")
    assert (code, "because it is not the last file" in output) == (1, True)
    home = folder(GOOD, GOOD, FILES["cut"])
    code, output = ours(capsys, "--fix", home / "m")
    assert (code, output.splitlines()[-1]) == (0, "All AOF files and manifest are valid")
    assert (home / "i2").read_bytes() == GOOD


@pytest.mark.parametrize("time", [999, 1000, 1001, 5000])
def test_cuts_off_what_came_after_a_time(time, tmp_path, capsys):
    for program in ("ours", "theirs"):
        (tmp_path / program).write_bytes(TIMED)
    code, _ = ours(capsys, "--truncate-to-timestamp", time, tmp_path / "ours")
    assert code == theirs("--truncate-to-timestamp", time, tmp_path / "theirs")[0]
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
