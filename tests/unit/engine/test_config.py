"""CONFIG GET and SET over the option rows, against what a real server answered."""

import os
from pathlib import Path
from typing import Any

import pytest
from config_records import SET_RECORDS, VERSION_DIFFERENCES

from redracer.core.errors import CommandError
from redracer.engine import config as config_module
from redracer.engine.config import BY_NAME, NAMES, Config
from redracer.engine.config_options import HIDDEN, IMMUTABLE, OPTIONS, SENSITIVE
from redracer.engine.config_types import ConfigError


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    return Config()


@pytest.fixture
def no_protection(config: Config) -> Config:
    config.set_at_start("enable-protected-configs", [b"yes"])
    return config


def refusal(config: Config, *pairs: tuple[bytes, bytes], **circumstances: bool) -> str:
    with pytest.raises(CommandError) as caught:
        config.set_many(pairs, **circumstances)
    return caught.value.text.decode()


@pytest.mark.parametrize(("name", "value", "reason", "shown"), SET_RECORDS)
def test_set_answers_as_a_real_server(
    no_protection: Config, name: str, value: str, reason: str | None, shown: str | None
) -> None:
    # The records were taken one after the other; only here does one depend on those before it.
    if name == "client-output-buffer-limit":
        no_protection.set_many([(b"client-output-buffer-limit", b"replica 1mb 2k 3 pubsub 0 0 0")])
    if reason is None:
        no_protection.set_many([(name.encode(), value.encode())])
        expected = VERSION_DIFFERENCES.get(shown or "", shown)
        assert no_protection.get_matching([name.encode()]) == [(name.encode(), (expected or "").encode())]
    else:
        text = f"ERR CONFIG SET failed (possibly related to argument '{name}') - "
        assert refusal(no_protection, (name.encode(), value.encode())) == text + VERSION_DIFFERENCES.get(
            reason, reason
        )


class TestRows:
    def test_names_are_unique(self) -> None:
        names = [name for option in OPTIONS for name in (option.name, option.alias) if name]
        assert len(names) == len(set(names)) == len(NAMES)

    @pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
    def test_the_default_survives_being_written_and_read(self, option: Any) -> None:
        lines = option.type.lines(option.default, option.default)
        if not lines or option.name == "dir":
            return
        from redracer.engine.config_text import split_arguments

        value = None if option.type.adds_up else option.default
        for words, _ in lines:
            parsed = option.type.parse(split_arguments(words) or [], option.default)
            value = (value or ()) + parsed if option.type.adds_up else parsed
        assert value == option.default

    def test_a_value_is_set_by_what_get_answers(self, config: Config) -> None:
        changeable = [name for name, option in NAMES.items() if not option.flags & (HIDDEN | IMMUTABLE)]
        config.set_at_start("enable-protected-configs", [b"yes"])
        before = dict(config.values)
        config.set_many([(name.encode(), config.format(name)) for name in changeable])
        assert config.values == before

    def test_an_older_name_means_the_newer_option(self, config: Config) -> None:
        config.set_many([(b"hash-max-ziplist-entries", b"7")])
        assert config["hash-max-listpack-entries"] == 7
        assert config.get_matching([b"hash-max-*-entries"]) == [
            (b"hash-max-listpack-entries", b"7"),
            (b"hash-max-ziplist-entries", b"7"),
        ]


class TestGet:
    def test_a_plain_name_is_answered_as_asked_and_once(self, config: Config) -> None:
        assert config.get_matching([b"MAXMEMORY", b"maxmemory", b"maxm?mory"]) == [(b"MAXMEMORY", b"0")]

    def test_patterns_ignore_case_and_match_older_names(self, config: Config) -> None:
        names = [name for name, _ in config.get_matching([b"*Read-ONLY", b"nothing*"])]
        assert names == [b"replica-read-only", b"slave-read-only"]

    def test_several_patterns_answer_a_name_once(self, config: Config) -> None:
        names = [name for name, _ in config.get_matching([b"maxmemory", b"maxmemory*", b"bind", b"*of"])]
        assert len(names) == len(set(names))
        assert {b"maxmemory", b"maxmemory-samples", b"bind", b"slaveof", b"replicaof"} <= set(names)

    def test_hidden_options_need_their_exact_name(self, config: Config) -> None:
        assert b"key-load-delay" not in dict(config.get_matching([b"*"]))
        assert config.get_matching([b"key-load-delay"]) == [(b"key-load-delay", b"0")]

    def test_unknown_names_are_left_out(self, config: Config) -> None:
        assert config.get_matching([b"no-such-option", b"\xff"]) == []

    def test_the_directory_is_the_one_in_force(self, config: Config, tmp_path: Path) -> None:
        assert config.get_matching([b"dir"]) == [(b"dir", str(tmp_path).encode())]
        assert config["dir"] == str(tmp_path)

    def test_secrets_are_known_by_every_name(self, config: Config) -> None:
        assert config.is_sensitive(b"RequirePass")
        assert not config.is_sensitive(b"maxmemory")
        assert not config.is_sensitive(b"unknown")
        assert all(BY_NAME[name].flags & SENSITIVE for name in ("masterauth", "masteruser"))


class TestSet:
    def test_several_at_once(self, config: Config) -> None:
        config.set_many([(b"maxmemory", b"10000001"), (b"hz", b"20"), (b"SAVE", b"3000 5")])
        assert (config["maxmemory"], config["hz"], config["save"]) == (10000001, 20, ((3000, 5),))

    def test_nothing_is_set_if_one_is_bad(self, config: Config) -> None:
        text = refusal(
            config,
            (b"maxmemory", b"10000001"),
            (b"maxmemory-clients", b"200%"),
            (b"client-query-buffer-limit", b"invalid"),
        )
        assert text == (
            "ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - percentage argument "
            "must be less or equal to 100"
        )
        assert config["maxmemory"] == 0

    def test_unknown_option(self, config: Config) -> None:
        text = refusal(config, (b"maxmemory", b"1"), (b"FOO", b"bar"), (b"other", b"1"))
        assert text == "ERR Unknown option or number of arguments for CONFIG SET - 'FOO'"
        assert config["maxmemory"] == 0

    def test_immutable_option(self, config: Config) -> None:
        text = refusal(config, (b"Daemonize", b"yes"))
        assert text == (
            "ERR CONFIG SET failed (possibly related to argument 'Daemonize') - can't set immutable config"
        )

    def test_duplicate(self, config: Config) -> None:
        text = refusal(config, (b"MAXMEMORY", b"1"), (b"maxmemory", b"2"))
        assert text == (
            "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - duplicate parameter"
        )

    def test_both_names_of_an_option_are_no_duplicate(self, config: Config) -> None:
        config.set_many([(b"hash-max-ziplist-entries", b"1"), (b"hash-max-listpack-entries", b"2")])
        assert config["hash-max-listpack-entries"] == 2

    def test_protected_options(self, config: Config) -> None:
        pair = (b"dbfilename", b"a.rdb")
        protected = "- can't set protected config"
        assert refusal(config, pair).endswith(protected)
        config.set_at_start("enable-protected-configs", [b"local"])
        assert refusal(config, pair, local_client=False).endswith(protected)
        config.set_many([pair], local_client=True)
        assert config["dbfilename"] == "a.rdb"

    def test_while_loading(self, no_protection: Config) -> None:
        assert refusal(no_protection, (b"dir", b"/"), loading=True).startswith("LOADING ")
        no_protection.set_many([(b"loglevel", b"debug")], loading=True)
        assert no_protection["loglevel"] == "debug"

    def test_directory(self, no_protection: Config, tmp_path: Path) -> None:
        (tmp_path / "inner").mkdir()
        no_protection.set_many([(b"dir", b"inner")])
        assert no_protection["dir"] == os.getcwd() == str(tmp_path / "inner")
        assert refusal(no_protection, (b"dir", b"missing")).endswith("- No such file or directory")
        assert os.getcwd() == no_protection["dir"] == str(tmp_path / "inner")

    def test_a_size_beyond_the_bounds_is_refused(self, config: Config) -> None:
        assert refusal(config, (b"maxmemory", b"100000000000gb")).endswith(
            "argument must be between 0 and 18446744073709551615 inclusive"
        )

    def test_a_missing_feature_is_refused_or_said_to_have_no_effect(
        self, config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines: list[str] = []
        monkeypatch.setattr(config_module.log, "warning", lines.append)
        pending = {option.name for option in OPTIONS if option.pending and option.pending.refused}
        assert "cluster-enabled" in pending
        with pytest.raises(ConfigError, match="cluster-enabled"):
            config.set_at_start("cluster-enabled", [b"yes"])
        config.set_at_start("cluster-enabled", [b"no"])
        config.set_many([(b"cluster-node-timeout", b"1")])
        assert lines == ["The option 'cluster-node-timeout' has no effect: it needs Redis Cluster."]
        assert config.without_effect() == [
            "This version of redracer does not have Redis Cluster yet; without effect: cluster-node-timeout"
        ]

    def test_defragmentation_is_refused_with_the_text_that_tests_look_for(self, config: Config) -> None:
        assert "Active defragmentation cannot be enabled" in refusal(config, (b"activedefrag", b"yes"))


class TestCallbacks:
    def test_a_changed_value_is_announced(self, config: Config) -> None:
        seen: list[Any] = []
        config.on_change("maxmemory", seen.append)
        config.set_many([(b"maxmemory", b"1mb")])
        config.set_many([(b"maxmemory", b"1048576")])
        assert seen == [1 << 20]

    def test_a_file_whose_content_may_have_changed_is_announced_again(self, config: Config) -> None:
        seen: list[Any] = []
        config.on_change("tls-cert-file", seen.append)
        config.set_many([(b"tls-cert-file", b"a.crt")])
        config.set_many([(b"tls-cert-file", b"a.crt")])
        assert seen == ["a.crt", "a.crt"]

    def test_a_refusal_takes_everything_back(self, config: Config) -> None:
        seen: list[Any] = []

        def refuse(port: int) -> None:
            if port == 1:
                raise ConfigError("Unable to listen on this port. Check server logs.")

        config.on_change("maxmemory", seen.append)
        config.on_change("port", refuse)
        text = refusal(config, (b"maxmemory", b"5"), (b"port", b"1"), (b"hz", b"50"))
        assert text == (
            "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. "
            "Check server logs."
        )
        assert (config["maxmemory"], config["port"], config["hz"]) == (0, 6379, 10)
        assert seen == [5, 0]

    def test_a_refusal_without_a_reason(self, config: Config) -> None:
        def refuse(value: int) -> None:
            raise ConfigError

        config.on_change("hz", refuse)
        assert refusal(config, (b"hz", b"3")) == "ERR CONFIG SET failed (possibly related to argument 'hz')"

    def test_the_value_is_in_force_when_the_callback_runs(self, config: Config) -> None:
        seen: list[Any] = []
        config.on_change("hz", lambda value: seen.append((value, config["hz"], config["maxmemory"])))
        config.set_many([(b"hz", b"9999"), (b"maxmemory", b"7")])
        assert seen == [(500, 500, 7)]
