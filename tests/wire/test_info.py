"""INFO over a socket: the fields that exporters and dashboards read, with the types that they parse."""

import re

import pytest

from redracer.engine.version import REDIS_VERSION

COUNT = r"\d+"
NUMBER = r"-?\d+"
DECIMAL = r"-?\d+\.\d+"
PERCENT = r"\d+\.\d\d%"
SIZE = r"\d+(\.\d\d)?[BKMGTP]"
FLAG = "[01]"
STATUS = "ok|err"
SECONDS = r"\d+\.\d{6}"
HASH = "[0-9a-f]{40}"
WORD = r"[\w-]+"

# What redis_exporter, Telegraf, Datadog's agent and redis-cli --stat take from INFO.
FIELDS = {
    "server": {
        "redis_version": re.escape(REDIS_VERSION),
        "redis_build_id": "[0-9a-f]{16}",
        "redis_mode": "standalone",
        "os": "Linux .*",
        "arch_bits": "64|32",
        "multiplexing_api": WORD,
        "gcc_version": r"\d+\.\d+\.\d+",
        "process_id": COUNT,
        "process_supervised": WORD,
        "run_id": HASH,
        "tcp_port": COUNT,
        "server_time_usec": r"\d{16}",
        "uptime_in_seconds": COUNT,
        "uptime_in_days": COUNT,
        "hz": COUNT,
        "configured_hz": COUNT,
        "lru_clock": COUNT,
        "executable": "/.+",
        "config_file": ".*",
        "io_threads_active": FLAG,
        "listener0": r"name=tcp,bind=127\.0\.0\.1,port=\d+",
    },
    "clients": {
        "connected_clients": "[1-9]",
        "cluster_connections": "0",
        "maxclients": COUNT,
        "client_recent_max_input_buffer": COUNT,
        "client_recent_max_output_buffer": COUNT,
        "blocked_clients": "0",
        "tracking_clients": "0",
        "pubsub_clients": "0",
        "watching_clients": "0",
        "clients_in_timeout_table": "0",
        "total_watched_keys": "0",
        "total_blocking_keys": "0",
        "total_blocking_keys_on_nokey": "0",
    },
    "memory": {
        "used_memory": COUNT,
        "used_memory_human": SIZE,
        "used_memory_rss": COUNT,
        "used_memory_rss_human": SIZE,
        "used_memory_peak": COUNT,
        "used_memory_peak_human": SIZE,
        "used_memory_peak_time": COUNT,
        "used_memory_peak_perc": PERCENT,
        "used_memory_overhead": COUNT,
        "used_memory_startup": COUNT,
        "used_memory_dataset": COUNT,
        "used_memory_dataset_perc": PERCENT,
        "allocator_allocated": COUNT,
        "allocator_active": COUNT,
        "allocator_resident": COUNT,
        "allocator_muzzy": COUNT,
        "total_system_memory": COUNT,
        "used_memory_lua": COUNT,
        "number_of_cached_scripts": COUNT,
        "number_of_functions": COUNT,
        "number_of_libraries": COUNT,
        "used_memory_vm_total": COUNT,
        "used_memory_scripts": COUNT,
        "maxmemory": COUNT,
        "maxmemory_human": SIZE,
        "maxmemory_policy": WORD,
        "allocator_frag_ratio": DECIMAL,
        "allocator_frag_bytes": NUMBER,
        "allocator_rss_ratio": DECIMAL,
        "allocator_rss_bytes": NUMBER,
        "rss_overhead_ratio": DECIMAL,
        "rss_overhead_bytes": NUMBER,
        "mem_fragmentation_ratio": DECIMAL,
        "mem_fragmentation_bytes": NUMBER,
        "mem_not_counted_for_evict": COUNT,
        "mem_replication_backlog": COUNT,
        "mem_total_replication_buffers": COUNT,
        "mem_clients_slaves": COUNT,
        "mem_clients_normal": COUNT,
        "mem_cluster_links": COUNT,
        "mem_aof_buffer": COUNT,
        "mem_allocator": WORD,
        "mem_overhead_db_hashtable_rehashing": COUNT,
        "active_defrag_running": COUNT,
        "lazyfree_pending_objects": COUNT,
        "lazyfreed_objects": COUNT,
    },
    "persistence": {
        "loading": "0",
        "async_loading": "0",
        "current_cow_size": COUNT,
        "current_fork_perc": DECIMAL,
        "rdb_changes_since_last_save": COUNT,
        "rdb_bgsave_in_progress": "0",
        "rdb_last_save_time": COUNT,
        "rdb_last_bgsave_status": STATUS,
        "rdb_last_bgsave_time_sec": NUMBER,
        "rdb_current_bgsave_time_sec": NUMBER,
        "rdb_saves": COUNT,
        "rdb_last_cow_size": COUNT,
        "aof_enabled": FLAG,
        "aof_rewrite_in_progress": "0",
        "aof_rewrite_scheduled": "0",
        "aof_last_rewrite_time_sec": NUMBER,
        "aof_current_rewrite_time_sec": NUMBER,
        "aof_last_bgrewrite_status": STATUS,
        "aof_last_write_status": STATUS,
        "aof_last_cow_size": COUNT,
        "module_fork_in_progress": "0",
        "module_fork_last_cow_size": COUNT,
    },
    "threads": {"io_thread_0": r"clients=\d+,reads=\d+,writes=\d+"},
    "stats": {
        "total_connections_received": "[1-9].*",
        "total_commands_processed": "[1-9].*",
        "instantaneous_ops_per_sec": COUNT,
        "total_net_input_bytes": "[1-9].*",
        "total_net_output_bytes": "[1-9].*",
        "total_net_repl_input_bytes": COUNT,
        "total_net_repl_output_bytes": COUNT,
        "instantaneous_input_kbps": DECIMAL,
        "instantaneous_output_kbps": DECIMAL,
        "rejected_connections": COUNT,
        "sync_full": COUNT,
        "sync_partial_ok": COUNT,
        "sync_partial_err": COUNT,
        "expired_subkeys": COUNT,
        "expired_keys": COUNT,
        "expired_stale_perc": DECIMAL,
        "expired_time_cap_reached_count": COUNT,
        "expire_cycle_cpu_milliseconds": COUNT,
        "evicted_keys": COUNT,
        "evicted_clients": COUNT,
        "evicted_scripts": COUNT,
        "total_eviction_exceeded_time": COUNT,
        "current_eviction_exceeded_time": COUNT,
        "keyspace_hits": COUNT,
        "keyspace_misses": COUNT,
        "pubsub_channels": COUNT,
        "pubsub_patterns": COUNT,
        "pubsubshard_channels": COUNT,
        "latest_fork_usec": COUNT,
        "total_forks": COUNT,
        "slave_expires_tracked_keys": COUNT,
        "active_defrag_hits": COUNT,
        "active_defrag_misses": COUNT,
        "tracking_total_keys": COUNT,
        "tracking_total_items": COUNT,
        "tracking_total_prefixes": COUNT,
        "unexpected_error_replies": COUNT,
        "total_error_replies": COUNT,
        "dump_payload_sanitizations": COUNT,
        "total_reads_processed": "[1-9].*",
        "total_writes_processed": "[1-9].*",
        "io_threaded_reads_processed": COUNT,
        "io_threaded_writes_processed": COUNT,
        "client_query_buffer_limit_disconnections": COUNT,
        "client_output_buffer_limit_disconnections": COUNT,
        "reply_buffer_shrinks": COUNT,
        "reply_buffer_expands": COUNT,
        "eventloop_cycles": "[1-9].*",
        "eventloop_duration_sum": "[1-9].*",
        "eventloop_duration_cmd_sum": "[1-9].*",
        "instantaneous_eventloop_cycles_per_sec": COUNT,
        "instantaneous_eventloop_duration_usec": COUNT,
        "acl_access_denied_auth": COUNT,
        "acl_access_denied_cmd": COUNT,
        "acl_access_denied_key": COUNT,
        "acl_access_denied_channel": COUNT,
    },
    "replication": {
        "role": "master",
        "connected_slaves": "0",
        "master_failover_state": "no-failover",
        "master_replid": HASH,
        "master_replid2": HASH,
        "master_repl_offset": COUNT,
        "second_repl_offset": NUMBER,
        "repl_backlog_active": FLAG,
        "repl_backlog_size": COUNT,
        "repl_backlog_first_byte_offset": COUNT,
        "repl_backlog_histlen": COUNT,
    },
    "cpu": {
        "used_cpu_sys": SECONDS,
        "used_cpu_user": SECONDS,
        "used_cpu_sys_children": SECONDS,
        "used_cpu_user_children": SECONDS,
        "used_cpu_sys_main_thread": SECONDS,
        "used_cpu_user_main_thread": SECONDS,
    },
    "commandstats": {
        "cmdstat_set": r"calls=\d+,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=\d+,failed_calls=\d+",
        "cmdstat_config|get": r"calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0",
    },
    "errorstats": {"errorstat_ERR": r"count=\d+"},
    "latencystats": {
        "latency_percentiles_usec_set": r"p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}",
    },
    "cluster": {"cluster_enabled": "0"},
    "keyspace": {"db0": r"keys=1,expires=1,avg_ttl=\d+,subexpiry=0"},
}


@pytest.fixture(scope="module")
def text(server):
    client = server.connect()
    client.request("SET", "key", "value", "EX", 1000)
    client.request("CONFIG", "GET", "maxmemory")
    client.request("INCR", "key")
    header, _, body = client.request("INFO", "everything").partition(b"\r\n")
    assert header == b"$%d" % (len(body) - 2)
    return body[:-2].decode()


@pytest.fixture(scope="module")
def fields(text):
    """The fields of each section by name."""
    sections = {}
    for block in text.split("\r\n\r\n"):
        title, *lines = block.strip("\r\n").split("\r\n")
        assert title.startswith("# ")
        sections[title[2:].lower()] = dict(line.split(":", 1) for line in lines)
    return sections


@pytest.mark.parametrize("section", FIELDS)
def test_every_field_is_there_and_has_its_type(fields, section):
    for field, pattern in FIELDS[section].items():
        assert field in fields[section], field
        value = fields[section][field]
        assert re.fullmatch(pattern, value), f"{field}:{value}"


def test_the_order_is_that_of_redis(fields):
    for section, expected in FIELDS.items():
        if section != "commandstats":  # any order
            assert [field for field in fields[section] if field in expected] == list(expected)


def test_redis_py_reads_it(server):
    with server.redis() as client:
        client.set("key", "value", ex=1000)
        info = client.info()
        assert info["redis_version"] == REDIS_VERSION
        assert info["db0"]["keys"] == 1
        assert isinstance(info["used_memory"], int)
        assert isinstance(info["mem_fragmentation_ratio"], float)
        stats = client.memory_stats()
        assert stats["keys.count"] == 1


def test_resp3_gets_a_verbatim_string(server):
    client = server.connect()
    client.request("HELLO", 3)
    assert client.request("INFO", "cluster") == b"=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n"
