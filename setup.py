"""Builds the compiled modules; everything else about the package is in pyproject.toml.

Every `.pyx` under src/ is compiled, and so is every `.py` that has a `.pxd` of the same
name beside it (Cython's pure mode: such a module also runs uncompiled).
REDRACER_BUILD_ONLY=core.glob,net.reactor limits a development build to those modules
(`nothing`: to none).
REDRACER_SANITIZE=address builds everything under AddressSanitizer.

The build has to fit into a minute on two cores, so that only what the instructions of usual requests are spent in
is optimised at -O2; -O1 takes two thirds of the time of -O2 there, -Og half. What runs once, when a module is loaded,
is not optimised at all. Python's headers are read once a level, into a precompiled header. What every module of Cython
needs (functions, imports, calls) is compiled once, into redracer._cython; a generator brings 3,000 lines of C into its
module, so that the compiled modules have few.
"""

import gc
import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCE = Path("src")
ONLY = [name for name in os.environ.get("REDRACER_BUILD_ONLY", "").split(",") if name]
PROCESSORS = os.cpu_count() or 1
SANITIZE = os.environ.get("REDRACER_SANITIZE", "")

SHARED = "redracer._cython"

# What a request passes through, and the structures that hold much: 4 to 10 % fewer instructions than at -O1.
HOT = {
    "core.bulk_array",
    "core.clock",
    "core.entry",
    "core.histogram",
    "core.intset",
    "core.key_table",
    "core.keyspace",
    "core.listpack",
    "core.member_table",
    "core.memory",
    "core.numbers",
    "core.packed_blocks",
    "core.ranked_tree",
    "core.resp_parse",
    "core.resp_write",
    "core.session",
    "core.sorted_tree",
    "core.table",
    "embedded.calls",
    "engine.client",
    "engine.context",
    "engine.dispatch",
    "engine.effects",
    "engine.timing",
    "net.exchange",
    "net.reactor",
    "types.list.quicklist",
    "types.stream.entry_log",
    "types.string.commands",
    "types.string.value",
}
# Compiled so that hot code reaches their fields in C, and seldom executed or not worth an optimiser's time.
COLD = {
    "commands.scripting",
    "core.key_sizes",
    "core.lcs",
    "engine.acl.key_needs",
    "engine.acl.user",
    "engine.blocking",
    "engine.crash",
    "engine.registry",
    "scripting.sandbox",
    "scripting.service",
    "types.hash.limits",
    "types.list.limits",
    "types.set.limits",
    "types.sorted_set.combine",
    "types.sorted_set.storing",
    "types.stream.group",
    "types.stream.group_changes",
    "types.stream.group_commands",
    "types.stream.id_map",
    "types.stream.limits",
    "types.stream.read_options",
}

# Nobody reads what a compiler has to say about generated code. CYTHON_SMALL_CODE is what Cython marks the functions
# with that load a module.
COMPILE = [
    "-fno-plt",  # modules are bound to the interpreter's functions when they are loaded
    "-fno-strict-aliasing",
    "-w",
    "-DPY_SSIZE_T_CLEAN",
    '-DCYTHON_SMALL_CODE=__attribute__((cold, optimize("O0")))',
]

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
    if not sys.platform.startswith("linux"):
        found.remove(SOURCE / "redracer" / "net" / "reactor.pyx")  # epoll
    return [path for path in found if not ONLY or module_name(path).removeprefix("redracer.") in ONLY]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def level(name: str) -> str:
    """The optimisation of a module."""
    short = name.removeprefix("redracer.")
    return "-O2" if short in HOT else "-Og" if short in COLD else "-O1"


def extension(path: Path) -> Extension:
    name = module_name(path)
    compile_args = [level(name), *COMPILE]
    link_args = []
    if SANITIZE:
        compile_args += [f"-fsanitize={SANITIZE}", "-fno-omit-frame-pointer", "-g1", "-O1"]
        link_args += [f"-fsanitize={SANITIZE}"]
    else:
        compile_args += ["-g0"]
    return Extension(
        name,
        [str(path)],
        include_dirs=[str(SOURCE / "redracer" / "core")],
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )


def all_extensions() -> list[Extension]:
    if ONLY == ["nothing"]:
        return []
    return [extension(SOURCE / "redracer" / "_cython.c"), *(extension(path) for path in sources())]


class BuildExtensions(build_ext):
    """Compiles Python's headers once for every level of optimisation; a compiler that cannot use that reads them."""

    def build_extensions(self) -> None:
        for each in self.extensions:
            each.extra_compile_args += ["-include", str(self.precompiled_header(each.extra_compile_args))]
        super().build_extensions()

    def precompiled_header(self, arguments: list[str]) -> Path:
        """A header that includes Python's, compiled with these arguments, of which the first is the level."""
        header = Path(self.build_temp, "headers" + arguments[0] + SANITIZE, "python_headers.h")
        compiled = header.with_suffix(".h.gch")
        if not compiled.exists():
            header.parent.mkdir(parents=True, exist_ok=True)
            header.write_text("#include <Python.h>\n")
            places = [f"-I{place}" for place in self.include_dirs]
            language = ["-x", "c-header", str(header), "-o", str(compiled)]
            self.compiler.call([*self.compiler.compiler_so, *places, *arguments, *language])
        return header


# The trees that Cython builds are all cycles: the search for garbage in them took a quarter of its time.
gc.set_threshold(200_000, 20)
building = not {"egg_info", "dist_info", "sdist", "--version", "clean"} & set(sys.argv[1:2])
setup(
    ext_modules=cythonize(
        all_extensions(),
        compiler_directives=DIRECTIVES,
        shared_utility_qualified_name=SHARED,
        nthreads=PROCESSORS,
        build_dir="build/cython",
        quiet=True,
    )
    if building
    else [extension(path) for path in sources()],
    cmdclass={"build_ext": BuildExtensions},
    options={"build_ext": {"parallel": PROCESSORS}},
)
