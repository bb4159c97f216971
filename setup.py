"""Builds the compiled modules; everything else about the package is in pyproject.toml.

Every `.pyx` under src/ is compiled, and so is every `.py` that has a `.pxd` of the same
name beside it (Cython's pure mode: such a module also runs uncompiled).
REDRACER_BUILD_ONLY=core.glob,net.reactor limits a development build to those modules
(`nothing`: to none).
REDRACER_SANITIZE=address builds everything under AddressSanitizer.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

SOURCE = Path("src")
ONLY = [name for name in os.environ.get("REDRACER_BUILD_ONLY", "").split(",") if name]
PROCESSORS = os.cpu_count() or 1
SANITIZE = os.environ.get("REDRACER_SANITIZE", "")

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": False,
    "auto_pickle": False,
}


def sources() -> list[Path]:
    pure = [path.with_suffix(".py") for path in SOURCE.rglob("*.pxd")]
    found = sorted(SOURCE.rglob("*.pyx")) + sorted(path for path in pure if path.exists())
    return [path for path in found if not ONLY or module_name(path).removeprefix("redracer.") in ONLY]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def extension(path: Path) -> Extension:
    compile_args = ["-O2", "-fno-strict-aliasing", "-Wno-unused-function", "-Wno-sign-compare"]
    link_args = []
    if SANITIZE:
        compile_args += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer", "-g1", "-O1"]
        link_args += [f"-fsanitize={SANITIZE}"]
    else:
        compile_args += ["-g0"]
    return Extension(
        module_name(path),
        [str(path)],
        include_dirs=[str(SOURCE / "redracer" / "core")],
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )


building = not {"egg_info", "dist_info", "sdist", "--version", "clean"} & set(sys.argv[1:2])
setup(
    ext_modules=cythonize(
        [extension(path) for path in sources()],
        compiler_directives=DIRECTIVES,
        nthreads=PROCESSORS,
        build_dir="build/cython",
        quiet=True,
    )
    if building
    else [extension(path) for path in sources()],
    options={"build_ext": {"parallel": PROCESSORS}},
)
