"""The configuration of a server: typed values in force, CONFIG GET, SET and REWRITE over them.

Values live in one dict from the option's name to its Python value (config_types.py says which type);
reading one is a dict lookup, and code on a hot path keeps a copy that `on_change` refreshes. Setting is
all or nothing: every value is parsed first, then all are in force, then callbacks apply them; if one
refuses, the old values are put back and applied again.

Files are read by config_file.py and rewritten by config_rewrite.py.
"""

from __future__ import annotations

import os

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.engine import log
from redracer.engine.config_options import (
    DENY_LOADING,
    HIDDEN,
    IMMUTABLE,
    OPTIONS,
    PROTECTED,
    SENSITIVE,
    VOLATILE,
    Option,
)
from redracer.engine.config_types import WRONG_NUMBER, ConfigError, to_bytes, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from redracer.engine.config_file import Line

__all__ = ["Config", "ConfigError"]

BY_NAME: dict[str, Option] = {option.name: option for option in OPTIONS}
# Every name that CONFIG GET and SET know, older ones included, each just after the one it stands for.
NAMES: dict[str, Option] = {
    name: option for option in OPTIONS for name in (option.name, option.alias) if name
}
GLOB_CHARACTERS = b"*?["


class Config:
    """The options of one server.

    `config["maxmemory"]` is the typed value in force, under the option's current name (never an alias).
    `values` is the same as a dict, for reading only.
    """

    __slots__ = (
        "_callbacks",
        "_listed",
        "arguments",
        "file_path",
        "rename_lines",
        "rewriters",
        "user_lines",
        "values",
    )

    def __init__(self) -> None:
        self.values: dict[str, Any] = {option.name: option.default for option in OPTIONS}
        self.values["dir"] = current_directory()
        self._callbacks: dict[str, list[Callable[[Any], object]]] = {}
        # Names whose lines add up and that a file has given once, so that the default is gone.
        self._listed: set[str] = set()
        self.file_path: str | None = None
        self.arguments: list[str] = []
        # The file's rename-command lines.
        self.rename_lines: list[Line] = []
        # And its user lines.
        self.user_lines: list[Line] = []
        # What CONFIG REWRITE writes for a directive that is no option: {"user": function -> list of words}.
        self.rewriters: dict[str, Callable[[], list[bytes]]] = {}

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def commands_renamed(self) -> dict[bytes, bytes]:
        """What the file's rename-command lines say: a command's name to its new name, or to b"" for none."""
        return {line.words[1]: line.words[2] for line in self.rename_lines}

    def get_file_path(self) -> str | None:
        """The absolute path of the configuration file, or None if the server was started without one."""
        return self.file_path

    def on_change(self, name: str, callback: Callable[[Any], object]) -> None:
        """Call `callback(value)` when CONFIG SET changes the option; it may raise ConfigError to refuse.

        It runs after the value is in force, and again with the old value if the change is taken back.
        """
        self._callbacks.setdefault(BY_NAME[name].name, []).append(callback)

    # --- CONFIG GET

    def get_matching(self, patterns: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
        """Names and values of the options that match any of the glob-style patterns, each name once.

        A name without glob characters is answered as it was asked, hidden options included; a pattern
        matches current and older names in any case. O(options * patterns).
        """
        found: dict[str, tuple[bytes, bytes]] = {}
        for pattern in patterns:
            if not any(character in GLOB_CHARACTERS for character in pattern):
                name = to_text(pattern).lower()
                if name in NAMES and name not in found:
                    found[name] = (pattern, self.format(name))
                continue
            for name in _matching_names(pattern):
                if name not in found:
                    found[name] = (name.encode(), self.format(name))
        return list(found.values())

    def format(self, name: str) -> bytes:
        """The value of an option, by any of its names, as CONFIG GET answers it."""
        option = NAMES[name]
        if option.name == "dir":
            return to_bytes(current_directory())
        return option.type.format(self.values[option.name])

    @staticmethod
    def is_sensitive(name: bytes) -> bool:
        """Whether the option's value must not be shown in logs, by any of its names in any case."""
        option = NAMES.get(to_text(name).lower())
        return option is not None and bool(option.flags & SENSITIVE)

    # --- CONFIG SET

    def set_many(
        self, pairs: Sequence[tuple[bytes, bytes]], *, loading: bool = False, local_client: bool = True
    ) -> None:
        """CONFIG SET name value ...: all of them or none.

        `loading`: the dataset is being loaded; `local_client`: the client is on this machine, which
        matters for `enable-protected-configs local`. Raises CommandError with Redis's text.
        """
        new: dict[str, tuple[bytes, Any]] = {}
        options = self._settable(pairs, loading, local_client)
        values = dict(self.values)
        for (name, text), option in zip(pairs, options, strict=True):
            shown = name.lower()
            words = [text] if not option.type.multiple else text.split(b" ") if text else []
            try:
                value = parse_value(option, words, values[option.name])
            except ConfigError as error:
                raise _set_error(shown, error) from None
            values[option.name] = value
            new[option.name] = (shown, value)
        self._apply(new)

    def _settable(
        self, pairs: Sequence[tuple[bytes, bytes]], loading: bool, local_client: bool
    ) -> list[Option]:
        """The options of CONFIG SET's names; raises for the first that may not be set."""
        protection = self.values["enable-protected-configs"]
        unprotected = protection == "yes" or (protection == "local" and local_client)
        options: list[Option] = []
        seen: set[bytes] = set()
        for name, _ in pairs:
            option = NAMES.get(to_text(name).lower())
            if option is None:
                raise CommandError(b"ERR Unknown option or number of arguments for CONFIG SET - '%s'" % name)
            if option.flags & IMMUTABLE:
                raise _set_error(name, ConfigError("can't set immutable config"))
            if option.flags & PROTECTED and not unprotected:
                raise _set_error(name, ConfigError("can't set protected config"))
            if option.flags & DENY_LOADING and loading:
                raise CommandError(errors.LOADING)
            if name.lower() in seen:
                raise _set_error(name, ConfigError("duplicate parameter"))
            seen.add(name.lower())
            options.append(option)
        return options

    def _apply(self, new: dict[str, tuple[bytes, Any]]) -> None:
        """Put parsed values in force and call their callbacks; on a refusal, put everything back."""
        changed = {
            name: shown_value
            for name, shown_value in new.items()
            if shown_value[1] != self.values[name] or BY_NAME[name].flags & VOLATILE
        }
        old = {name: self.values[name] for name in changed}
        self.values.update({name: value for name, (_, value) in changed.items()})
        for name, (shown, value) in changed.items():
            try:
                self._run_callbacks(name, value)
            except ConfigError as error:
                log.warning(
                    f"Failed applying new configuration. Possibly related to new {name} setting. "
                    "Restoring previous settings."
                )
                self._restore(old)
                raise _set_error(shown, error) from None
        for name, (_, value) in changed.items():
            pending = BY_NAME[name].pending
            if pending is not None and value not in (BY_NAME[name].default, pending.harmless):
                log.warning(f"The option '{name}' has no effect: it needs {pending.feature}.")

    def _run_callbacks(self, name: str, value: Any) -> None:
        if name == "dir":
            change_directory(value)
            self.values["dir"] = current_directory()
        for callback in self._callbacks.get(name, ()):
            callback(value)

    def _restore(self, old: dict[str, Any]) -> None:
        self.values.update(old)
        for name, value in old.items():
            try:
                self._run_callbacks(name, value)
            except ConfigError as error:
                log.warning(f"Failed applying restored failed CONFIG SET command: {error.text}")

    # --- start

    def set_at_start(self, name: str, words: Sequence[bytes]) -> None:
        """Set an option from the words of a file's line or of the command line; raises ConfigError.

        No callbacks run: nothing has been started yet. `name` may be an older name.
        """
        option = NAMES[name]
        if not option.type.multiple and len(words) != 1:
            raise ConfigError(WRONG_NUMBER)
        value = parse_value(option, words, self.values[option.name])
        if option.name == "dir":
            change_directory(value)
            value = current_directory()
        if option.type.adds_up:
            if value and option.name in self._listed:
                value = self.values[option.name] + value
            self._listed.add(option.name)
        self.values[option.name] = value

    def without_effect(self) -> list[str]:
        """A line per missing feature with the options that were set for it, for the log at start."""
        by_feature: dict[str, list[str]] = {}
        for option in OPTIONS:
            pending = option.pending
            if pending is None or self.values[option.name] in (option.default, pending.harmless):
                continue
            by_feature.setdefault(pending.feature, []).append(option.name)
        return [
            f"This version of redracer does not have {feature} yet; without effect: {', '.join(names)}"
            for feature, names in by_feature.items()
        ]

    # --- CONFIG REWRITE

    def rewrite(self, *, force_all: bool = False) -> None:
        """CONFIG REWRITE: bring the file in line with the values in force. Raises CommandError.

        `force_all` writes every option, defaults too (DEBUG CONFIG-REWRITE-FORCE-ALL).
        """
        from redracer.engine.config_rewrite import rewrite_file

        if self.file_path is None:
            raise CommandError(b"ERR The server is running without a config file")
        try:
            rewrite_file(self, self.file_path, force_all=force_all)
        except OSError as error:
            log.warning(f"CONFIG REWRITE failed: {error.strerror}")
            raise CommandError(b"ERR Rewriting config file: " + to_bytes(error.strerror or "")) from None
        log.notice("CONFIG REWRITE executed with success.")


def parse_value(option: Option, words: Sequence[bytes], current: Any) -> Any:
    """The value that the words stand for; raises ConfigError if it is bad, or needs a missing feature."""
    value = option.type.parse(words, current)
    pending = option.pending
    if pending is not None and pending.refused and value != option.default:
        raise ConfigError(pending.refusal(option.name))
    return value


def change_directory(path: str) -> None:
    try:
        os.chdir(path)
    except OSError as error:
        raise ConfigError(error.strerror or "") from None


def current_directory() -> str:
    """The working directory, or the empty string if it has been removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def _matching_names(pattern: bytes) -> list[str]:
    from redracer.core.glob import match

    return [
        name
        for name, option in NAMES.items()
        if not option.flags & HIDDEN and match(pattern, name.encode(), True)
    ]


def _set_error(name: bytes, error: ConfigError) -> CommandError:
    text = b"ERR CONFIG SET failed (possibly related to argument '%s')" % name
    return CommandError(text + b" - " + to_bytes(error.text) if error.text else text)
