"""The command line: options up to the first word that is none, from there on the command.

Not argparse, which costs more than the rest of a run, and knows neither options that end at the first other word nor
redis-cli's leniency with numbers. Two tables say which options there are: `FLAGS` and `VALUES`.
"""

from __future__ import annotations

import os
import sys

from redracer.cli.client.formats import CSV, JSON, QUOTED_JSON, RAW, STANDARD
from redracer.cli.client.uri import parse_uri
from redracer.cli.client.words import leading_float, leading_integer, unquoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PASSWORD_WARNING = (
    "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n"
)
LONGEST_INTERVAL = 10_000_000.0  # s; what is above cannot be slept
NO_DEBUGGER = "redracer cli has no Lua debugger: use redis-cli --ldb for it.\n"
NO_CLUSTER = "redracer cli does not manage clusters: use redis-cli --cluster for it.\n"


class Exit(Exception):
    """The end of the program, with this exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def complain(*parts: str | bytes) -> None:
    """Writes to the standard error."""
    sys.stdout.flush()  # so that the two are in order where they go to the same place
    sys.stderr.flush()
    data = b"".join([part if isinstance(part, bytes) else os.fsencode(part) for part in parts])
    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


def fail(*parts: str | bytes) -> Exit:
    """Writes to the standard error; the exception to raise then."""
    complain(*parts)
    return Exit(1)


class Options:
    """What was asked for. Sizes in bytes, times in seconds."""

    def __init__(self, terminal: bool) -> None:
        """`terminal`: whether replies go to one, which decides how they are shown."""
        self.host = "127.0.0.1"
        self.port = 6379
        self.socket: str | None = None  # path of a Unix socket
        self.prefer_family = 0  # 4 or 6; 0 for none
        self.connect_timeout = 0.0  # 0: as long as it takes
        self.user: str | None = None
        self.password: str | None = None
        self.ask_password = False
        self.no_auth_warning = False
        self.database = 0
        self.resp2 = False
        self.resp3 = ""  # "wanted", or "tried" where JSON is asked for
        self.tls = False
        self.sni: str | None = None
        self.cacert: str | None = None
        self.cacertdir: str | None = None
        self.cert: str | None = None
        self.key: str | None = None
        self.tls_ciphers: str | None = None
        self.tls_ciphersuites: str | None = None
        self.insecure = False
        self.cluster = False
        self.output = STANDARD if terminal else RAW
        self.show_pushes = terminal
        self.between = b"\n"
        self.after = b"\n"
        self.quoted_input = False
        self.error_code = False
        self.repeat = 1
        self.interval = 0.0
        self.stdin_last = False
        self.stdin_tag: str | None = None
        self.eval_file: str | None = None
        self.mode = ""  # a mode other than running commands: one of MODES
        self.functions_only = False
        self.file = ""
        self.pipe_timeout = 30
        self.pattern: bytes | None = None
        self.count = 10
        self.samples = -1  # of a key's elements in --memkeys and --keystats; -1: as the server likes
        self.cursor = 0
        self.top = 10
        self.history = False  # --latency-history
        self.mono = False
        self.seconds = 0
        self.keys = 0  # --lru-test
        self.verbose = False


# Option without a value: attribute, value. Of modes asked for together the first of MODES is done.
FLAGS: dict[str, tuple[str, object]] = {
    "-x": ("stdin_last", True),
    "-c": ("cluster", True),
    "-e": ("error_code", True),
    "-2": ("resp2", True),
    "-3": ("resp3", "wanted"),
    "-4": ("prefer_family", 4),
    "-6": ("prefer_family", 6),
    "--no-auth-warning": ("no_auth_warning", True),
    "--askpass": ("ask_password", True),
    "--raw": ("output", RAW),
    "--no-raw": ("output", STANDARD),
    "--csv": ("output", CSV),
    "--json": ("output", JSON),
    "--quoted-json": ("output", QUOTED_JSON),
    "--quoted-input": ("quoted_input", True),
    "--verbose": ("verbose", True),
    "--tls": ("tls", True),
    "--insecure": ("insecure", True),
    "--latency": ("mode", "latency"),
    "--latency-history": ("mode", "latency"),
    "--latency-dist": ("mode", "latency-dist"),
    "--mono": ("mono", True),
    "--replica": ("mode", "replica"),
    "--slave": ("mode", "replica"),
    "--stat": ("mode", "stat"),
    "--scan": ("mode", "scan"),
    "--pipe": ("mode", "pipe"),
    "--bigkeys": ("mode", "bigkeys"),
    "--memkeys": ("mode", "memkeys"),
    "--keystats": ("mode", "keystats"),
    "--hotkeys": ("mode", "hotkeys"),
}
MODES = (
    "latency",
    "latency-dist",
    "replica",
    "rdb",
    "pipe",
    "bigkeys",
    "memkeys",
    "keystats",
    "hotkeys",
    "stat",
    "scan",
    "lru-test",
    "intrinsic-latency",
)


def _mode(options: Options, mode: str) -> None:
    if not options.mode or MODES.index(mode) < MODES.index(options.mode):
        options.mode = mode


def _port(options: Options, value: str) -> None:
    options.port = leading_integer(value)
    _check_port(options)


def _check_port(options: Options) -> None:
    if not 0 <= options.port <= 65535:
        raise fail("Invalid server port.\n")


def _uri(options: Options, value: str) -> None:
    try:
        parse_uri(options, value)
    except ValueError as error:
        raise fail(f"{error}\n") from None
    _check_port(options)


def _connect_timeout(options: Options, value: str) -> None:
    try:
        options.connect_timeout = float(value)
    except ValueError:
        options.connect_timeout = -1
    if not options.connect_timeout >= 0:
        raise fail("Invalid connection timeout for -t.\n")


def _interval(options: Options, value: str) -> None:
    options.interval = min(max(leading_float(value), 0.0), LONGEST_INTERVAL)


def _show_pushes(options: Options, value: str) -> None:
    first = value[:1].lower()
    if first not in ("y", "n"):
        complain(f"Unknown --show-pushes value '{value}' (valid: '[y]es', '[n]o')\n")
        return
    options.show_pushes = first == "y"


def _quoted_pattern(options: Options, value: str) -> None:
    options.pattern = unquoted(os.fsencode(value))
    if options.pattern is None:
        raise fail("Invalid quoted string specified for --quoted-pattern.\n")


def _rdb(options: Options, value: str) -> None:
    _mode(options, "rdb")
    options.file = value


def _functions_rdb(options: Options, value: str) -> None:
    _rdb(options, value)
    options.functions_only = True


def _natural(name: str, value: str, what: str) -> int:
    """A whole number that is not negative, or the end of the program."""
    digits = value[1:] if value[:1] in ("+", "-") else value
    if not digits.isdecimal():
        raise fail(f"{name} conversion error.\n")
    number = int(value)
    if number < 0:
        raise fail(f"{name} {what}\n")
    return number


def _samples(mode: str) -> Callable[[Options, str], None]:
    def take(options: Options, value: str) -> None:
        _mode(options, mode)
        options.samples = _natural(f"--{mode}-samples", value, "value should be positive.")

    return take


def _cursor(options: Options, value: str) -> None:
    options.cursor = _natural("--cursor", value, "should be followed by a positive integer.")


def _top(options: Options, value: str) -> None:
    options.top = _natural("--top", value, "should be followed by a positive integer.")


def _intrinsic_latency(options: Options, value: str) -> None:
    _mode(options, "intrinsic-latency")
    options.seconds = leading_integer(value)


def _lru_test(options: Options, value: str) -> None:
    _mode(options, "lru-test")
    options.keys = leading_integer(value)


def _text(attribute: str) -> Callable[[Options, str], None]:
    return lambda options, value: setattr(options, attribute, value)


def _bytes(attribute: str) -> Callable[[Options, str], None]:
    return lambda options, value: setattr(options, attribute, os.fsencode(value))


def _integer(attribute: str) -> Callable[[Options, str], None]:
    return lambda options, value: setattr(options, attribute, leading_integer(value))


# Option with a value: what to do with it.
VALUES: dict[str, Callable[[Options, str], None]] = {
    "-h": _text("host"),
    "-p": _port,
    "-s": _text("socket"),
    "-t": _connect_timeout,
    "-a": _text("password"),
    "--pass": _text("password"),
    "--user": _text("user"),
    "-u": _uri,
    "-n": _integer("database"),
    "-r": _integer("repeat"),
    "-i": _interval,
    "-X": _text("stdin_tag"),
    "-d": _bytes("between"),
    "-D": _bytes("after"),
    "--show-pushes": _show_pushes,
    "--eval": _text("eval_file"),
    "--pattern": _bytes("pattern"),
    "--quoted-pattern": _quoted_pattern,
    "--count": _integer("count"),
    "--rdb": _rdb,
    "--functions-rdb": _functions_rdb,
    "--pipe-timeout": _integer("pipe_timeout"),
    "--memkeys-samples": _samples("memkeys"),
    "--keystats-samples": _samples("keystats"),
    "--cursor": _cursor,
    "--top": _top,
    "--intrinsic-latency": _intrinsic_latency,
    "--lru-test": _lru_test,
    "--sni": _text("sni"),
    "--cacert": _text("cacert"),
    "--cacertdir": _text("cacertdir"),
    "--cert": _text("cert"),
    "--key": _text("key"),
    "--tls-ciphers": _text("tls_ciphers"),
    "--tls-ciphersuites": _text("tls_ciphersuites"),
}


def parse(words: Sequence[str], terminal: bool) -> tuple[Options, list[str]]:
    """The options and the command that follows them.

    Raises Exit after a message if the options are wrong, or if they ask for nothing but help or the version.
    """
    options = Options(terminal)
    given = set()
    at = 0
    while at < len(words) and words[at][:1] == "-":
        word, has_value = words[at], at + 1 < len(words)
        given.add(word)
        if word in VALUES and has_value:
            VALUES[word](options, words[at + 1])
            at += 2
        elif word in FLAGS:
            _set_flag(options, word)
            at += 1
        else:
            raise _not_an_option(word)
    _check(options, given)
    if options.password is None:
        options.password = os.environ.get("REDISCLI_AUTH")
    return options, list(words[at:])


def _set_flag(options: Options, word: str) -> None:
    attribute, value = FLAGS[word]
    if attribute == "mode":
        _mode(options, str(value))
        options.history = options.history or word == "--latency-history"
        return
    setattr(options, attribute, value)
    if value in (JSON, QUOTED_JSON) and not options.resp3:
        options.resp3 = "tried"  # for maps; a server that does not know RESP3 will do


def _not_an_option(word: str) -> Exit:
    if word in ("-h", "--help"):
        from redracer.cli.client.usage import USAGE

        sys.stdout.write(USAGE)
        return Exit(0)
    if word in ("-v", "--version"):
        from redracer.engine.version import REDIS_VERSION, VERSION

        print(f"redis-cli {REDIS_VERSION} (redracer {VERSION})")
        return Exit(0)
    if word in ("--ldb", "--ldb-sync-mode"):
        return fail(NO_DEBUGGER)
    if word.startswith("--cluster"):
        return fail(NO_CLUSTER)
    return fail(f"Unrecognized option or bad number of args for: '{word}'\n")


def _check(options: Options, given: set[str]) -> None:
    if options.socket and options.cluster:
        raise fail("Options -c and -s are mutually exclusive.\n")
    if options.resp2 and options.resp3 == "wanted":
        raise fail("Options -2 and -3 are mutually exclusive.\n")
    if options.password is not None and not options.no_auth_warning:
        complain(PASSWORD_WARNING)
    if "--functions-rdb" in given and "--rdb" in given:
        raise fail("Option --functions-rdb and --rdb are mutually exclusive.\n")
    if options.stdin_last and options.stdin_tag is not None:
        raise fail("Options -x and -X are mutually exclusive.\n")
