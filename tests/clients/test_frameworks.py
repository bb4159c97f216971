"""The programs of docs/frameworks.md run as they stand, each in a process of its own."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 110  # s
PROGRAMS = dict(
    re.findall(
        r"^## ([^\n]+)\n.*?```python\n(.*?)```",
        (ROOT / "docs/frameworks.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
)


@pytest.mark.parametrize("title", PROGRAMS)
def test_a_program(title, tmp_path):
    code = PROGRAMS[title]
    for package in ["redis", *re.findall(r"^import (\w+)", code, re.MULTILINE)]:
        if find_spec(package) is None:
            pytest.skip(f"needs {package}: make clients")
    if title.startswith("FastAPI") and find_spec("httpx") is None:
        pytest.skip("needs httpx: make clients")
    program = tmp_path / "program.py"
    program.write_text(code)
    result = subprocess.run(
        [sys.executable, program], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_all_are_found():
    assert len(PROGRAMS) == 6
