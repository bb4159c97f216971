"""check-rdb, rdb stats, rdb export, backup and restore: what they print, write, and exit with."""

import io
import json
import os
import shutil
import subprocess

import pytest

from redracer.cli import backup, check_rdb, main, rdb_files
from tests.unit.commands.served import Served
from tests.unit.persistence.test_rdb_files import FORM, OLD, digest, filled, parts, saved, server


@pytest.fixture(scope="module")
def dump(tmp_path_factory):
    """A file with every encoding, and its server."""
    served = filled(30)
    return saved(served, tmp_path_factory.mktemp("files") / "dump.rdb", OLD), served


def test_a_whole_file(dump, capsys):
    path, served = dump
    assert check_rdb.main([str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"[offset 0] Checking RDB file {path}"
    assert "AUX FIELD redis-bits = '64'" in lines[2]
    assert lines[-4] == f"[offset {path.stat().st_size}] \\o/ RDB looks OK! \\o/"
    assert lines[-3] == f"[info] {sum(database.size for database in served.engine.databases)} keys read"
    assert lines[-2] == "[info] 4 expires"


@pytest.mark.skipif(shutil.which("redis-check-rdb") is None, reason="no redis-check-rdb is installed")
def test_the_real_tool_says_the_same(dump, capsys):
    path, _ = dump
    check_rdb.main([str(path)])
    ours = capsys.readouterr().out
    theirs = subprocess.run(["redis-check-rdb", str(path)], capture_output=True, text=True, check=True).stdout
    assert ours == theirs


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ["--- RDB ERROR DETECTED ---", "While doing: start"]),
        (
            b"REDIS0012\x00\x01k\x05v",
            ["While doing: read-object-value", "Reading key 'k'", "Reading type 0 (string)"],
        ),
        (b"REDIS0012\x63\x01k\x05v", ["Unknown object type: 99", "Reading type 99 (unknown)"]),
        (parts(b"\x00\x01k\x01v")[:-1] + b"x", ["RDB CRC error", "While doing: check-sum", "1 keys read"]),
    ],
)
def test_a_damaged_file(tmp_path, capsys, content, told):
    path = tmp_path / "dump.rdb"
    path.write_bytes(content)
    assert check_rdb.main([str(path)]) == 1
    output = capsys.readouterr().out
    for line in told:
        assert line in output


def test_what_only_a_module_reads_is_passed_over(tmp_path, capsys):
    path = tmp_path / "dump.rdb"
    path.write_bytes(parts(b"\x07\x01k\x01\x02\x07\x00", b"\x01\x01e\x00", b"\x00\x01k\x01v"))
    assert check_rdb.main([str(path)]) == 0
    output = capsys.readouterr().out
    assert "3 keys read" in output and "1 empty keys" in output


def test_wrong_usage(capsys):
    assert check_rdb.main([]) == 2
    assert check_rdb.main(["--help"]) == 0
    assert check_rdb.main(["/dev/null/none"]) == 1
    assert main.main(["check-rdb"]) == 2
    for run in (rdb_files.main, backup.backup, backup.restore):
        with pytest.raises(SystemExit) as ended:
            run([])
        assert ended.value.code == 2
    with pytest.raises(SystemExit):
        backup.backup(["--dir", ".", "--to", "x.rdb", "--keep", "2"])


def test_statistics(dump, capsys):
    path, served = dump
    assert rdb_files.main(["stats", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["keys"] == sum(database.size for database in served.engine.databases)
    assert found["expiring"] == 4
    assert found["prefixes"]["key:"]["keys"] == 60
    assert sum(row["keys"] for row in found["types"].values()) == found["keys"]
    assert sum(row["bytes"] for row in found["types"].values()) == found["bytes"] < path.stat().st_size
    sizes = [row["bytes"] for row in found["biggest"]]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) == 10
    assert rdb_files.main(["stats", str(path), "--top", "3"]) == 0
    assert "By prefix" in capsys.readouterr().out


def test_export_as_commands_makes_the_same_data(dump, tmp_path):
    path, served = dump
    target = tmp_path / "commands"
    assert rdb_files.main(["export", str(path), "--format", "resp", "--output", str(target)]) == 0
    again = server()
    stream = io.BytesIO(target.read_bytes())
    while line := stream.readline():
        words = []
        for _ in range(int(line[1:])):
            words.append(stream.read(int(stream.readline()[1:]) + 2)[:-2])
        assert not again.run(words).startswith(b"-"), words[:3]
    again.run([b"SELECT", b"0"])
    assert digest(again) == digest(served)


def test_export_as_json(tmp_path, capsys):
    served = Served()
    for line in (
        b"SET s\xff v", b"RPUSH l a b", b"SADD i 1 2", b"ZADD z 1.5 a inf b", b"HSET h f v g w",
        b"HPEXPIREAT h 4000000000000 FIELDS 1 f", b"XADD x 1-1 f v", b"XGROUP CREATE x group 0",
        b"PEXPIREAT l 4000000000000", b"SELECT 3", b"SET other v",
    ):  # fmt: skip
        assert not served.run(line).startswith(b"-")
    path = saved(served, tmp_path / "dump.rdb", FORM)
    assert rdb_files.main(["export", str(path)]) == 0
    found = {row["key"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert found["s\udcff"]["value"] == "v"
    assert found["l"] == {
        "db": 0,
        "key": "l",
        "type": "list",
        "expire_at_ms": 4000000000000,
        "value": ["a", "b"],
    }
    assert found["i"]["value"] == ["1", "2"]
    assert found["z"]["value"] == {"a": 1.5, "b": "inf"}
    assert found["h"]["value"] == {"f": "v", "g": "w"}
    assert found["h"]["fields_expire_at_ms"] == {"f": 4000000000000}
    assert found["x"]["value"] == [{"id": "1-1", "fields": [["f", "v"]]}]
    assert any(argv[0] == "XGROUP" for argv in found["x"]["state"])
    assert rdb_files.main(["export", str(path), "--match", "o*r", "--match", "[hi]", "--db", "0"]) == 0
    assert sorted(json.loads(line)["key"] for line in capsys.readouterr().out.splitlines()) == ["h", "i"]


def test_a_damaged_file_has_no_statistics(tmp_path, capsys):
    path = tmp_path / "dump.rdb"
    path.write_bytes(b"REDIS0012\x00\x01k")
    assert rdb_files.main(["stats", str(path)]) == 1
    assert rdb_files.main(["export", str(path)]) == 1
    assert rdb_files.main(["stats", str(tmp_path / "none")]) == 1
    errors = capsys.readouterr().err
    assert errors.count("is damaged") == 2 and "No such file" in errors


# --- backups


def test_a_backup_of_a_directory_and_its_return(dump, tmp_path, capsys, monkeypatch):
    path, _ = dump
    backups = tmp_path / "backups"
    for second in range(4):
        monkeypatch.setattr(backup.time, "gmtime", lambda second=second: (2026, 1, 2, 3, 4, second, 0, 0, 0))
        assert backup.backup(["--dir", str(path.parent), "--to", str(backups), "--keep", "2"]) == 0
    assert sorted(os.listdir(backups)) == ["backup-20260102T030402Z.rdb", "backup-20260102T030403Z.rdb"]
    kept = backups / "backup-20260102T030403Z.rdb"
    assert kept.read_bytes() == path.read_bytes()
    assert "checked; 1 older ones removed" in capsys.readouterr().out
    target = tmp_path / "server"
    assert backup.restore([str(kept), "--dir", str(target)]) == 1
    target.mkdir()
    (target / "dump.rdb").write_bytes(b"before")
    assert backup.restore([str(kept), "--dir", str(target)]) == 0
    assert (target / "dump.rdb").read_bytes() == path.read_bytes()
    (before,) = target.glob("dump.rdb.before-*")
    assert before.read_bytes() == b"before"


def test_a_damaged_file_is_no_backup(tmp_path, capsys):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "dump.rdb").write_bytes(parts(b"\x00\x01k\x01v")[:-1] + b"x")
    (target / "dump.rdb").write_bytes(b"before")
    assert backup.backup(["--dir", str(source), "--to", str(tmp_path / "backups")]) == 3
    assert os.listdir(tmp_path / "backups") == []
    assert backup.restore([str(source / "dump.rdb"), "--dir", str(target)]) == 3
    assert os.listdir(target) == ["dump.rdb"]
    assert (target / "dump.rdb").read_bytes() == b"before"
    assert capsys.readouterr().err.count("the data is damaged: RDB CRC error") == 2


def test_a_server_that_is_not_there(tmp_path, capsys):
    assert backup.backup(["--from", "127.0.0.1:1", "--to", str(tmp_path / "b")]) == 1
    assert backup.backup(["--from", "nonsense", "--to", str(tmp_path / "b")]) == 1
    assert os.listdir(tmp_path / "b") == []
    assert "cannot connect to 127.0.0.1:1" in capsys.readouterr().err
