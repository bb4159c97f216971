#!/usr/bin/env python3
"""Builds the image from Debian's packages and this source tree: no registry is asked for anything.

    make build
    sudo deploy/image/build-without-registry.py --root DIR [--tag localhost/redracer:0.1.0]

For tests, and for places without a registry. It needs root, debootstrap, buildah and pip, and a source tree that is
built for the Python of Debian's release (3.11). DIR keeps Debian's part between two builds. Everybody else uses the
Containerfile, of which this makes the same image: finish.sh does the last steps of both.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
RELEASE, PYTHON = "bookworm", (3, 11)
PACKAGES = "python3-minimal,libpython3-stdlib,ca-certificates"
SITE = "usr/local/lib/python3.11/dist-packages"
EXTRAS = ("cli", "lua")
# What a server does not need.
SPARE = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/cache/apt",
    "var/lib/apt/lists",
)
CONFIGURATION = (
    *("--user", "1001:1001", "--workingdir", "/data", "--volume", "/data", "--port", "6379"),
    *(
        "--env",
        "PYTHONDONTWRITEBYTECODE=1",
        "--env",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "--stop-signal",
        "SIGTERM",
    ),
    *(
        "--healthcheck",
        "CMD redis-cli ping",
        "--healthcheck-interval",
        "10s",
        "--healthcheck-timeout",
        "5s",
    ),
    *("--healthcheck-start-period", "60s"),
    *("--cmd", '["redis-server", "--dir", "/data", "--protected-mode", "no"]'),
)


def run(*command: str | Path) -> str:
    """Runs a command; its output. Raises CalledProcessError."""
    return subprocess.run(
        [str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def debian(root: Path, mirror: str) -> None:
    """The base system, unless it is there."""
    if (root / "debootstrap-is-done").exists():
        return
    shutil.rmtree(root, ignore_errors=True)
    run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, root, mirror)
    for name in SPARE:
        shutil.rmtree(root / name, ignore_errors=True)
    (root / "debootstrap-is-done").touch()


def install(root: Path) -> None:
    """redracer with what it needs, as pip would install it."""
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]
    site = root / SITE
    site.mkdir(parents=True, exist_ok=True)
    needed = [requirement for extra in EXTRAS for requirement in project["optional-dependencies"][extra]]
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary", ":all:",
        "--python-version", "3.11", "--target", site, *needed)  # fmt: skip
    unneeded = shutil.ignore_patterns("__pycache__", "*.c", "*.pyx", "*.pxd", "*.pyi", "*.h")
    shutil.copytree(SOURCE / "src/redracer", site / "redracer", ignore=unneeded)
    programs = root / "usr/local/bin"
    for name, place in project["scripts"].items():
        module, function = place.split(":")
        (programs / name).write_text(
            f"#!/usr/bin/python3\nimport sys\nfrom {module} import {function}\n\nsys.exit({function}())\n"
        )
        (programs / name).chmod(0o755)
    shutil.copy2(HERE / "finish.sh", root / "tmp")
    run(
        "chroot",
        root,
        "/usr/bin/env",
        "-i",
        "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "sh",
        "/tmp/finish.sh",
    )
    (root / "tmp/finish.sh").unlink()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="for Debian's base system")
    parser.add_argument(
        "--tag", default="localhost/redracer:0.1.0", help="the image's name (default: %(default)s)"
    )
    parser.add_argument("--mirror", default="http://deb.debian.org/debian", help="of Debian's packages")
    options = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("it needs root: debootstrap and chroot do")
    if sys.version_info[:2] != PYTHON:
        parser.error(f"the source tree must be built, and this be run, with Python {PYTHON[0]}.{PYTHON[1]}")
    if not list((SOURCE / "src/redracer/core").glob("*.cpython-311-*.so")):
        parser.error("the source tree is not built: make build")
    base, work = options.root / "base", options.root / "work"
    debian(base, options.mirror)
    shutil.rmtree(work, ignore_errors=True)
    run("cp", "--archive", "--reflink=auto", base, work)
    (work / "debootstrap-is-done").unlink()
    install(work)
    container = run("buildah", "from", "scratch")
    try:
        run("buildah", "add", "--quiet", container, work, "/")
        run("buildah", "config", *CONFIGURATION, container)
        # Docker's format: OCI's has no health check.
        run("buildah", "commit", "--quiet", "--format", "docker", container, options.tag)
    finally:
        run("buildah", "rm", container)
        shutil.rmtree(work)
    print(options.tag)


if __name__ == "__main__":
    main()
