"""Certificates for tests, made by the openssl program when they are needed."""

import shutil
import subprocess
from pathlib import Path

import pytest


def openssl(directory: Path, *arguments: str) -> None:
    """Runs the openssl program in a directory."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs the openssl program")
    subprocess.run([program, *arguments], cwd=directory, check=True, capture_output=True)


def make_authority(directory: Path, name: str = "ca") -> None:
    """NAME.crt and NAME.key: an authority that signs itself."""
    names = ["-keyout", f"{name}.key", "-out", f"{name}.crt"]
    openssl(directory, "req", "-x509", *new_key(), "-nodes", "-days", "30", "-subj", f"/CN={name}", *names)


def make_certificate(directory: Path, name: str, authority: str = "ca", password: str | None = None) -> None:
    """NAME.crt and NAME.key, signed by the authority; the key is encrypted if there is a password."""
    names = ["-keyout", f"{name}.key", "-out", f"{name}.csr"]
    locked = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    openssl(directory, "req", *new_key(), *locked, "-subj", f"/CN={name}", *names)
    (directory / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    signed = ["-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", "30"]
    extended = ["-extfile", f"{name}.ext"]
    openssl(directory, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed, *extended)


def new_key() -> list[str]:
    """Options for a key that is quick to make."""
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
