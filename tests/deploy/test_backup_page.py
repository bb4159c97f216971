"""Every command of docs/backup.md is run, in the terminal of the runbook's tests."""

import re

import pytest

pytest.importorskip("helm_python", reason="needs helm-python-sdk, which has wheels for Linux on x86-64 only")

from tests.deploy.chart import ROOT
from tests.deploy.test_runbook import Terminal, terminal

__all__ = ["terminal"]  # a fixture

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
PAGE = (ROOT / "docs/backup.md").read_text()
BLOCK = re.compile(r"^\n((?:    .*\n)+)", re.MULTILINE)
A_BACKUP = "backup-20260102T030405Z.rdb"
STATS = "redracer rdb stats ./backup.rdb"


def run(terminal: Terminal, script: str) -> str:
    """Runs a block; what it says."""
    done = terminal.shell(script, "-eu")
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_commands_of_the_page(terminal):
    backup_now, restore, space, from_claim = BLOCK.findall(PAGE)
    client = terminal.pod.client()
    client.set("kept", "yes")
    assert "1 keys" in run(terminal, backup_now)
    client.set("later", "gone")
    [made] = (terminal.pod.directory / "backup").iterdir()
    assert re.fullmatch(r"backup-\d{8}T\d{6}Z\.rdb", made.name)
    assert A_BACKUP in from_claim
    said = run(terminal, from_claim.replace(A_BACKUP, made.name))
    assert made.name in said
    assert 'pod "redis-backups" deleted' in said
    run(terminal, restore)
    assert client.keys() == [b"kept"]
    assert re.search(r"^\d.*before-restore-", run(terminal, space), re.MULTILINE)
    assert STATS in PAGE
    assert re.search(r"\bkeys\b.*\b1\b|\b1\b.*\bkeys?\b", run(terminal, STATS))
