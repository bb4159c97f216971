"""TLS on a connection, as the options ask for it."""

from __future__ import annotations

import socket
import ssl
import warnings

from redracer.cli.client.connection import TlsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from redracer.cli.client.options import Options


def secured(plain: _socket.socket, options: Options) -> ssl.SSLSocket:
    """The connection with TLS on it; `plain` is used up. Raises TlsError.

    As with redis-cli the server's certificate is checked against the authorities, its name is not.
    """
    context = _context(options)
    wrapped = socket.socket(plain.family, plain.type, plain.proto, plain.detach())
    try:
        return context.wrap_socket(wrapped, server_hostname=options.sni)
    except (OSError, ValueError) as error:
        wrapped.close()
        raise TlsError(_reason(error)) from None


def _context(options: Options) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE if options.insecure else ssl.CERT_REQUIRED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # servers that are old speak what they speak
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if options.cacert or options.cacertdir:
        _attempt(
            "Invalid CA Certificate File/Directory",
            context.load_verify_locations,
            options.cacert,
            options.cacertdir,
        )
    else:
        context.set_default_verify_paths()
    if options.cert:
        _attempt("Invalid client certificate", context.load_cert_chain, options.cert, options.key)
    if options.tls_ciphers:
        _attempt("Error while configuring ciphers", context.set_ciphers, options.tls_ciphers)
    if options.tls_ciphersuites:
        if not hasattr(context, "set_ciphersuites"):
            raise TlsError("--tls-ciphersuites needs Python 3.15 or newer")
        _attempt("Error while setting cypher suites", context.set_ciphersuites, options.tls_ciphersuites)
    return context


def _attempt(failure: str, function: object, *arguments: object) -> None:
    try:
        function(*arguments)  # type: ignore[operator]
    except (OSError, ValueError):
        raise TlsError(failure) from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"SSL_connect failed: certificate verify failed ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"SSL_connect failed: {error.reason or error}"
    return f"SSL_connect failed: {getattr(error, 'strerror', None) or error}"
