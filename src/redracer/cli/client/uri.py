"""redis://[[USER:]PASSWORD@]HOST[:PORT][/DATABASE], and rediss:// for TLS."""

from __future__ import annotations

from redracer.cli.client.words import leading_integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.cli.client.options import Options

SCHEMES = {"redis://": False, "rediss://": True}


def parse_uri(options: Options, uri: str) -> None:
    """Sets what the URI says of where to connect and as whom. Raises ValueError with a sentence if it is none."""
    for scheme, tls in SCHEMES.items():
        if uri[: len(scheme)].lower() == scheme:
            options.tls = options.tls or tls
            rest = uri[len(scheme) :]
            break
    else:
        raise ValueError("Invalid URI scheme")
    credentials, at_sign, address = rest.partition("@")
    if at_sign:
        user, colon, password = credentials.partition(":")
        if colon:
            options.user = _decoded(user)
        options.password = _decoded(password if colon else user)
        rest = address
    if not rest:
        return
    location, slash, database = rest.partition("/")
    if location:
        host, colon, port = location.partition(":")
        options.host = host
        if colon:
            options.port = leading_integer(port)
    if slash and database:
        options.database = leading_integer(database)


def _decoded(text: str) -> str:
    """The text without its percent escapes."""
    if "%" not in text:
        return text
    pieces = text.encode("utf-8", "surrogateescape").split(b"%")
    decoded = pieces[0]
    for piece in pieces[1:]:
        if len(piece) < 2:
            raise ValueError("Incomplete URI encoding")
        try:
            decoded += bytes.fromhex(piece[:2].decode("ascii")) + piece[2:]
        except ValueError:
            raise ValueError("Illegal character in URI encoding") from None
    return decoded.decode("utf-8", "surrogateescape")
