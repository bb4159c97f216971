"""The form of the source: sizes, stubs beside compiled modules, nothing that is true on one machine only."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "redracer"
FOLDERS = ("src", "tests", "benchmarks", "tools", "docs", "deploy", ".ci")
TEXTS = {
    ".py",
    ".pyi",
    ".pyx",
    ".pxd",
    ".h",
    ".md",
    ".toml",
    ".txt",
    ".json",
    ".sh",
    ".yml",
    ".conf",
    ".svg",
    "",
}
FILE_LINES = 650
FUNCTION_LINES = (
    75  # from `def` to the last line, docstring included: most are far below, tables of rows are not
)

# Absolute paths that mean the same everywhere, or in every container of ours.
STANDARD = re.compile(r"/(?:backup|bin|data|dev|etc|opt/redracer|path/to|proc|sys|tmp|usr|var)(?![\w-])")
# A path of two parts or more at the start of a word, not part of a URL, a regular expression or a fraction.
ABSOLUTE_PATH = re.compile(r"""(?:(?<=[\s"'`(=])|^)/[a-z][\w.-]*(?:/[\w.-]+)+""", re.MULTILINE)
URL = re.compile(r"https?://([\w.-]+)")
HOSTS = re.compile(
    r"127\.0\.0\.1|localhost|cython\.org|deb\.debian\.org|docs\.python\.org|en\.wikipedia\.org|github\.com|json-schema\.org|keepachangelog\.com|"
    r"rdb\.fnordig\.de|prometheus\.io|redis\.io|semver\.org|www\.w3\.org|[\w-]+\.example"
)


def texts() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    found += [path for path in ROOT.iterdir() if not path.name.endswith(".lock")]
    return sorted(
        path
        for path in found
        if path.is_file() and path.suffix in TEXTS and "__pycache__" not in path.parts and path.name != ".git"
    )


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


COMPILED = sorted(SOURCE.rglob("*.pyx"))
CODE = sorted(path for path in texts() if path.suffix in (".py", ".pyx", ".pxd"))


@pytest.mark.parametrize("path", COMPILED, ids=name_of)
def test_a_compiled_module_that_python_imports_has_a_stub(path):
    if re.search(
        r"^(?:def|class|cpdef|cdef class|[A-Z_]+(?:, [A-Z_]+)* =) ?", path.read_text(), re.MULTILINE
    ):
        assert path.with_suffix(".pyi").exists()


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The name and length in lines of each function of a file."""
    text = path.read_text()
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1
        return
    lines = text.splitlines()
    for number, line in enumerate(lines):
        match = re.match(r"(\s*)(?:def|cp?def)\s(?!class\b)[^=]*?(\w+)\(.*", line)
        if match is None:
            continue
        last = number
        for after in range(number + 1, len(lines)):
            inner = lines[after]
            if inner.strip() and not inner.startswith((match[1] + " ", match[1] + ")")):
                break
            if inner.strip():
                last = after
        yield match[2], last - number + 1


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_files_and_functions_stay_small(path):
    assert len(path.read_text().splitlines()) <= FILE_LINES
    assert [found for found in functions(path) if found[1] > FUNCTION_LINES] == []


@pytest.mark.parametrize("path", texts(), ids=name_of)
def test_nothing_is_true_on_one_machine_only(path):
    text = path.read_text()
    if "tests" not in path.parts:  # which have paths as data
        assert [found for found in ABSOLUTE_PATH.findall(text) if not STANDARD.match(found)] == []
    assert [host for host in URL.findall(text) if not HOSTS.fullmatch(host)] == []


@pytest.mark.parametrize("path", sorted([*SOURCE.rglob("*.pyx"), *SOURCE.rglob("*.pxd")]), ids=name_of)
def test_shifts_in_an_enum_fit_an_int(path):
    """What `cdef enum` computes is computed as a C int: 1 << 31 is negative there, and no limit at all."""
    for constant, shift in re.findall(r"^    \w+ = (\d+) << (\d+)", path.read_text(), re.MULTILINE):
        assert int(constant) << int(shift) < 1 << 31
