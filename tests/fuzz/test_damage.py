"""Damaged payloads, RDB files and append-only files: a short run of each; `make damage` is the long one."""

from random import Random

import pytest

from redracer.core.rdb_reader import CorruptRdb
from redracer.persistence.rdb_scan import Scan
from tests.fuzz.damage.kinds import KINDS, Logs, rdb_file, written
from tests.fuzz.damage.values import damaged

INPUTS = {"dump": 1500, "rdb": 1000, "aof": 400}
LOOKED_THROUGH = 500
SEED = 1


@pytest.mark.parametrize("name", KINDS)
def test_damaged_input_is_refused_or_loaded(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind = KINDS[name](tmp_path)
    loaded = sum(kind.one(Random(f"{SEED} {number}")) for number in range(INPUTS[name]))
    assert 0 < loaded < INPUTS[name]


def test_damaged_files_are_looked_through(tmp_path):
    kind = KINDS["rdb"](tmp_path)
    draw = Random(SEED)
    path = tmp_path / "dump.rdb"
    for _ in range(LOOKED_THROUGH):
        path.write_bytes(damaged(draw, rdb_file(draw, kind.values)))
        with path.open("rb") as file:
            try:
                for _ in Scan(file.fileno(), kind.server.engine.config.values).parts():
                    pass
            except CorruptRdb as problem:
                assert str(problem)


def test_a_whole_log_loads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind = Logs(tmp_path)
    units = [command for unit in kind.units for command in unit]
    kind.write({"1.incr": written(units), f"{kind.files.prefix}.manifest": b"file 1.incr seq 1 type i\n"})
    assert kind.start()
    assert [database.size for database in kind.server.engine.databases[:4]] == [1, 0, 0, 8]
