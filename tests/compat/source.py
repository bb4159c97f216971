"""Gets the source tree of Redis 7.0.15, which holds the test suite, from Debian's source packages.

Debian is asked because a machine that runs Debian already trusts its archive keys: the signature chain
checks what we download. The machine's own package sources stay as they are: a private configuration
directory holds copies of them with `deb` turned into `deb-src`, and everything that apt writes goes below
`.compat/` of the working copy.
"""

import fcntl
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

VERSION = "7.0.15"
RELEASE = "bookworm"  # the Debian release that holds this version
PACKAGE = "redis"
POCKETS = (
    "",
    "-updates",
    "-security",
)  # of a Debian release; others (backports, foreign archives) are left out
DOWNLOAD_TIMEOUT = 300  # seconds for one call of apt-get


class Unavailable(Exception):
    """The suite cannot be run on this machine; the text says why and what would help."""


def missing_tools(*programs: str) -> list[str]:
    """Those of `programs` that are not on the search path."""
    return [program for program in programs if shutil.which(program) is None]


def ensure_source(cache: Path) -> Path:
    """Returns the tree of Redis `VERSION` below the directory `cache`, downloading it the first time.

    Raises Unavailable where this is no Debian, a tool is missing, or the archive cannot be reached.
    Concurrent callers wait for the first one.
    """
    tree = cache / f"redis-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.is_dir():
            _download(cache)
        found = tree_version(tree)
        if found != VERSION:
            raise Unavailable(f"{tree} holds Redis {found}, not {VERSION}: delete it and run again")
    return tree


def tree_version(tree: Path) -> str:
    """The version that a Redis source tree declares, or "none" where it holds no test suite."""
    header = tree / "src" / "version.h"
    if not header.is_file() or not (tree / "runtest").is_file():
        return "none"
    match = re.search(r'REDIS_VERSION\s+"([^"]+)"', header.read_text())
    return match.group(1) if match else "none"


def _download(cache: Path) -> None:
    release = Path("/etc/os-release")
    identity = (
        dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', release.read_text(), re.M)) if release.is_file() else {}
    )
    if identity.get("ID") != "debian":
        raise Unavailable(f"Redis {VERSION} is fetched from Debian's source packages, and this is not Debian")
    missing = missing_tools("apt-get", "dpkg-source", "patch")
    if missing:
        raise Unavailable(f"{', '.join(missing)} not found: run tests/compat/install-tools.sh")
    options = _private_configuration(cache / "apt", identity.get("VERSION_CODENAME", RELEASE))
    _apt_get(cache, [*options, "-qq", "update"])
    unpack = cache / "unpack"
    shutil.rmtree(unpack, ignore_errors=True)
    unpack.mkdir()
    try:
        _apt_get(unpack, [*options, "-qq", "source", PACKAGE])
        trees = [path for path in unpack.iterdir() if path.is_dir()]
        if [tree_version(path) for path in trees] != [VERSION]:
            names = ", ".join(path.name for path in trees) or "nothing"
            raise Unavailable(f"Debian's source packages gave {names} in the place of redis-{VERSION}")
        # The rename comes last, so that a tree which is there is a whole one.
        trees[0].rename(cache / f"redis-{VERSION}")
    finally:
        shutil.rmtree(unpack, ignore_errors=True)


def _apt_get(directory: Path, arguments: list[str]) -> None:
    try:
        result = subprocess.run(
            ["apt-get", *arguments], cwd=directory, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise Unavailable("Debian's source packages could not be fetched in time (network?)") from None
    if result.returncode != 0:
        reason = " ".join((result.stderr or result.stdout).split()[-60:])
        raise Unavailable(f"Debian's source packages could not be fetched (network?): {reason}")


def _private_configuration(directory: Path, codename: str) -> list[str]:
    """Writes the deb-src entries below `directory` and returns apt's options that make it use them alone."""
    parts = directory / "sources.list.d"
    for name in (parts, directory / "lists" / "partial", directory / "cache" / "archives" / "partial"):
        name.mkdir(parents=True, exist_ok=True)
    stanzas = list(_source_stanzas(codename))
    if not stanzas:
        raise Unavailable("no Debian archive is named in this machine's package sources")
    (parts / "source.sources").write_text("\n\n".join(stanzas) + "\n")
    settings = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": str(parts.resolve()),
        "Dir::State::lists": str((directory / "lists").resolve()),
        "Dir::Cache": str((directory / "cache").resolve()),
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "20",
        "APT::Sandbox::User": "root",  # the sandbox user may not reach into the working copy
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _source_stanzas(codename: str) -> Iterator[str]:
    directory = Path("/etc/apt")
    for path in sorted((directory / "sources.list.d").glob("*.sources")):
        yield from source_stanzas(path.read_text(), codename)
    for path in [directory / "sources.list", *sorted((directory / "sources.list.d").glob("*.list"))]:
        if path.is_file():
            yield from source_stanzas(deb822_from_lines(path.read_text()), codename)


def source_stanzas(text: str, codename: str) -> Iterator[str]:
    """The deb822 stanzas of `text` that are Debian's own, as deb-src of the release that holds the suite.

    A stanza is Debian's own when it names suites of this machine's release `codename`; of the rest of it,
    only the suites change.
    """
    suites_of_debian = {codename + pocket: RELEASE + pocket for pocket in POCKETS}
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        fields = {line.partition(":")[0].lower(): line.partition(":")[2].split() for line in lines}
        suites = [suites_of_debian[suite] for suite in fields.get("suites", []) if suite in suites_of_debian]
        if not suites or fields.get("enabled") == ["no"] or "deb" not in fields.get("types", []):
            continue
        kept = [line for line in lines if line.partition(":")[0].lower() not in ("types", "suites")]
        yield "\n".join(["Types: deb-src", f"Suites: {' '.join(suites)}", *kept])


def deb822_from_lines(text: str) -> str:
    """One-line package sources (`deb [signed-by=...] URI SUITE COMPONENT...`) as deb822 stanzas."""
    stanzas = []
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+?)\s*(?:#.*)?$", line)
        if match:
            options, uri, suite, components = match.groups()
            stanza = ["Types: deb", f"URIs: {uri}", f"Suites: {suite}", f"Components: {components}"]
            signed_by = re.search(r"signed-by=(\S+)", options or "")
            if signed_by:
                stanza.append(f"Signed-By: {signed_by.group(1)}")
            stanzas.append("\n".join(stanza))
    return "\n\n".join(stanzas)
