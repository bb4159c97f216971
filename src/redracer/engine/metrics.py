"""The server's state as a page of metrics in Prometheus's text format, under redis_exporter's names.

The numbers are the fields of INFO (metric_names.py) and what the engine counts by command, error, database and event;
so the page and INFO cannot disagree. The format is a line a sample, so it is written here: a client library would keep
a second account of everything.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.engine.info import safe
from redracer.engine.metric_names import COUNTERS, GAUGES, INSTANCE, SETTINGS, STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from redracer.engine.engine import Engine

    Sample = tuple[str, str, dict[str, str], float]  # name without `redis_`, kind, labels, value

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NANOSECONDS_PER_SECOND = 1_000_000_000
NANOSECONDS_PER_MICROSECOND = 1000
SUMMARY_PARTS = ("_sum", "_count")


def page(engine: Engine) -> str:
    """All metrics. O(commands + databases + what INFO costs)."""
    families: dict[str, list[str]] = {}
    for name, kind, labels, value in samples(engine):
        family = name
        if kind == "summary":
            for part in SUMMARY_PARTS:
                family = family.removesuffix(part)
        lines = families.setdefault(family, [f"# TYPE redis_{family} {kind}"])
        lines.append(f"redis_{name}{label_text(labels)} {value:.17g}")
    return "".join("\n".join(lines) + "\n" for lines in families.values())


def label_text(labels: Mapping[str, str]) -> str:
    """The labels in braces, with what would break the format escaped; nothing without labels."""
    if not labels:
        return ""
    escaped = (
        (name, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
        for name, value in labels.items()
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"


def samples(engine: Engine) -> Iterator[Sample]:
    """Every metric's samples; those of one metric follow one another."""
    fields = engine.info.fields()
    yield "up", "gauge", {}, 1
    yield "instance_info", "gauge", {name: str(fields[name]) for name in INSTANCE}, 1
    yield "start_time_seconds", "gauge", {}, engine.started // 1000
    yield from of_fields(fields)
    for setting in SETTINGS:
        yield f"config_{setting.replace('-', '_')}", "gauge", {}, engine.config[setting]
    yield from of_replication(fields)
    yield from of_databases(engine)
    yield from of_commands(engine)
    for code, count in sorted(engine.statistics.errors.items()):
        yield "errors_total", "counter", {"err": safe(code)}, count
    yield from of_slow_events(engine)


def of_fields(fields: Mapping[str, object]) -> Iterator[Sample]:
    """The fields of INFO that are numbers of the whole server."""
    for names, kind in ((GAUGES, "gauge"), (COUNTERS, "counter")):
        for field, name in names.items():
            if field in fields:
                yield name or field, kind, {}, float(str(fields[field]))
    for field in STATES:
        if field in fields:
            yield field, "gauge", {}, fields[field] == "ok"
    yield "latest_fork_seconds", "gauge", {}, float(str(fields["latest_fork_usec"])) / 1_000_000


def of_replication(fields: Mapping[str, object]) -> Iterator[Sample]:
    """The link to the primary, and those to the replicas."""
    if "master_host" in fields:
        labels = {name: str(fields[name]) for name in ("master_host", "master_port")}
        yield "master_link_up", "gauge", labels, fields["master_link_status"] == "up"
        yield (
            "master_last_io_seconds_ago",
            "gauge",
            labels,
            float(str(fields["master_last_io_seconds_ago"])),
        )
        yield "master_sync_in_progress", "gauge", labels, float(str(fields["master_sync_in_progress"]))
    replicas: list[tuple[dict[str, str], dict[str, str]]] = []
    for number in range(int(str(fields["connected_slaves"]))):
        replica = dict(part.split("=", 1) for part in str(fields[f"slave{number}"]).split(","))
        labels = {f"slave_{name}": replica[name] for name in ("ip", "port", "state")}
        replicas.append((replica, labels))
    for name, part in (("connected_slave_offset_bytes", "offset"), ("connected_slave_lag_seconds", "lag")):
        for replica, labels in replicas:
            yield name, "gauge", labels, float(replica[part])


def of_databases(engine: Engine) -> Iterator[Sample]:
    """Keys by database; the empty ones too, so that a graph of one does not end when it is emptied."""
    for database in engine.databases:
        yield "db_keys", "gauge", {"db": f"db{database.index}"}, database.size
    for database in engine.databases:
        yield "db_keys_expiring", "gauge", {"db": f"db{database.index}"}, database.expires
    for database in engine.databases:
        if database.expires:
            average = engine.expiry.average_ttl.get(database.index, 0)
            yield "db_avg_ttl_seconds", "gauge", {"db": f"db{database.index}"}, average / 1000


def of_commands(engine: Engine) -> Iterator[Sample]:
    """Calls, failures and time by command; percentiles as INFO latencystats has them."""
    called: list[tuple[dict[str, str], Any]] = [
        ({"cmd": safe(command.name)}, command)
        for command in engine.every_command()
        if command.calls or command.rejected_calls or command.failed_calls
    ]
    for labels, command in called:
        yield "commands_total", "counter", labels, command.calls
    for labels, command in called:
        yield (
            "commands_duration_seconds_total",
            "counter",
            labels,
            command.nanoseconds / NANOSECONDS_PER_SECOND,
        )
    for labels, command in called:
        yield "commands_rejected_calls_total", "counter", labels, command.rejected_calls
    for labels, command in called:
        yield "commands_failed_calls_total", "counter", labels, command.failed_calls
    if engine.config["latency-tracking"]:
        percentiles = engine.config["latency-tracking-info-percentiles"]
        for labels, command in called:
            if command.latency_histogram is not None:
                yield from of_latencies(labels, command, percentiles)


def of_latencies(labels: dict[str, str], command: Any, percentiles: Iterable[float]) -> Iterator[Sample]:
    """The summary of one command's latencies, in microseconds."""
    name = "latency_percentiles_usec"
    for percentile in percentiles:
        value = command.latency_histogram.percentile(percentile)
        yield name, "summary", {**labels, "quantile": f"{percentile:.6g}"}, value
    yield f"{name}_sum", "summary", labels, command.nanoseconds // NANOSECONDS_PER_MICROSECOND
    yield f"{name}_count", "summary", labels, command.calls


def of_slow_events(engine: Engine) -> Iterator[Sample]:
    """The slow log and the latency monitor."""
    slowlog = engine.slowlog
    newest = slowlog.entries[0] if slowlog.entries else None
    yield "slowlog_length", "gauge", {}, len(slowlog.entries)
    yield "slowlog_last_id", "gauge", {}, newest.id if newest else 0
    yield "last_slow_execution_duration_seconds", "gauge", {}, newest.duration / 1_000_000 if newest else 0
    events = engine.latency.events
    for name, history in events.items():
        yield "latency_spike_last", "gauge", {"event_name": name}, history.samples[-1][0]
    for name, history in events.items():
        yield "latency_spike_duration_seconds", "gauge", {"event_name": name}, history.samples[-1][1] / 1000


def readiness(engine: Engine) -> str | None:
    """Why the server cannot serve its data now; None if it can."""
    fields = engine.info.fields(("persistence", "replication"))
    if int(str(fields["loading"])):
        return "loading the data set"
    if fields.get("master_link_status") == "down" and not engine.config["replica-serve-stale-data"]:
        return "no link to the primary"
    return None
