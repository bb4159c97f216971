"""Every constant error text, in one place, as the bytes that follow `-` on the wire.

A command refuses by `raise CommandError(errors.SYNTAX)`: the first word is the error's code (clients
match on it), the rest is for people. Texts with a variable part are small functions at the end.
A raised error promises that the command changed nothing.
"""


class CommandError(Exception):
    """A command's refusal. `text` is the whole error line, code first, without `-` and line end."""

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


class ProtocolError(Exception):
    """The peer broke the protocol: `text` is sent as an error, and then the connection is closed."""

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


# --- values and syntax
WRONG_TYPE = b"WRONGTYPE Operation against a key holding the wrong kind of value"
NOT_INTEGER = b"ERR value is not an integer or out of range"
NOT_POSITIVE = b"ERR value is out of range, must be positive"
OUT_OF_RANGE = b"ERR value is out of range"
NOT_FLOAT = b"ERR value is not a valid float"
MIN_OR_MAX_NOT_FLOAT = b"ERR min or max is not a float"
NAN_OR_INFINITY = b"ERR increment would produce NaN or Infinity"
OVERFLOW = b"ERR increment or decrement would overflow"
DECREMENT_OVERFLOW = b"ERR decrement would overflow"
SYNTAX = b"ERR syntax error"
NO_SUCH_KEY = b"ERR no such key"
INDEX_OUT_OF_RANGE = b"ERR index out of range"
OFFSET_OUT_OF_RANGE = b"ERR offset is out of range"
BIT_OFFSET = b"ERR bit offset is not an integer or out of range"
BIT_VALUE = b"ERR bit is not an integer or out of range"
STRING_TOO_LONG = b"ERR string exceeds maximum allowed size (proto-max-bulk-len)"
LCS_NOT_STRINGS = b"ERR The specified keys must contain string values"
LCS_LENGTH_AND_INDEXES = b"ERR If you want both the length and indexes, please just use IDX."
LCS_TOO_LARGE = b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
SAME_OBJECT = b"ERR source and destination objects are the same"
INVALID_CURSOR = b"ERR invalid cursor"
NOVALUES_WITHOUT_VALUES = b"ERR NOVALUES option can only be used in HSCAN"
DB_INDEX_OUT_OF_RANGE = b"ERR DB index is out of range"
INVALID_DB_INDEX = b"ERR invalid DB index"
OUT_OF_MEMORY = b"OOM command not allowed when used memory > 'maxmemory'."
INVALID_TIMEOUT = b"ERR timeout is not a float or out of range"
NEGATIVE_TIMEOUT = b"ERR timeout is negative"
TIMEOUT_OUT_OF_RANGE = b"ERR timeout is out of range"

# --- transactions
NESTED_MULTI = b"ERR MULTI calls can not be nested"
WATCH_INSIDE_MULTI = b"ERR WATCH inside MULTI is not allowed"
EXEC_WITHOUT_MULTI = b"ERR EXEC without MULTI"
DISCARD_WITHOUT_MULTI = b"ERR DISCARD without MULTI"
EXECABORT = b"EXECABORT Transaction discarded because of previous errors."
NOT_IN_TRANSACTION = b"ERR Command not allowed inside a transaction"

# --- client-side caching
ONE_REDIRECT = b"ERR A client can only redirect to a single other client"
NO_REDIRECT_CLIENT = b"ERR The client ID you want redirect to does not exist"
PREFIX_WITHOUT_BCAST = b"ERR PREFIX option requires BCAST mode to be enabled"
BCAST_SWITCH = (
    b"ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it "
    b"with a different mode."
)
OPT_WITH_BCAST = b"ERR OPTIN and OPTOUT are not compatible with BCAST"
OPTIN_AND_OPTOUT = b"ERR You can't specify both OPTIN mode and OPTOUT mode"
OPT_SWITCH = (
    b"ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it "
    b"with a different mode."
)
CACHING_WITHOUT_OPT = (
    b"ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode "
    b"enabled"
)
CACHING_YES_WITHOUT_OPTIN = b"ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."
CACHING_NO_WITHOUT_OPTOUT = b"ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."
MONITOR_REFUSED = b"ERR MONITOR isn't allowed for DENY BLOCKING client"

# --- state of the server or of the connection
NO_AUTH = b"NOAUTH Authentication required."
HELLO_NO_AUTH = (
    b"NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> "
    b"AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol "
    b"version at the same time"
)
WRONG_PASSWORD = b"WRONGPASS invalid username-password pair or user is disabled."
NO_PASSWORD_SET = (
    b"ERR AUTH <password> called without any password configured for the default user. "
    b"Are you sure your configuration is correct?"
)
NO_PROTOCOL = b"NOPROTO unsupported protocol version"
PROTOCOL_NOT_INTEGER = b"ERR Protocol version is not an integer or out of range"
LOADING = b"LOADING Redis is loading the dataset in memory"
# --- persistence, and the end
SAVE_FAILED = b"ERR"
SAVE_IN_PROGRESS = b"ERR Background save already in progress"
OTHER_CHILD = (
    b"ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a "
    b"BGSAVE whenever possible."
)
SNAPSHOT_FAILED = (
    b"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that "
    b"may modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
    b"snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB "
    b"error."
)
RELOAD_OPTIONS = b"ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."
RELOAD_FAILED = b"ERR Error trying to load the RDB dump, check server logs."
SHUTDOWN_FAILED = b"ERR Errors trying to SHUTDOWN. Check logs."
NO_SHUTDOWN = b"ERR No shutdown in progress."
SHUTDOWN_BLOCKS = b"ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client"

BUSY_SCRIPT = b"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
READ_ONLY = b"READONLY You can't write against a read only replica."
MASTER_DOWN = b"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
NO_REPLICAS = b"NOREPLICAS Not enough good replicas to write."
NO_MASTER_LINK = b"NOMASTERLINK Can't SYNC while not connected with my master"
PENDING_OUTPUT = b"ERR SYNC and PSYNC are invalid with pending output"
WAIT_ON_REPLICA = (
    b"ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is "
    b"configured to be writable (which is not the default) writes to replicas are just local and are not propagated."
)
WAITAOF_ON_REPLICA = (
    b"ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local "
    b"and are not propagated."
)
WAITAOF_WITHOUT_AOF = b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
UNBLOCKED = b"UNBLOCKED client unblocked via CLIENT UNBLOCK"
ROLE_CHANGED = b"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
MAX_CLIENTS = b"ERR max number of clients reached"
CLIENT_NAME = b"ERR Client names cannot contain spaces, newlines or special characters."
NO_SUCH_CLIENT = b"ERR No such client"
NO_SUCH_CLIENT_ID = b"ERR No such client ID"
PROTECTED_MODE = (
    b"DENIED Redis is running in protected mode because protected mode is enabled and no password is set "
    b"for the default user. In this mode connections are only accepted from the loopback interface. If you "
    b"want to connect from external computers, either disable protected mode from the loopback interface "
    b"with 'CONFIG SET protected-mode no' (CONFIG REWRITE makes it permanent), or set protected-mode to 'no' "
    b"in the configuration file, or set a password for the default user."
)

# --- ACL
ACL_UNKNOWN_COMMAND = b"Unknown command or category name in ACL"
ACL_SYNTAX = b"Syntax error"
ACL_KEYS_AFTER_ALL = (
    b"Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. "
    b"Try 'resetkeys' to start with an empty list of patterns"
)
ACL_CHANNELS_AFTER_ALL = (
    b"Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any "
    b"effect. Try 'resetchannels' to start with an empty list of channels"
)
ACL_FIRST_ARGUMENT = b"Allowing first-arg of a subcommand is not supported"
ACL_BAD_DIGEST = (
    b"The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
)
ACL_NO_SUCH_PASSWORD = b"The password you are trying to remove from the user does not exist"
ACL_DUPLICATE_USER = b"Duplicate user found. A user can only be defined once in config files"
ACL_USER_NAME = b"ERR Usernames can't contain spaces or null characters"
ACL_DEFAULT_STAYS = b"ERR The 'default' user cannot be removed"
ACL_NO_FILE = (
    b"ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL "
    b"SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in "
    b"order to store users in the Redis configuration."
)
ACL_NOT_SAVED = (
    b"ERR There was an error trying to save the ACLs. Please check the server logs for more information"
)
ACL_PASSWORD_BITS = (
    b"ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to "
    b"4096"
)
SORT_BY_DENIED = b"ERR BY option of SORT denied due to insufficient ACL permissions."
SORT_GET_DENIED = b"ERR GET option of SORT denied due to insufficient ACL permissions."

# --- COMMAND GETKEYS and subcommands
INVALID_COMMAND = b"ERR Invalid command specified"
NO_KEY_ARGUMENTS = b"ERR The command has no key arguments"
INVALID_KEY_ARGUMENTS = b"ERR Invalid arguments specified for command"
INVALID_ARGUMENT_COUNT = b"ERR Invalid number of arguments specified for command"

# --- keys
EXPIRE_NX_CONFLICT = b"ERR NX and XX, GT or LT options at the same time are not compatible"
EXPIRE_GT_LT_CONFLICT = b"ERR GT and LT options at the same time are not compatible"
INVALID_FIRST_DB_INDEX = b"ERR invalid first DB index"
INVALID_SECOND_DB_INDEX = b"ERR invalid second DB index"
_POLICY_SWITCH = (
    b" Please note that when switching between policies at runtime LRU and LFU data will take some time "
    b"to adjust."
)
IDLE_TIME_NOT_TRACKED = b"ERR An LFU maxmemory policy is selected, idle time not tracked." + _POLICY_SWITCH
FREQUENCY_NOT_TRACKED = (
    b"ERR An LFU maxmemory policy is not selected, access frequency not tracked." + _POLICY_SWITCH
)
WEIGHT_NOT_DOUBLE = b"ERR One or more scores can't be converted into double"

# --- DUMP and RESTORE
BUSY_KEY = b"BUSYKEY Target key name already exists."
NEGATIVE_TTL = b"ERR Invalid TTL value, must be >= 0"
NEGATIVE_IDLE_TIME = b"ERR Invalid IDLETIME value, must be >= 0"
FREQUENCY_OUT_OF_RANGE = b"ERR Invalid FREQ value, must be >= 0 and <= 255"
WRONG_PAYLOAD = b"ERR DUMP payload version or checksum are wrong"
BAD_DATA_FORMAT = b"ERR Bad data format"

# --- sorted sets and geo
SCORE_NOT_A_NUMBER = b"ERR resulting score is not a number (NaN)"
INVALID_LEX_BOUND = b"ERR min or max not valid string range item"
NX_XX_CONFLICT = b"ERR XX and NX options at the same time are not compatible"
GT_LT_NX_CONFLICT = b"ERR GT, LT, and/or NX options at the same time are not compatible"
INCR_TAKES_ONE_PAIR = b"ERR INCR option supports a single increment-element pair"
LIMIT_WITHOUT_BY = b"ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
SCORES_OF_LEX_RANGE = b"ERR syntax error, WITHSCORES not supported in combination with BYLEX"
WEIGHT_NOT_FLOAT = b"ERR weight value is not a float"
NEGATIVE_LIMIT = b"ERR LIMIT can't be negative"
NO_KEY_COUNT = b"ERR numkeys should be greater than 0"
NO_COUNT = b"ERR count should be greater than 0"
NEED_RADIUS = b"ERR need numeric radius"
NEED_WIDTH = b"ERR need numeric width"
NEED_HEIGHT = b"ERR need numeric height"
NEGATIVE_RADIUS = b"ERR radius cannot be negative"
NEGATIVE_BOX = b"ERR height or width cannot be negative"
UNKNOWN_UNIT = b"ERR unsupported unit provided. please use M, KM, FT, MI"
UNKNOWN_CENTER = b"ERR could not decode requested zset member"
COUNT_NOT_POSITIVE = b"ERR COUNT must be > 0"
ANY_WITHOUT_COUNT = b"ERR the ANY argument requires COUNT argument"

# --- bitmaps and HyperLogLog
BIT_ARGUMENT = b"ERR The bit argument must be 1 or 0."
BITFIELD_TYPE = (
    b"ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
)
BITFIELD_OVERFLOW = b"ERR Invalid OVERFLOW type specified"
BITFIELD_READ_ONLY = b"ERR BITFIELD_RO only supports the GET subcommand"
BITOP_NOT_SOURCES = b"ERR BITOP NOT must be called with a single source key."
NO_SKETCH = b"WRONGTYPE Key is not a valid HyperLogLog string value."
CORRUPTED_SKETCH = b"INVALIDOBJ Corrupted HLL object detected"
NO_SPECIFIED_KEY = b"ERR The specified key does not exist"
SKETCH_NOT_SPARSE = b"ERR HLL encoding is not sparse"

# --- streams
INVALID_STREAM_ID = b"ERR Invalid stream ID specified as stream command argument"
INVALID_START_ID = b"ERR invalid start ID for the interval"
INVALID_END_ID = b"ERR invalid end ID for the interval"
STREAM_ID_ZERO = b"ERR The ID specified in XADD must be greater than 0-0"
STREAM_ID_TOO_SMALL = b"ERR The ID specified in XADD is equal or smaller than the target stream top item"
STREAM_IDS_EXHAUSTED = b"ERR The stream has exhausted the last possible ID, unable to add more items"
STREAM_ENTRY_TOO_LARGE = b"ERR Elements are too large to be stored"
TWO_TRIMMING_STRATEGIES = b"ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
NEGATIVE_TRIM_LENGTH = b"ERR The MAXLEN argument must be >= 0."
NEGATIVE_TRIM_LIMIT = b"ERR The LIMIT argument must be >= 0."
LIMIT_WITHOUT_STRATEGY = b"ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
LIMIT_WITHOUT_APPROXIMATION = b"ERR syntax error, LIMIT cannot be used without the special ~ option"
NO_TRIMMING_STRATEGY = b"ERR syntax error, XTRIM must be called with a trimming strategy"
ID_COUNT_NOT_POSITIVE = b"ERR Number of IDs must be a positive integer"
ID_COUNT_MISMATCH = b"ERR The `numids` parameter must match the number of arguments"
IDS_REQUIRED = b"ERR IDS option is required"
SETID_BELOW_MAX_DELETED = b"ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
SETID_BELOW_HIGHEST_DELETED = b"ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
SETID_BELOW_TOP_ITEM = b"ERR The ID specified in XSETID is smaller than the target stream top item"
SETID_ENTRIES_ADDED = b"ERR The entries_added specified in XSETID is smaller than the target stream length"
NEGATIVE_ENTRIES_ADDED = b"ERR entries_added must be positive"
NEGATIVE_ENTRIES_READ = b"ERR value for ENTRIESREAD must be positive or -1"
GROUP_EXISTS = b"BUSYGROUP Consumer Group name already exists"
GROUP_NEEDS_KEY = (
    b"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the "
    b"MKSTREAM option to create an empty stream automatically."
)
GROUP_OPTION_OF_XREADGROUP = (
    b"ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."
)
NOACK_OPTION_OF_XREADGROUP = (
    b"ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."
)
MISSING_GROUP_OPTION = b"ERR Missing GROUP option for XREADGROUP"
NEW_ID_OF_XREADGROUP = (
    b"ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
)
INVALID_MILLISECONDS_TIMEOUT = b"ERR timeout is not an integer or out of range"

# --- hashes
HASH_VALUE_NOT_INTEGER = b"ERR hash value is not an integer"
HASH_VALUE_NOT_FLOAT = b"ERR hash value is not a float"
VALUE_NAN_OR_INFINITY = b"ERR value is NaN or Infinity"
FIELDS_MISSING = b"ERR Mandatory argument FIELDS is missing or not at the right position"
FIELD_COUNT_NOT_POSITIVE = b"ERR Number of fields must be a positive integer"
EXPIRE_FIELD_COUNT_NOT_POSITIVE = b"ERR Parameter `numFields` should be greater than 0"
FIELD_COUNT_MISMATCH = b"ERR The `numfields` parameter must match the number of arguments"
INVALID_FIELD_COUNT = b"ERR invalid number of fields"
NEGATIVE_FIELD_EXPIRY = b"ERR invalid expire time, must be >= 0"
MISSING_EXPIRE_TIME = b"ERR missing expire time"
FXX_FNX_CONFLICT = b"ERR Only one of FXX or FNX arguments can be specified"
HSETEX_EXPIRATION_CONFLICT = b"ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"

# --- sets
KEY_COUNT_NOT_POSITIVE = b"ERR numkeys should be greater than 0"
KEY_COUNT_OVER_ARGUMENTS = b"ERR Number of keys can't be greater than number of args"

# --- lists
RANK_ZERO = (
    b"ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
    b"or use negative to start from the end of the list"
)
NEGATIVE_COUNT = b"ERR COUNT can't be negative"
NEGATIVE_MAXLEN = b"ERR MAXLEN can't be negative"
PACKED_THRESHOLD = b"ERR argument must be a memory value bigger than 1 and smaller than 4gb"

# --- DEBUG
OUT_OF_RANGE_DATABASE = b"ERR Out of range database"
NOT_A_HASH_TABLE = b"ERR The value stored at the specified key is not represented using an hash table"
RESP2_NOT_SUPPORTED = b"ERR RESP2 is not supported by this command"
WRONG_PROTOCOL_TYPE = (
    b"ERR Wrong protocol type name. Please use one of the following: "
    b"string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
)

# --- scripts
NEGATIVE_KEY_COUNT = b"ERR Number of keys can't be negative"
BAD_KEY_COUNT = b"ERR Bad number of keys provided"
SCRIPT_DEBUG_MODE = b"ERR Use SCRIPT DEBUG YES/SYNC/NO"
RESTORE_POLICY = b"ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."

# --- the protocol itself
TOO_BIG_MULTIBULK_COUNT = b"ERR Protocol error: invalid multibulk length"
UNAUTHENTICATED_MULTIBULK = b"ERR Protocol error: unauthenticated multibulk length"
UNAUTHENTICATED_BULK = b"ERR Protocol error: unauthenticated bulk length"
TOO_BIG_MULTIBULK_LINE = b"ERR Protocol error: too big mbulk count string"
TOO_BIG_BULK_LINE = b"ERR Protocol error: too big bulk count string"
INVALID_BULK_LENGTH = b"ERR Protocol error: invalid bulk length"
TOO_BIG_INLINE = b"ERR Protocol error: too big inline request"
UNBALANCED_QUOTES = b"ERR Protocol error: unbalanced quotes in request"


def expected_dollar(got: int) -> bytes:
    """The protocol error for an argument that does not start with `$`."""
    return b"ERR Protocol error: expected '$', got '%c'" % got


def acl_bad_rule(rule: bytes, reason: bytes) -> bytes:
    """The refusal of one of ACL SETUSER's rules."""
    return b"ERR Error in ACL SETUSER modifier '%s': %s" % (rule, reason)


def acl_unmatched_parenthesis(argument: bytes) -> bytes:
    """The refusal of a selector that is not closed."""
    return b"ERR Unmatched parenthesis in acl selector starting at '%s'." % argument


def acl_changed(reason: str) -> bytes:
    """The refusal of a queued command that its user was allowed when it was queued; `reason`: command, key, channel."""
    return (
        b"NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This "
        b"command is no longer allowed for the following reason: " + _CHANGED_REASONS[reason]
    )


_CHANGED_REASONS = {
    "command": b"no permission to execute the command or subcommand",
    "key": b"no permission to touch the specified keys",
    "channel": b"no permission to access one of the channels used as argument to the command",
}


def wrong_arity(name: bytes) -> bytes:
    """The refusal of a command called with a number of arguments that it does not take."""
    return b"ERR wrong number of arguments for '%s' command" % name


def unknown_command(args: list[bytes]) -> bytes:
    """The refusal of a name that is no command, with the beginning of its arguments (128 bytes of each part)."""
    shown = b""
    for argument in args[1:]:
        if len(shown) >= 128:
            break
        shown += b"'%s' " % argument[: 128 - len(shown)]
    return b"ERR unknown command '%s', with args beginning with: %s" % (args[0][:128], shown)


def unknown_subcommand(container: bytes, given: bytes) -> bytes:
    """The refusal of a subcommand that a container command does not have."""
    return b"ERR unknown subcommand '%s'. Try %s HELP." % (given[:128], container.upper())


def unknown_subcommand_or_arity(given: bytes, container: bytes) -> bytes:
    """The refusal of a subcommand, or of its number of arguments, by a command that looks for itself."""
    return b"ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP." % (
        given[:128],
        container.upper(),
    )


def protected_command(name: bytes, option: bytes) -> bytes:
    """The refusal of a command that the configuration file does not allow, or not from another machine."""
    return (
        b'ERR %s command not allowed. If the %s option is set to "local", you can run it from a local '
        b"connection, otherwise you need to set this option in the configuration file, and then restart the "
        b"server." % (name, option)
    )


def invalid_expiry(name: bytes) -> bytes:
    """The refusal of an expiry that is not positive or overflows."""
    return b"ERR invalid expire time in '%s' command" % name


def out_of_range(minimum: int, maximum: int) -> bytes:
    """The refusal of an integer outside what the argument takes."""
    return b"ERR value is out of range, value must between %d and %d" % (minimum, maximum)


def unknown_argument(argument: bytes) -> bytes:
    """The refusal of an option that HSETEX does not know."""
    return b"ERR unknown argument: %s" % argument


def unsupported_option(option: bytes) -> bytes:
    """The refusal of an option that EXPIRE and its kin do not know."""
    return b"ERR Unsupported option %s" % option


def bitop_sources(operation: bytes) -> bytes:
    """The refusal of a BITOP that combines its first source with the others, and has no others."""
    return b"ERR BITOP %s must be called with at least two source keys." % operation.upper()


def unknown_pfdebug(subcommand: bytes) -> bytes:
    """The refusal of a subcommand that PFDEBUG does not have."""
    return b"ERR Unknown PFDEBUG subcommand '%s'" % subcommand


def unbalanced_streams(command: bytes, ids: bytes) -> bytes:
    """The refusal of XREAD or XREADGROUP with fewer IDs than keys, or more; `ids`: the kinds that it takes."""
    return b"ERR Unbalanced '%s' list of streams: for each stream key an %s must be specified." % (
        command,
        ids,
    )


def meaningless_id(id: bytes) -> bytes:
    """The refusal of `$` or `+` by XREADGROUP."""
    return (
        b"ERR The %s ID is meaningless in the context of XREADGROUP: you want to read the history of this "
        b"consumer by specifying a proper ID, or use the > ID to get new messages. The %s ID would just "
        b"return an empty result set." % (id, id)
    )


def no_group_to_read(key: bytes, group: bytes) -> bytes:
    """The refusal of XREADGROUP for a key without that group, or no key."""
    return b"NOGROUP No such key '%s' or consumer group '%s' in XREADGROUP with GROUP option" % (key, group)


def no_key_or_group(key: bytes, group: bytes) -> bytes:
    """The refusal of a command on a group's pending entries for a key without that group, or no key."""
    return b"NOGROUP No such key '%s' or consumer group '%s'" % (key, group)


def no_group(key: bytes, group: bytes) -> bytes:
    """The refusal of a command on a group for a stream that has no such group."""
    return b"NOGROUP No such consumer group '%s' for key name '%s'" % (group, key)


def invalid_claim_argument(name: bytes, command: bytes) -> bytes:
    """The refusal of a number that XCLAIM or XAUTOCLAIM takes."""
    return b"ERR Invalid %s argument for %s" % (name, command)


def unrecognized_claim_option(option: bytes) -> bytes:
    """The refusal of an option that XCLAIM does not know."""
    return b"ERR Unrecognized XCLAIM option '%s'" % option


def no_input_key(name: bytes) -> bytes:
    """The refusal of a command over several sets that is given none."""
    return b"ERR at least 1 input key is needed for '%s' command" % name


def value_not_between(low: int, high: int) -> bytes:
    """The refusal of an integer beyond a command's own range."""
    return b"ERR value is out of range, value must between %d and %d" % (low, high)


def invalid_coordinates(longitude: float, latitude: float) -> bytes:
    """The refusal of a place that no geohash can hold."""
    return b"ERR invalid longitude,latitude pair %f,%f" % (longitude, latitude)


def stored_with_details(name: bytes) -> bytes:
    """The refusal to store what a search is also asked to describe."""
    return b"ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options" % name


def one_center_needed(name: bytes) -> bytes:
    """The refusal of a search without a centre."""
    return b"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %s" % name


def one_shape_needed(name: bytes) -> bytes:
    """The refusal of a search without a shape."""
    return b"ERR exactly one of BYRADIUS and BYBOX can be specified for %s" % name


REWRITE_IN_PROGRESS = b"ERR Background append only file rewriting already in progress"
REWRITE_FAILED = (
    b"ERR Can't execute an AOF background rewriting. Please check the server logs for more information."
)


def append_only_file_failed(reason: bytes) -> bytes:
    """A write that could not be kept, because the append-only file cannot be written."""
    return b"MISCONF Errors writing to the AOF file: " + reason


def transaction_discarded(refusal: bytes) -> bytes:
    """EXEC itself was refused: the text of that error without its general code."""
    return b"EXECABORT Transaction discarded because of: " + refusal.removeprefix(b"ERR ")


def no_subscriptions(name: bytes) -> bytes:
    """A caller that cannot take messages wants to listen."""
    return b"ERR %s isn't allowed for a DENY BLOCKING client" % name


def overlapping_prefix(prefix: bytes, other: bytes, which: bytes) -> bytes:
    """Of two prefixes of one client, one lies within the other."""
    return b"ERR Prefix '%s' overlaps with %s prefix '%s'. Prefixes for a single client must not overlap." % (
        prefix,
        which,
        other,
    )
