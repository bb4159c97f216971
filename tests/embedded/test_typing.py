"""What users' type checkers say of a program that uses everything: nothing."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("typed_program.py")
ROOT = PROGRAM.parents[2]


def check(*command):
    result = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_mypy(tmp_path):
    pytest.importorskip("mypy")
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\nstrict = true\nmypy_path = src\n")
    check("mypy", "--config-file", settings, "--cache-dir", ROOT / ".mypy_cache", PROGRAM)


@pytest.mark.long
def test_pyright(tmp_path):
    if find_spec("pyright") is None:
        pytest.skip("needs pyright: pip install 'redracer[typing-test]'")
    (tmp_path / "pyrightconfig.json").write_text(
        f'{{"include": ["{PROGRAM}"], "extraPaths": ["{ROOT / "src"}"], "typeCheckingMode": "standard"}}'
    )
    check("pyright", "--project", tmp_path, "--pythonpath", sys.executable)
