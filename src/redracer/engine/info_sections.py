"""The sections of INFO that the engine can tell by itself, with Redis 8.2's fields in its order.

A field of a feature that this version does not have tells what Redis tells when the feature is idle, because
tools look for the field.
"""

from __future__ import annotations

import os
import re
import resource
import struct
import sys
from typing import TYPE_CHECKING, Any

from redracer.core.checksums import crc64
from redracer.engine import resources
from redracer.engine.info import Section, constants, human, ratio, safe
from redracer.engine.version import REDIS_VERSION, VERSION

if TYPE_CHECKING:
    from redracer.engine.engine import Engine
    from redracer.engine.info import Fields
    from redracer.engine.memory_report import MemoryReport

SECONDS_PER_DAY = 86400
NO_REPLICATION_ID = "0" * 40
LISTENER_NUMBERS = {"tcp": 0, "unix": 1, "tls": 2}


def server(engine: Engine) -> Fields:
    """The program, the process and the machine."""
    import platform  # it takes a while to import

    system = os.uname()
    uptime = max(engine.clock.now - engine.started, 0) // 1000
    config = engine.config
    return [
        ("redis_version", REDIS_VERSION),
        ("redracer_version", VERSION),
        ("redis_git_sha1", "00000000"),
        ("redis_git_dirty", 0),
        ("redis_build_id", f"{crc64(f'{VERSION} {sys.version}'.encode()):016x}"),
        ("redis_mode", "standalone"),
        ("os", f"{system.sysname} {system.release} {system.machine}"),
        ("arch_bits", struct.calcsize("P") * 8),
        ("monotonic_clock", "POSIX clock_gettime"),
        ("multiplexing_api", getattr(engine.ports.get("reactor"), "multiplexing", "asyncio")),
        ("atomicvar_api", "gil"),
        ("gcc_version", compiler_version(platform.python_compiler())),
        ("process_id", os.getpid()),
        ("process_supervised", supervisor(engine)),
        ("run_id", engine.run_id),
        ("tcp_port", config["port"] or config["tls-port"]),
        ("server_time_usec", engine.unix_microseconds()),
        ("uptime_in_seconds", uptime),
        ("uptime_in_days", uptime // SECONDS_PER_DAY),
        ("hz", config["hz"]),
        ("configured_hz", config["hz"]),
        ("lru_clock", engine.clock.lru_clock),
        ("executable", os.path.abspath(sys.argv[0]) if sys.argv and sys.argv[0] else sys.executable),
        ("config_file", config.file_path or ""),
        ("io_threads_active", 0),
        *shutdown_fields(engine),
        *listeners(engine),
    ]


def shutdown_fields(engine: Engine) -> Fields:
    """How long the end waits at most, if it does."""
    if engine.shutdown.request is not None:
        yield "shutdown_in_milliseconds", max(engine.shutdown.deadline - engine.clock.now, 0)


def supervisor(engine: Engine) -> str:
    """What started this process and watches it: systemd, or nothing that is known."""
    wanted = engine.config["supervised"] in ("auto", "systemd")
    return "systemd" if wanted and "NOTIFY_SOCKET" in os.environ else "no"


def compiler_version(text: str) -> str:
    """The version in what Python says of the compiler that built it: `GCC 12.2.0`."""
    found = re.match(r"GCC (\d+\.\d+\.\d+)", text)
    return found[1] if found else "0.0.0"


def listeners(engine: Engine) -> Fields:
    """What the server listens on; nothing for one that is embedded in a program."""
    config = engine.config
    if "reactor" not in engine.ports:
        return
    if config["port"]:
        binds = "".join(f",bind={address}" for address in config["bind"])
        yield f"listener{LISTENER_NUMBERS['tcp']}", f"name=tcp{binds},port={config['port']}"
    if config["unixsocket"]:
        yield f"listener{LISTENER_NUMBERS['unix']}", f"name=unix,bind={config['unixsocket']}"
    if config["tls-port"]:
        binds = "".join(f",bind={address}" for address in config["bind"])
        yield f"listener{LISTENER_NUMBERS['tls']}", f"name=tls{binds},port={config['tls-port']}"


def clients(engine: Engine) -> Fields:
    """The connections."""
    census = engine.census
    measures = census.measures()
    return [
        ("connected_clients", census.connected),
        ("cluster_connections", 0),
        ("maxclients", engine.config["maxclients"]),
        ("client_recent_max_input_buffer", measures.largest_input),
        ("client_recent_max_output_buffer", measures.largest_output),
        ("blocked_clients", census.blocked),
        ("tracking_clients", len(engine.tracking.clients)),
        ("pubsub_clients", engine.pubsub.client_count),
        ("watching_clients", engine.watches.client_count),
        ("clients_in_timeout_table", engine.blocking.timed_count),
        ("total_watched_keys", engine.watches.key_count),
        ("total_blocking_keys", engine.blocking.key_count),
        ("total_blocking_keys_on_nokey", engine.blocking.any_type_key_count),
    ]


def memory(engine: Engine) -> Fields:
    """How much memory is used, and for what. As with libc, all that an allocator holds counts as active."""
    report = engine.memory.report()
    return [*used_fields(engine, report), *program_fields(engine), *limit_fields(engine, report)]


def used_fields(engine: Engine, report: MemoryReport) -> Fields:
    """What is used, and what the allocators hold for it."""
    used, resident = report.used, report.resident
    machine = resources.machine_bytes()
    return [
        ("used_memory", used),
        ("used_memory_human", human(used)),
        ("used_memory_rss", resident),
        ("used_memory_rss_human", human(resident)),
        ("used_memory_peak", report.peak),
        ("used_memory_peak_human", human(report.peak)),
        ("used_memory_peak_time", engine.memory.peak_time),
        ("used_memory_peak_perc", f"{report.peak_percent:.2f}%"),
        ("used_memory_overhead", report.overhead),
        ("used_memory_startup", report.startup),
        ("used_memory_dataset", report.dataset),
        ("used_memory_dataset_perc", f"{report.dataset_percent:.2f}%"),
        ("allocator_allocated", used),
        ("allocator_active", report.heap),
        ("allocator_resident", report.heap),
        ("allocator_muzzy", 0),
        ("total_system_memory", machine),
        ("total_system_memory_human", human(machine)),
    ]


def program_fields(engine: Engine) -> Fields:
    """Scripts and functions."""
    return constants(
        used_memory_lua=0,
        used_memory_vm_eval=0,
        used_memory_lua_human="0B",
        used_memory_scripts_eval=0,
        number_of_cached_scripts=0,
        number_of_functions=0,
        number_of_libraries=0,
        used_memory_vm_functions=0,
        used_memory_vm_total=0,
        used_memory_vm_total_human="0B",
        used_memory_functions=0,
        used_memory_scripts=0,
        used_memory_scripts_human="0B",
    )


def limit_fields(engine: Engine, report: MemoryReport) -> Fields:
    """The limit, the waste, and what is used beside the data."""
    limit = engine.config["maxmemory"]
    held = report.held
    return [
        ("maxmemory", limit),
        ("maxmemory_human", human(limit)),
        ("maxmemory_policy", engine.config["maxmemory-policy"]),
        ("allocator_frag_ratio", f"{report.heap_fragmentation:.2f}"),
        ("allocator_frag_bytes", report.heap - report.used),
        *constants(allocator_rss_ratio="1.00", allocator_rss_bytes=0),
        ("rss_overhead_ratio", f"{report.program_ratio:.2f}"),
        ("rss_overhead_bytes", report.resident - report.heap),
        ("mem_fragmentation_ratio", f"{report.fragmentation:.2f}"),
        ("mem_fragmentation_bytes", report.fragmentation_bytes),
        ("mem_not_counted_for_evict", engine.memory.not_limited),
        ("mem_replication_backlog", held.get("replication.backlog", 0)),
        (
            "mem_total_replication_buffers",
            held.get("replication.backlog", 0) + held.get("replication.buffers", 0),
        ),
        ("mem_replica_full_sync_buffer", held.get("replica.fullsyncbuf", 0)),
        ("mem_clients_slaves", report.clients.replicas + held.get("replication.buffers", 0)),
        ("mem_clients_normal", report.clients.normal),
        ("mem_cluster_links", 0),
        ("mem_aof_buffer", held.get("aof.buffer", 0)),
        *constants(mem_allocator="libc", mem_overhead_db_hashtable_rehashing=0, active_defrag_running=0),
        ("lazyfree_pending_objects", engine.lazy_free.pending),
        ("lazyfreed_objects", engine.lazy_free.freed_objects),
    ]


def persistence(engine: Engine) -> Fields:
    """Snapshots and the append-only file; of a server that has neither until their layer provides."""
    loading = engine.loading
    return [
        ("loading", int(loading.active and not loading.asynchronous)),
        ("async_loading", int(loading.asynchronous)),
        *constants(
            current_cow_peak=0,
            current_cow_size=0,
            current_cow_size_age=0,
            current_fork_perc="0.00",
            current_save_keys_processed=0,
            current_save_keys_total=0,
        ),
        ("rdb_changes_since_last_save", engine.effects.dirty),
        ("rdb_bgsave_in_progress", 0),
        ("rdb_last_save_time", engine.started // 1000),
        *constants(
            rdb_last_bgsave_status="ok",
            rdb_last_bgsave_time_sec=-1,
            rdb_current_bgsave_time_sec=-1,
            rdb_saves=0,
            rdb_last_cow_size=0,
            rdb_last_load_keys_expired=0,
            rdb_last_load_keys_loaded=0,
            aof_enabled=0,
            aof_rewrite_in_progress=0,
            aof_rewrite_scheduled=0,
            aof_last_rewrite_time_sec=-1,
            aof_current_rewrite_time_sec=-1,
            aof_last_bgrewrite_status="ok",
            aof_rewrites=0,
            aof_rewrites_consecutive_failures=0,
            aof_last_write_status="ok",
            aof_last_cow_size=0,
            module_fork_in_progress=0,
            module_fork_last_cow_size=0,
        ),
        *loading.fields(),
    ]


def threads(engine: Engine) -> Fields:
    """The threads that serve clients: one."""
    traffic = engine.statistics.traffic
    yield "io_thread_0", f"clients={len(engine.clients)},reads={traffic.reads},writes={traffic.writes}"


def stats(engine: Engine) -> Fields:
    """The counters since the start, or since CONFIG RESETSTAT."""
    return [*traffic_fields(engine), *keyspace_fields(engine), *activity_fields(engine)]


def traffic_fields(engine: Engine) -> Fields:
    """Connections, commands and bytes."""
    statistics = engine.statistics
    traffic = statistics.traffic
    return [
        ("total_connections_received", statistics.connections_received),
        ("total_commands_processed", statistics.commands_processed),
        ("instantaneous_ops_per_sec", round(statistics.operations.per_second)),
        ("total_net_input_bytes", traffic.received + statistics.replication_received),
        ("total_net_output_bytes", traffic.sent),
        ("total_net_repl_input_bytes", statistics.replication_received),
        ("total_net_repl_output_bytes", statistics.replication_sent),
        ("instantaneous_input_kbps", f"{statistics.input.per_second / 1024:.2f}"),
        ("instantaneous_output_kbps", f"{statistics.output.per_second / 1024:.2f}"),
        ("instantaneous_input_repl_kbps", f"{statistics.replication_input.per_second / 1024:.2f}"),
        ("instantaneous_output_repl_kbps", f"{statistics.replication_output.per_second / 1024:.2f}"),
        ("rejected_connections", statistics.connections_rejected),
        ("sync_full", statistics.full_syncs),
        ("sync_partial_ok", statistics.partial_syncs),
        ("sync_partial_err", statistics.refused_partial_syncs),
    ]


def keyspace_fields(engine: Engine) -> Fields:
    """Keys that ended, and keys that were found or not."""
    statistics, expiry, eviction = engine.statistics, engine.expiry, engine.eviction
    exceeding = eviction.current_exceeded_nanoseconds
    return [
        ("expired_subkeys", statistics.expired_fields),
        ("expired_keys", statistics.expired_keys),
        ("expired_stale_perc", f"{expiry.stale_percent:.2f}"),
        ("expired_time_cap_reached_count", expiry.time_cap_reached),
        ("expire_cycle_cpu_milliseconds", expiry.nanoseconds // 1_000_000),
        ("evicted_keys", statistics.evicted_keys),
        ("evicted_clients", statistics.evicted_clients),
        ("evicted_scripts", 0),
        ("total_eviction_exceeded_time", (eviction.exceeded_nanoseconds + exceeding) // 1_000_000),
        ("current_eviction_exceeded_time", exceeding // 1_000_000),
        ("keyspace_hits", sum(database.hits for database in engine.databases)),
        ("keyspace_misses", sum(database.misses for database in engine.databases)),
    ]


def activity_fields(engine: Engine) -> Fields:
    """Everything else that is counted."""
    statistics = engine.statistics
    traffic = statistics.traffic
    command_nanoseconds = sum(command.nanoseconds for command in engine.every_command())
    return [
        ("pubsub_channels", len(engine.pubsub.channels.topics)),
        ("pubsub_patterns", len(engine.pubsub.patterns.topics)),
        ("pubsubshard_channels", len(engine.pubsub.shard_channels.topics)),
        *constants(
            latest_fork_usec=0,
            total_forks=0,
            migrate_cached_sockets=0,
            slave_expires_tracked_keys=0,
            active_defrag_hits=0,
            active_defrag_misses=0,
            active_defrag_key_hits=0,
            active_defrag_key_misses=0,
            total_active_defrag_time=0,
            current_active_defrag_time=0,
        ),
        ("tracking_total_keys", len(engine.tracking.keys)),
        ("tracking_total_items", engine.tracking.item_count),
        ("tracking_total_prefixes", len(engine.tracking.prefixes)),
        ("unexpected_error_replies", statistics.unexpected_errors),
        ("total_error_replies", statistics.error_replies),
        ("dump_payload_sanitizations", 0),
        ("total_reads_processed", traffic.reads),
        ("total_writes_processed", traffic.writes),
        *constants(
            io_threaded_reads_processed=0,
            io_threaded_writes_processed=0,
            io_threaded_total_prefetch_batches=0,
            io_threaded_total_prefetch_entries=0,
        ),
        ("client_query_buffer_limit_disconnections", statistics.query_limit_disconnections),
        ("client_output_buffer_limit_disconnections", statistics.output_limit_disconnections),
        *constants(reply_buffer_shrinks=0, reply_buffer_expands=0),
        ("eventloop_cycles", traffic.rounds),
        ("eventloop_duration_sum", traffic.busy_nanoseconds // 1000),
        ("eventloop_duration_cmd_sum", command_nanoseconds // 1000),
        ("instantaneous_eventloop_cycles_per_sec", round(statistics.cycles.per_second)),
        ("instantaneous_eventloop_duration_usec", statistics.microseconds_per_cycle),
        ("acl_access_denied_auth", statistics.denials["auth"]),
        ("acl_access_denied_cmd", statistics.denials["command"]),
        ("acl_access_denied_key", statistics.denials["key"]),
        ("acl_access_denied_channel", statistics.denials["channel"]),
    ]


def replication(engine: Engine) -> Fields:
    """A primary without replicas, until the layer that has them registers."""
    return [
        *constants(role="master", connected_slaves=0, master_failover_state="no-failover"),
        ("master_replid", engine.replication_id),
        ("master_replid2", NO_REPLICATION_ID),
        *constants(master_repl_offset=0, second_repl_offset=-1, repl_backlog_active=0),
        ("repl_backlog_size", engine.config["repl-backlog-size"]),
        *constants(repl_backlog_first_byte_offset=0, repl_backlog_histlen=0),
    ]


def cpu(engine: Engine) -> Fields:
    """Processor time in seconds."""
    whose = [("", resource.RUSAGE_SELF), ("_children", resource.RUSAGE_CHILDREN)]
    if hasattr(resource, "RUSAGE_THREAD"):
        whose.append(("_main_thread", resource.RUSAGE_THREAD))
    for suffix, who in whose:
        system, user = resources.processor_seconds(who)
        yield f"used_cpu_sys{suffix}", f"{system:.6f}"
        yield f"used_cpu_user{suffix}", f"{user:.6f}"


def modules(engine: Engine) -> Fields:
    """Loaded modules: none."""
    return ()


def command_statistics(engine: Engine) -> Fields:
    """Every command that was called or refused."""
    for command in engine.every_command():
        calls, microseconds = command.calls, command.nanoseconds // 1000
        if calls or command.rejected_calls or command.failed_calls:
            yield (
                f"cmdstat_{safe(command.name)}",
                f"calls={calls},usec={microseconds},usec_per_call={ratio(command.nanoseconds / 1000, calls)},"
                f"rejected_calls={command.rejected_calls},failed_calls={command.failed_calls}",
            )


def error_statistics(engine: Engine) -> Fields:
    """Every kind of error, by its code."""
    for code, count in sorted(engine.statistics.errors.items()):
        yield f"errorstat_{safe(code)}", f"count={count}"


def latency_statistics(engine: Engine) -> Fields:
    """Percentiles of every command's latencies."""
    if not engine.config["latency-tracking"]:
        return
    percentiles = engine.config["latency-tracking-info-percentiles"]
    names = [f"{percentile:f}".rstrip("0").rstrip(".") for percentile in percentiles]
    for command in engine.every_command():
        histogram: Any = command.latency_histogram
        if histogram is not None:
            latencies = [histogram.percentile(percentile) for percentile in percentiles]
            told = (f"p{name}={latency:.3f}" for name, latency in zip(names, latencies, strict=True))
            yield f"latency_percentiles_usec_{safe(command.name)}", ",".join(told)


def cluster(engine: Engine) -> Fields:
    """Whether this is a node of a cluster."""
    return constants(cluster_enabled=0)


def keyspace(engine: Engine) -> Fields:
    """Every database that has keys."""
    averages = engine.expiry.average_ttl
    for database in engine.databases:
        if database.size:
            average = averages.get(database.index, 0) if database.expires else 0
            yield (
                f"db{database.index}",
                f"keys={database.size},expires={database.expires},avg_ttl={average},"
                f"subexpiry={engine.expiry.fields.count(database)}",
            )


def key_sizes(engine: Engine) -> Fields:
    """The distribution of the sizes of values."""
    return engine.key_sizes.fields()


def debug(engine: Engine) -> Fields:
    """What the event loop did, for its developers."""
    statistics = engine.statistics
    return [
        ("eventloop_duration_aof_sum", 0),
        ("eventloop_duration_cron_sum", statistics.tick_nanoseconds // 1000),
        ("eventloop_duration_max", statistics.longest_round // 1000),
        ("eventloop_cmd_per_cycle_max", engine.dispatcher.most_calls_per_round),
    ]


SECTIONS = (
    Section("server", "Server", server),
    Section("clients", "Clients", clients),
    Section("memory", "Memory", memory),
    Section("persistence", "Persistence", persistence),
    Section("threads", "Threads", threads),
    Section("stats", "Stats", stats),
    Section("replication", "Replication", replication),
    Section("cpu", "CPU", cpu),
    Section("modules", "Modules", modules),
    Section("commandstats", "Commandstats", command_statistics, usual=False),
    Section("errorstats", "Errorstats", error_statistics),
    Section("latencystats", "Latencystats", latency_statistics, usual=False),
    Section("cluster", "Cluster", cluster),
    Section("keyspace", "Keyspace", keyspace),
    Section("keysizes", "Keysizes", key_sizes, usual=False),
    Section("debug", "Debug", debug, usual=False, hidden=True),
)
