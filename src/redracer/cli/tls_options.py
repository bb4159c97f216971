"""The options for TLS that tools which connect to a server have in common; their names are redis-cli's."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_tls_options(parser: argparse.ArgumentParser) -> None:
    """Add them, in a group of their own."""
    group = parser.add_argument_group("TLS")
    group.add_argument("--tls", action="store_true", help="connect with TLS")
    group.add_argument("--cacert", metavar="FILE", help="who may have signed the server's certificate")
    group.add_argument("--cert", metavar="FILE", help="the certificate to show")
    group.add_argument("--key", metavar="FILE", help="its key")
    group.add_argument(
        "--sni", default="", metavar="NAME", help="the name that the server's certificate must have"
    )
    group.add_argument("--insecure", action="store_true", help="accept any certificate")


def tls_context(options: argparse.Namespace) -> ssl.SSLContext | None:
    """What the options say of certificates; None without --tls. Raises OSError."""
    return make_context(options) if options.tls else None


def make_context(options: argparse.Namespace) -> ssl.SSLContext:
    """What the options say of certificates, whatever --tls says. Raises OSError."""
    context = ssl.create_default_context(cafile=options.cacert)
    if options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.cert:
        context.load_cert_chain(options.cert, options.key)
    return context
