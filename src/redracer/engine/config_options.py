"""Every option of redis.conf 8.2, one row each: name, type, default, older name, flags, what is missing.

To add an option, add a row. A row whose feature is not there yet says so in its last column:

- `refuse("feature")`: any value but the default would lose something (data, access control, a promise
  to a client), so the server does not start with it, and CONFIG SET refuses it.
- `ignore("feature")`: the value is kept and answered, and the log says once that it has no effect.

When the feature arrives, its column is dropped; nothing else knows about it.

Names, bounds, defaults and flags are Redis's. Options whose only subject is another implementation's
inside (jemalloc, io-threads) are kept because configuration files hold them.
"""

from __future__ import annotations

from redracer.core.rdb_writer import OLDEST_RDB_VERSION, RDB_VERSION
from redracer.engine.config_compound import (
    Addresses,
    KeyspaceEvents,
    ModuleNames,
    OomScoreValues,
    OutputBufferLimits,
    Percentiles,
    Primary,
    SavePoints,
)
from redracer.engine.config_types import (
    INT_MAX,
    INT_MIN,
    LONG_MAX,
    UINT_MAX,
    ULONG_MAX,
    Boolean,
    Directory,
    Enumeration,
    Integer,
    Memory,
    MemoryOrPercent,
    Octal,
    OptionType,
    Secret,
    ShutdownFlags,
    String,
    check_file_name,
    check_host_name,
    check_node_name,
    check_title_template,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Flags of an option.
IMMUTABLE = 1  # only at start
SENSITIVE = 2  # the value must not reach MONITOR, SLOWLOG or a log
HIDDEN = 4  # CONFIG GET answers it by its exact name only
PROTECTED = 8  # CONFIG SET needs enable-protected-configs
DENY_LOADING = 16  # not while the dataset is loading
VOLATILE = 32  # setting the same value again applies it again (a file's content may have changed)

MB = 1 << 20
PORT_MAX = 65535


class Pending:
    """A feature that is not there yet: is a value that asks for it refused, or kept without effect?

    `harmless`: one more value, besides the default, that does not ask for it.
    """

    __slots__ = ("feature", "harmless", "reason", "refused")

    def __init__(self, feature: str, refused: bool, harmless: Any = None, reason: str = "") -> None:
        self.feature = feature
        self.refused = refused
        self.harmless = harmless
        self.reason = reason

    def refusal(self, name: str) -> str:
        """Why a value of the option or directive `name` is refused."""
        return self.reason or f"'{name}' needs {self.feature}, which this version of redracer does not have"


def refuse(feature: str, reason: str = "") -> Pending:
    return Pending(feature, True, reason=reason)


def ignore(feature: str, harmless: Any = None) -> Pending:
    return Pending(feature, False, harmless)


class Option:
    """One row. `flags` is a sum of the flags above; `alias` is an older name that means the same."""

    __slots__ = ("alias", "default", "flags", "name", "pending", "type")

    def __init__(
        self,
        name: str,
        value_type: OptionType,
        default: Any,
        flags: int = 0,
        alias: str = "",
        pending: Pending | None = None,
    ) -> None:
        self.name = name
        self.type = value_type
        self.default = default
        self.flags = flags
        self.alias = alias
        self.pending = pending


BOOLEAN = Boolean()
STRING = String()
NULLABLE = String(nullable=True)
SECRET = Secret(nullable=True)
PORT = Integer(0, PORT_MAX)
COUNT = Integer(0, INT_MAX)
POSITIVE = Integer(1, INT_MAX)
ANY_INT = Integer(INT_MIN, INT_MAX)
LONG_COUNT = Integer(0, LONG_MAX)
MEMORY = Memory(0, LONG_MAX)
SHUTDOWN_FLAGS = ShutdownFlags("default", "save", "nosave", "now", "force")
WHO_MAY = Enumeration("no", "yes", "local")

REPLICATION = "replication"
CLUSTER = "Redis Cluster"
TLS_SESSIONS = "limits for the cache of TLS sessions"
MODULES = "loading modules"
NO_DEFRAGMENTATION = (
    "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc "
    "like the one shipped by default with the Redis source distribution"
)

NETWORK = (
    Option("bind", Addresses(), ("*", "-::*")),
    Option("bind-source-addr", NULLABLE, None),
    Option("protected-mode", BOOLEAN, True),
    Option("enable-protected-configs", WHO_MAY, "no", IMMUTABLE),
    Option("enable-debug-command", WHO_MAY, "no", IMMUTABLE),
    Option("enable-module-command", WHO_MAY, "no", IMMUTABLE, pending=ignore(MODULES)),
    Option("port", PORT, 6379),
    Option("tcp-backlog", COUNT, 511, IMMUTABLE),
    Option("unixsocket", NULLABLE, None, IMMUTABLE),
    Option("unixsocketperm", Octal(0, 0o777), 0, IMMUTABLE),
    Option("timeout", COUNT, 0),
    Option("tcp-keepalive", COUNT, 300),
    Option("socket-mark-id", Integer(0, UINT_MAX), 0, IMMUTABLE, pending=ignore("marking sockets")),
    Option("maxclients", Integer(1, UINT_MAX), 10000),
    Option("max-new-connections-per-cycle", Integer(1, 1000), 10),
    Option("max-new-tls-connections-per-cycle", Integer(1, 1000), 1),
    Option("proto-max-bulk-len", Memory(MB, LONG_MAX), 512 * MB),
    Option("client-query-buffer-limit", Memory(MB, LONG_MAX), 1024 * MB),
    Option(
        "client-output-buffer-limit",
        OutputBufferLimits(),
        {"normal": (0, 0, 0), "replica": (256 * MB, 64 * MB, 60), "pubsub": (32 * MB, 8 * MB, 60)},
    ),
    Option("maxmemory-clients", MemoryOrPercent(-100, LONG_MAX), 0),
    Option("io-threads", Integer(1, 128), 1, IMMUTABLE, pending=ignore("threads for input and output")),
    Option("prefetch-batch-max-size", Integer(0, 128), 16, HIDDEN),
)

ENCRYPTION = (
    Option("tls-port", PORT, 0),
    Option("tls-cert-file", NULLABLE, None, VOLATILE),
    Option("tls-key-file", NULLABLE, None, VOLATILE),
    Option("tls-key-file-pass", NULLABLE, None, SENSITIVE),
    Option("tls-client-cert-file", NULLABLE, None, VOLATILE),
    Option("tls-client-key-file", NULLABLE, None, VOLATILE),
    Option("tls-client-key-file-pass", NULLABLE, None, SENSITIVE),
    Option("tls-dh-params-file", NULLABLE, None, VOLATILE),
    Option("tls-ca-cert-file", NULLABLE, None, VOLATILE),
    Option("tls-ca-cert-dir", NULLABLE, None, VOLATILE),
    Option("tls-auth-clients", Enumeration("no", "yes", "optional"), "yes"),
    Option("tls-replication", BOOLEAN, False),
    Option("tls-cluster", BOOLEAN, False, pending=ignore(CLUSTER)),
    Option("tls-protocols", NULLABLE, None),
    Option("tls-ciphers", NULLABLE, None),
    Option("tls-ciphersuites", NULLABLE, None),
    Option("tls-prefer-server-ciphers", BOOLEAN, False),
    Option("tls-session-caching", BOOLEAN, True),
    Option("tls-session-cache-size", COUNT, 20 * 1024, pending=ignore(TLS_SESSIONS)),
    Option("tls-session-cache-timeout", COUNT, 300, pending=ignore(TLS_SESSIONS)),
)

GENERAL = (
    Option("daemonize", BOOLEAN, False, IMMUTABLE),
    Option("supervised", Enumeration("upstart", "systemd", "auto", "no"), "no", IMMUTABLE),
    Option("pidfile", NULLABLE, None, IMMUTABLE),
    Option("loglevel", Enumeration("debug", "verbose", "notice", "warning", "nothing"), "notice"),
    Option("logfile", STRING, "", IMMUTABLE),
    Option("syslog-enabled", BOOLEAN, False, IMMUTABLE),
    Option("syslog-ident", STRING, "redis", IMMUTABLE),
    Option(
        "syslog-facility",
        Enumeration("user", *(f"local{number}" for number in range(8))),
        "local0",
        IMMUTABLE,
    ),
    Option("hide-user-data-from-log", BOOLEAN, False),
    Option("crash-log-enabled", BOOLEAN, True),
    Option("crash-memcheck-enabled", BOOLEAN, True),
    Option("use-exit-on-panic", BOOLEAN, False, HIDDEN),
    Option("watchdog-period", COUNT, 0, HIDDEN),
    Option("databases", POSITIVE, 16, IMMUTABLE),
    Option("always-show-logo", BOOLEAN, False, IMMUTABLE),
    Option("set-proc-title", BOOLEAN, True, IMMUTABLE),
    Option(
        "proc-title-template",
        String(check=check_title_template),
        "{title} {listen-addr} {server-mode}",
        pending=ignore("setting the process title"),
    ),
    Option("locale-collate", STRING, "", pending=ignore("sorting by a locale")),
    Option("ignore-warnings", STRING, ""),
    Option("dir", Directory(), "", PROTECTED | DENY_LOADING),
    Option("hz", Integer(0, INT_MAX, clamp=(1, 500)), 10),
    Option("dynamic-hz", BOOLEAN, True),
    Option("shutdown-timeout", COUNT, 10),
    Option("shutdown-on-sigint", SHUTDOWN_FLAGS, ()),
    Option("shutdown-on-sigterm", SHUTDOWN_FLAGS, ()),
    Option(
        "oom-score-adj",
        Enumeration("no", "yes", "relative", "absolute", synonyms={"relative": "yes"}),
        "no",
    ),
    Option("oom-score-adj-values", OomScoreValues(), (0, 200, 800)),
    Option("disable-thp", BOOLEAN, True, IMMUTABLE),
    # These four are immutable in Redis; its own tests of 7.0 set every option that they do not know as such,
    # and they know only the names with an underscore.
    Option("server-cpulist", NULLABLE, None, alias="server_cpulist"),
    Option("bio-cpulist", NULLABLE, None, 0, "bio_cpulist", ignore("background threads")),
    Option("aof-rewrite-cpulist", NULLABLE, None, alias="aof_rewrite_cpulist"),
    Option("bgsave-cpulist", NULLABLE, None, 0, "bgsave_cpulist"),
    Option("jemalloc-bg-thread", BOOLEAN, True),
)

SECURITY = (
    Option("requirepass", SECRET, None, SENSITIVE),
    Option("aclfile", STRING, "", IMMUTABLE),
    Option("acllog-max-len", LONG_COUNT, 128),
    Option("acl-pubsub-default", Enumeration("allchannels", "resetchannels"), "resetchannels"),
    Option("sanitize-dump-payload", Enumeration("no", "yes", "clients"), "no"),
)

MEMORY_MANAGEMENT = (
    Option("maxmemory", Memory(0, ULONG_MAX), 0),
    Option(
        "maxmemory-policy",
        Enumeration(
            "volatile-lru",
            "volatile-lfu",
            "volatile-random",
            "volatile-ttl",
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-random",
            "noeviction",
        ),
        "noeviction",
    ),
    Option("maxmemory-samples", POSITIVE, 5),
    Option("maxmemory-eviction-tenacity", Integer(0, 100), 10),
    Option("lfu-log-factor", COUNT, 10),
    Option("lfu-decay-time", COUNT, 1),
    Option("active-expire-effort", Integer(1, 10), 1),
    Option("lazyexpire-nested-arbitrary-keys", BOOLEAN, True, HIDDEN),
    Option("lazyfree-lazy-eviction", BOOLEAN, False),
    Option("lazyfree-lazy-expire", BOOLEAN, False),
    Option("lazyfree-lazy-server-del", BOOLEAN, False),
    Option("lazyfree-lazy-user-del", BOOLEAN, False),
    Option("lazyfree-lazy-user-flush", BOOLEAN, False),
    Option("activerehashing", BOOLEAN, True),
    Option("activedefrag", BOOLEAN, False, pending=refuse("defragmentation", NO_DEFRAGMENTATION)),
    Option("active-defrag-ignore-bytes", Memory(1, LONG_MAX), 100 * MB),
    Option("active-defrag-threshold-lower", Integer(0, 1000), 10),
    Option("active-defrag-threshold-upper", Integer(0, 1000), 100),
    Option("active-defrag-cycle-min", Integer(1, 99), 1),
    Option("active-defrag-cycle-max", Integer(1, 99), 25),
    Option("active-defrag-max-scan-fields", Integer(1, LONG_MAX), 1000),
)

OBSERVATION = (
    Option("metrics-port", PORT, 0, IMMUTABLE),
    Option("metrics-bind", Addresses(), ("127.0.0.1",), IMMUTABLE),
    Option("dashboard-port", PORT, 0, IMMUTABLE),
    Option("slowlog-log-slower-than", Integer(-1, LONG_MAX), 10000),
    Option("slowlog-max-len", LONG_COUNT, 128),
    Option("latency-monitor-threshold", LONG_COUNT, 0),
    Option("latency-tracking", BOOLEAN, True),
    Option("latency-tracking-info-percentiles", Percentiles(), (50.0, 99.0, 99.9)),
    Option("notify-keyspace-events", KeyspaceEvents(), 0),
    Option("tracking-table-max-keys", LONG_COUNT, 1_000_000),
)

DATA_TYPES = (
    Option("hash-max-listpack-entries", LONG_COUNT, 512, alias="hash-max-ziplist-entries"),
    Option("hash-max-listpack-value", MEMORY, 64, alias="hash-max-ziplist-value"),
    Option("list-max-listpack-size", ANY_INT, -2, alias="list-max-ziplist-size"),
    Option("list-compress-depth", COUNT, 0),
    Option("set-max-intset-entries", LONG_COUNT, 512),
    Option("set-max-listpack-entries", LONG_COUNT, 128),
    Option("set-max-listpack-value", LONG_COUNT, 64),
    Option("zset-max-listpack-entries", LONG_COUNT, 128, alias="zset-max-ziplist-entries"),
    Option("zset-max-listpack-value", MEMORY, 64, alias="zset-max-ziplist-value"),
    Option("hll-sparse-max-bytes", MEMORY, 3000),
    Option("stream-node-max-bytes", MEMORY, 4096),
    Option("stream-node-max-entries", LONG_COUNT, 100),
)

SCRIPTS = (
    Option("busy-reply-threshold", LONG_COUNT, 5000, 0, "lua-time-limit"),
    Option("lua-enable-deprecated-api", BOOLEAN, False, IMMUTABLE | HIDDEN),
    Option("extension", ModuleNames(), (), IMMUTABLE),
    Option("script-memory-limit", Memory(MB, LONG_MAX), 1024 * MB),
)

SNAPSHOTS = (
    Option(
        "save",
        SavePoints(),
        ((3600, 1), (300, 100), (60, 10000)),
    ),
    Option("stop-writes-on-bgsave-error", BOOLEAN, True),
    Option("rdbcompression", BOOLEAN, True),
    Option("rdb-version", Integer(OLDEST_RDB_VERSION, RDB_VERSION), RDB_VERSION),  # ours alone
    Option("rdbchecksum", BOOLEAN, True, IMMUTABLE),
    Option(
        "dbfilename",
        String(check=check_file_name("dbfilename")),
        "dump.rdb",
        PROTECTED,
    ),
    Option("rdb-del-sync-files", BOOLEAN, False),
    Option("rdb-save-incremental-fsync", BOOLEAN, True),
    Option("rdb-key-save-delay", ANY_INT, 0, HIDDEN),
    Option("key-load-delay", ANY_INT, 0, HIDDEN),
    Option(
        "loading-process-events-interval-bytes",
        Integer(1024, INT_MAX),
        2 * MB,
        HIDDEN,
    ),
)

APPEND_ONLY_FILE = (
    Option("appendonly", BOOLEAN, False, DENY_LOADING),
    Option(
        "appendfilename",
        String(check=check_file_name("appendfilename")),
        "appendonly.aof",
        IMMUTABLE,
    ),
    Option(
        "appenddirname",
        String(check=check_file_name("appenddirname")),
        "appendonlydir",
        IMMUTABLE,
    ),
    Option("appendfsync", Enumeration("everysec", "always", "no"), "everysec"),
    Option("no-appendfsync-on-rewrite", BOOLEAN, False),
    Option("auto-aof-rewrite-percentage", COUNT, 100),
    Option("auto-aof-rewrite-min-size", MEMORY, 64 * MB),
    Option("aof-load-truncated", BOOLEAN, True),
    Option("aof-load-corrupt-tail-max-size", MEMORY, 0),  # of Redis 8.4
    Option("aof-use-rdb-preamble", BOOLEAN, True),
    Option("aof-timestamp-enabled", BOOLEAN, False),
    Option("aof-rewrite-incremental-fsync", BOOLEAN, True),
    Option("aof-disable-auto-gc", BOOLEAN, False, HIDDEN),
)

_ERROR_BEHAVIOR = Enumeration("ignore", "panic", "panic-on-replicas")
_DISKLESS_LOAD = Enumeration("disabled", "on-empty-db", "swapdb")

REPLICAS = (
    Option("replicaof", Primary(), None, IMMUTABLE, "slaveof"),
    Option("masterauth", SECRET, None, SENSITIVE),
    Option("masteruser", SECRET, None, SENSITIVE),
    Option("replica-serve-stale-data", BOOLEAN, True, 0, "slave-serve-stale-data"),
    Option("replica-read-only", BOOLEAN, True, 0, "slave-read-only"),
    Option("replica-lazy-flush", BOOLEAN, False, 0, "slave-lazy-flush"),
    Option("replica-ignore-maxmemory", BOOLEAN, True, 0, "slave-ignore-maxmemory"),
    Option("replica-ignore-disk-write-errors", BOOLEAN, False),
    Option("replica-announced", BOOLEAN, True),
    Option("replica-announce-ip", NULLABLE, None, 0, "slave-announce-ip"),
    Option("replica-announce-port", PORT, 0, 0, "slave-announce-port"),
    Option("replica-priority", COUNT, 100, 0, "slave-priority"),
    Option("replica-full-sync-buffer-limit", MEMORY, 0, pending=ignore(REPLICATION)),
    Option("repl-diskless-sync", BOOLEAN, True),
    Option("repl-diskless-sync-delay", COUNT, 5),
    Option("repl-diskless-sync-max-replicas", COUNT, 0),
    Option("repl-diskless-load", _DISKLESS_LOAD, "disabled", DENY_LOADING),
    Option("repl-rdb-channel", BOOLEAN, False, HIDDEN, pending=ignore(REPLICATION)),
    Option("repl-ping-replica-period", POSITIVE, 10, 0, "repl-ping-slave-period"),
    Option("repl-timeout", POSITIVE, 60),
    Option("repl-disable-tcp-nodelay", BOOLEAN, False, pending=ignore(REPLICATION)),
    Option("repl-backlog-size", Memory(1, LONG_MAX), MB),
    Option("repl-backlog-ttl", LONG_COUNT, 3600),
    Option("min-replicas-to-write", COUNT, 0, 0, "min-slaves-to-write"),
    Option("min-replicas-max-lag", COUNT, 10, 0, "min-slaves-max-lag"),
    Option("propagation-error-behavior", _ERROR_BEHAVIOR, "ignore"),
)

_ENDPOINT_TYPE = Enumeration("ip", "hostname", "unknown-endpoint")

CLUSTERS = (
    Option("cluster-enabled", BOOLEAN, False, IMMUTABLE, pending=refuse(CLUSTER)),
    Option("cluster-config-file", STRING, "nodes.conf", IMMUTABLE, pending=ignore(CLUSTER)),
    Option("cluster-port", PORT, 0, IMMUTABLE, pending=ignore(CLUSTER)),
    Option("cluster-node-timeout", LONG_COUNT, 15000, pending=ignore(CLUSTER)),
    Option("cluster-ping-interval", LONG_COUNT, 1000, HIDDEN, pending=ignore(CLUSTER)),
    Option("cluster-require-full-coverage", BOOLEAN, True, pending=ignore(CLUSTER)),
    Option("cluster-replica-no-failover", BOOLEAN, False, 0, "cluster-slave-no-failover", ignore(CLUSTER)),
    Option("cluster-replica-validity-factor", COUNT, 10, 0, "cluster-slave-validity-factor", ignore(CLUSTER)),
    Option("cluster-migration-barrier", COUNT, 1, pending=ignore(CLUSTER)),
    Option("cluster-allow-replica-migration", BOOLEAN, True, pending=ignore(CLUSTER)),
    Option("cluster-allow-reads-when-down", BOOLEAN, False, pending=ignore(CLUSTER)),
    Option("cluster-allow-pubsubshard-when-down", BOOLEAN, True, pending=ignore(CLUSTER)),
    Option("cluster-link-sendbuf-limit", Memory(0, ULONG_MAX), 0, pending=ignore(CLUSTER)),
    Option("cluster-announce-ip", NULLABLE, None, pending=ignore(CLUSTER)),
    Option("cluster-announce-port", PORT, 0, pending=ignore(CLUSTER)),
    Option("cluster-announce-tls-port", PORT, 0, pending=ignore(CLUSTER)),
    Option("cluster-announce-bus-port", PORT, 0, pending=ignore(CLUSTER)),
    Option(
        "cluster-announce-hostname",
        String(nullable=True, check=check_host_name),
        None,
        pending=ignore(CLUSTER),
    ),
    Option(
        "cluster-announce-human-nodename",
        String(nullable=True, check=check_node_name),
        None,
        pending=ignore(CLUSTER),
    ),
    Option("cluster-preferred-endpoint-type", _ENDPOINT_TYPE, "ip", pending=ignore(CLUSTER)),
    Option("cluster-compatibility-sample-ratio", Integer(0, 100), 0, pending=ignore(CLUSTER)),
    Option("cluster-slot-stats-enabled", BOOLEAN, False, pending=ignore(CLUSTER)),
)

OPTIONS: tuple[Option, ...] = (
    *NETWORK,
    *ENCRYPTION,
    *GENERAL,
    *SECURITY,
    *MEMORY_MANAGEMENT,
    *OBSERVATION,
    *DATA_TYPES,
    *SCRIPTS,
    *SNAPSHOTS,
    *APPEND_ONLY_FILE,
    *REPLICAS,
    *CLUSTERS,
)

# Directives of the file that are no options: CONFIG GET and SET do not know them, CONFIG REWRITE keeps them.
# Name: (least, most words in the line, what is missing).
DIRECTIVES: dict[str, tuple[int, int, Pending | None]] = {
    "include": (2, 2, None),
    "rename-command": (3, 3, None),
    "user": (2, INT_MAX, None),
    "loadmodule": (2, INT_MAX, refuse(MODULES)),
}

# Options of earlier versions, with one value, that Redis skips over in a file: they mean nothing any more.
RETIRED = (
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "lua-replicate-commands",
    "io-threads-do-reads",
)
