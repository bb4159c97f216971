"""Runs Python under AddressSanitizer and UndefinedBehaviorSanitizer with a build of its own.

    python -m tests.fuzz.sanitized -m pytest tests/unit
    python -m tests.fuzz.sanitized -m tests.fuzz --inputs 10000000

Copies the source into a directory (build/asan, or REDRACER_ASAN_DIRECTORY), builds what changed there with
REDRACER_SANITIZE, and runs the interpreter in it with the sanitizer's library loaded first and Python's own
allocator out of the way. The first bad access, and the first undefined operation, ends the process. Leaks
are not asked for here: the interpreter keeps too much until it exits; the fuzz driver counts the heap.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DIRECTORY = Path(os.environ.get("REDRACER_ASAN_DIRECTORY", ROOT / "build" / "asan"))
COPIED = ("src", "tests", "setup.py", "pyproject.toml")
LEFT_OUT = shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info")
SOURCES = {".py", ".pyx", ".pxd", ".pyi", ".h"}
SANITIZERS = "address,undefined"
ADDRESS_OPTIONS = {
    "detect_leaks": 0,
    "allocator_may_return_null": 1,  # a request for too much memory is an error that the server must survive
    "malloc_context_size": 8,
    "quarantine_size_mb": 32,
    "handle_segv": 1,
    "allow_user_segv_handler": 0,  # else Python's faulthandler would hide the report
}
UNDEFINED_OPTIONS = {"print_stacktrace": 1, "halt_on_error": 1}


def copy_source() -> None:
    """Brings the copy up to date: what is newer is copied, what is gone is deleted, what was built stays."""
    for name in COPIED:
        source, target = ROOT / name, DIRECTORY / name
        if source.is_file():
            copy_if_newer(str(source), str(target))
        else:
            shutil.copytree(source, target, ignore=LEFT_OUT, copy_function=copy_if_newer, dirs_exist_ok=True)
            for path in sorted(target.rglob("*")):
                if path.suffix in SOURCES and not (source / path.relative_to(target)).exists():
                    path.unlink()


def copy_if_newer(source: str, target: str) -> None:
    """Copies a file with its time, unless the target is as new."""
    if not os.path.exists(target) or os.path.getmtime(source) > os.path.getmtime(target):
        shutil.copy2(source, target)


def build() -> None:
    """Compiles what changed."""
    environment = {**os.environ, "REDRACER_SANITIZE": SANITIZERS}
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace", "-j", str(os.cpu_count() or 1)]
    subprocess.run(command, cwd=DIRECTORY, env=environment, check=True)


def sanitizer_library() -> str:
    """The path of the sanitizer's library, which must be loaded before everything else."""
    compiler = os.environ.get("CC", "gcc")
    found = subprocess.run(
        [compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def options(values: dict[str, int]) -> str:
    """Options as a sanitizer reads them."""
    return ":".join(f"{name}={value}" for name, value in values.items())


def main() -> int:
    """Builds, then runs the interpreter with the arguments given; returns its exit code."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    copy_source()
    build()
    environment = {
        **os.environ,
        "LD_PRELOAD": sanitizer_library(),
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(DIRECTORY / "src"),
        "ASAN_OPTIONS": options(ADDRESS_OPTIONS),
        "UBSAN_OPTIONS": options(UNDEFINED_OPTIONS),
    }
    return subprocess.run([sys.executable, *sys.argv[1:]], cwd=DIRECTORY, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
