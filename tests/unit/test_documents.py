"""What the documents say about the repository is true: the paths exist, the links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:[\w.-]+/)+(?:[\w-]+\.\w+)?|[\w-]+\.(?:toml|md|py|yml))`")
MADE = {"benchmarks/results.md", "docs/compatibility.md"}  # by `make bench`, `make compat`


def paths_of(name: str) -> list[str]:
    return PATH.findall((ROOT / name).read_text())


@pytest.mark.parametrize("path", paths_of("ARCHITECTURE.md"))
def test_a_path_that_the_architecture_names_exists(path):
    assert (ROOT / path).exists()


def test_the_architecture_names_the_parts_and_is_one_page():
    assert {"src/redracer/core/", "src/redracer/engine/", "tests/unit/"} <= set(paths_of("ARCHITECTURE.md"))
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) <= 80


def test_the_site_is_built_without_a_warning(tmp_path):
    program = Path(sys.executable).parent / "mkdocs"
    if not program.exists():
        pytest.skip("needs mkdocs-material")
    command = [program, "build", "--strict", "--quiet", "--site-dir", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "runbook" / "index.html").exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(document):
    text = document.read_text()
    links = [link for link in LINK.findall(text) if not re.match(r"https?:", link)]
    assert [link for link in links if not (document.parent / link).exists()] == []
    places = (ROOT, document.parent, ROOT / "src" / "redracer")
    paths = [path for path in PATH.findall(text) if "/" in path and path not in MADE]
    assert [path for path in paths if not any((place / path).exists() for place in places)] == []
