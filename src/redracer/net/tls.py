"""The TLS options of the configuration as contexts of Python's ssl: one for clients that come, one for links of ours.

Both are made anew when an option changes; connections that are there keep what they have. What Python's ssl cannot
set (the size and the time limit of the cache of sessions, the cipher suites of TLS 1.3 before Python 3.15) is said
where it is asked for.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from redracer.engine import log
from redracer.engine.config import ConfigError

if TYPE_CHECKING:
    from redracer.engine.config import Config

PROTOCOLS = {
    "tlsv1": ssl.TLSVersion.TLSv1,
    "tlsv1.1": ssl.TLSVersion.TLSv1_1,
    "tlsv1.2": ssl.TLSVersion.TLSv1_2,
    "tlsv1.3": ssl.TLSVersion.TLSv1_3,
}
DEFAULT_PROTOCOLS = ("tlsv1.2", "tlsv1.3")
LEFT_OUT = {
    "tlsv1": ssl.OP_NO_TLSv1,
    "tlsv1.1": ssl.OP_NO_TLSv1_1,
    "tlsv1.2": ssl.OP_NO_TLSv1_2,
    "tlsv1.3": ssl.OP_NO_TLSv1_3,
}
VERIFICATION = {"no": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "yes": ssl.CERT_REQUIRED}
RELOADED = (
    "tls-cert-file",
    "tls-key-file",
    "tls-key-file-pass",
    "tls-client-cert-file",
    "tls-client-key-file",
    "tls-client-key-file-pass",
    "tls-dh-params-file",
    "tls-ca-cert-file",
    "tls-ca-cert-dir",
    "tls-auth-clients",
    "tls-replication",
    "tls-protocols",
    "tls-ciphers",
    "tls-ciphersuites",
    "tls-prefer-server-ciphers",
    "tls-session-caching",
)
UPDATE_REFUSED = "Unable to update TLS configuration. Check server logs."


class TlsError(Exception):
    """The TLS options make no context; the text says why."""


class Tls:
    """The contexts that a configuration asks for."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.server: ssl.SSLContext | None = None
        self.client: ssl.SSLContext | None = None

    @property
    def wanted(self) -> bool:
        """Whether anything is to be encrypted."""
        return bool(self.config["tls-port"] or self.config["tls-replication"])

    def open(self) -> None:
        """Makes the contexts if they are wanted, and follows the options from now on. Raises TlsError."""
        if self.wanted:
            self.load()
        for name in RELOADED:
            self.config.on_change(name, self.changed)

    def load(self) -> None:
        """Makes both contexts; on a TlsError, which is logged, those there were stay."""
        try:
            server, client = self.make_server_context(), self.make_client_context()
        except TlsError as error:
            log.warning(str(error))
            raise
        self.server, self.client = server, client

    def changed(self, _value: Any) -> None:
        """An option has changed. Raises ConfigError."""
        if not self.wanted:
            self.server = self.client = None
            return
        try:
            self.load()
        except TlsError as error:
            raise ConfigError(UPDATE_REFUSED) from error

    def client_context(self) -> ssl.SSLContext:
        """What our links to other servers are encrypted with. Raises TlsError."""
        if self.client is None:
            self.load()
        assert self.client is not None
        return self.client

    # --- making

    def make_server_context(self) -> ssl.SSLContext:
        """The context for clients that connect."""
        config = self.config
        for name in ("tls-cert-file", "tls-key-file"):
            if not config[name]:
                raise TlsError(f"No {name} configured!")
        verified = config["tls-auth-clients"] != "no" or config["tls-replication"]
        if verified and not config["tls-ca-cert-file"] and not config["tls-ca-cert-dir"]:
            raise TlsError(
                "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, "
                "tls-replication or tls-auth-clients are enabled!"
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_certificate(
            context, config["tls-cert-file"], config["tls-key-file"], config["tls-key-file-pass"]
        )
        self._set_common(context)
        context.verify_mode = VERIFICATION[config["tls-auth-clients"]]
        if config["tls-prefer-server-ciphers"]:
            context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        else:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        if not config["tls-session-caching"]:
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
        if config["tls-dh-params-file"]:
            try:
                context.load_dh_params(config["tls-dh-params-file"])
            except OSError as error:
                raise TlsError(
                    f"Failed to load DH params file: {config['tls-dh-params-file']}: {error}"
                ) from error
        return context

    def make_client_context(self) -> ssl.SSLContext:
        """The context for connections that we make; the peer's certificate must be of our authority, for any name."""
        config = self.config
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        if config["tls-client-cert-file"]:
            names = ("tls-client-cert-file", "tls-client-key-file", "tls-client-key-file-pass")
        else:
            names = ("tls-cert-file", "tls-key-file", "tls-key-file-pass")
        load_certificate(context, *(config[name] for name in names))
        self._set_common(context)
        return context

    def _set_common(self, context: ssl.SSLContext) -> None:
        config = self.config
        self._set_protocols(context)
        file, directory = config["tls-ca-cert-file"], config["tls-ca-cert-dir"]
        if file or directory:
            try:
                context.load_verify_locations(file or None, directory or None)
            except OSError as error:
                raise TlsError(f"Failed to configure CA certificate(s) file/directory: {error}") from error
        if config["tls-ciphers"]:
            try:
                context.set_ciphers(config["tls-ciphers"])
            except ssl.SSLError as error:
                raise TlsError(f"Failed to configure ciphers: {config['tls-ciphers']}") from error
        if config["tls-ciphersuites"]:
            self._set_cipher_suites(context, config["tls-ciphersuites"])

    def _set_protocols(self, context: ssl.SSLContext) -> None:
        given = self.config["tls-protocols"]
        names = given.lower().split() if given else DEFAULT_PROTOCOLS
        if not names or not set(names) <= set(PROTOCOLS):
            raise TlsError(
                "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'."
            )
        context.minimum_version = min(PROTOCOLS[name] for name in names)
        context.maximum_version = max(PROTOCOLS[name] for name in names)
        for (
            name,
            option,
        ) in LEFT_OUT.items():  # only what is between the two: the rest is out of range already
            if name not in names and context.minimum_version < PROTOCOLS[name] < context.maximum_version:
                context.options |= option

    @staticmethod
    def _set_cipher_suites(context: ssl.SSLContext, suites: str) -> None:
        set_suites = getattr(context, "set_ciphersuites", None)
        if set_suites is None:
            raise TlsError("tls-ciphersuites needs an ssl module that can set them: Python 3.15")
        try:
            set_suites(suites)
        except ssl.SSLError as error:
            raise TlsError(f"Failed to configure ciphersuites: {suites}") from error


def load_certificate(
    context: ssl.SSLContext, certificate: str, key: str | None, password: str | None
) -> None:
    """Gives a context its certificate chain and key. Raises TlsError."""
    try:
        # A password is always given, if only an empty one: without, OpenSSL would ask at the terminal.
        context.load_cert_chain(certificate, key or None, password or "")
    except (OSError, ValueError) as error:
        raise TlsError(f"Failed to load certificate: {certificate}: {error}") from error
