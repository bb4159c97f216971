"""What the documentation shows is run as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["docs/embedded.md", "README.md"])
def test_examples_run(name, tmp_path, monkeypatch):
    pytest.importorskip("redis")
    monkeypatch.chdir(tmp_path)
    examples = [
        code
        for code in re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)
        if "import redracer" in code
    ]
    assert examples
    for code in examples:
        exec(compile(code, name, "exec"), {})
