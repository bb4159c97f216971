"""Streams in RDB files and DUMP payloads.

    nodes: the ID that a node's entries count from (a string of 16 bytes, big-endian), its listpack
    entries | last ID | from type 2 on: first ID, highest deleted ID, entries ever added             all lengths
    groups: name, last ID, from type 2 on entries read
            pending entries: ID (16 bytes), delivery time (8), deliveries
            consumers: name, seen time (8), from type 3 on active time (8), pending IDs (16 bytes each)

Before each row stands its number of items. What a node holds is proved by EntryLog.load_node.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint64_t

from redracer.core.listpack cimport Listpack
from redracer.core.rdb_codec cimport RDB_STREAM_LISTPACKS, RDB_STREAM_LISTPACKS_2, RDB_STREAM_LISTPACKS_3, RdbCodec
from redracer.core.rdb_reader cimport RdbReader, RdbText, corrupt, take
from redracer.core.rdb_writer cimport RdbWriter, put_raw
from redracer.types.stream.group cimport Consumer, Group, Pending
from redracer.types.stream.id_map cimport Id, IdMap, IdPosition, compare_ids, first_item, item_at, last_item, next_item
from redracer.types.stream.stream_id cimport StreamId, stream_id
from redracer.types.stream.value cimport Stream

cdef enum:
    ID_SIZE = 16                    # bytes
    UNKNOWN = -1                    # in place of a count
    NEVER = -1                      # in place of a time
    ACTIVE_TIME_VERSION = 11        # of the RDB format that has the times when consumers were active


cdef class StreamCodec(RdbCodec):
    """Values are Streams."""

    reads = (RDB_STREAM_LISTPACKS, RDB_STREAM_LISTPACKS_2, RDB_STREAM_LISTPACKS_3)

    cdef int rdb_type(self, RdbWriter writer, PyObject* value) except -1:
        return RDB_STREAM_LISTPACKS_3 if writer.version >= ACTIVE_TIME_VERSION else RDB_STREAM_LISTPACKS_2

    cdef int write(self, RdbWriter writer, PyObject* value) except -1:
        cdef Stream stream = <Stream>value
        cdef Group group
        cdef list groups = stream.sorted_groups()
        write_nodes(writer, &stream.nodes)
        writer.put_length(stream.length)
        write_id(writer, stream.last)
        write_id(writer, stream.first)
        write_id(writer, stream.highest_deleted)
        writer.put_length(stream.entries_added)
        writer.put_length(len(groups))
        for group in groups:
            write_group(writer, group)
        return 0

    cdef object read(self, RdbReader reader, int rdb_type):
        cdef Stream stream = Stream()
        cdef uint64_t count
        read_nodes(reader, stream)
        read_counts(reader, stream, rdb_type)
        count = reader.read_length()
        while count:
            read_group(reader, stream, rdb_type)
            count -= 1
        return stream


# --- writing

cdef int write_id(RdbWriter writer, Id id) except -1:
    writer.put_length(id.ms)
    return writer.put_length(id.seq)


cdef void id_to_key(Id id, unsigned char* key) noexcept nogil:
    cdef int at
    for at in range(8):
        key[at] = id.ms >> (56 - 8 * at) & 0xff
        key[8 + at] = id.seq >> (56 - 8 * at) & 0xff


cdef int write_nodes(RdbWriter writer, const IdMap* nodes) except -1:
    cdef unsigned char key[ID_SIZE]
    cdef IdPosition position
    cdef void* node
    cdef bint there = first_item(nodes, &position)
    writer.put_length(nodes.count)
    while there:
        id_to_key(item_at(nodes, position).id, key)
        node = item_at(nodes, position).value
        writer.put_string(key, ID_SIZE)
        writer.put_string((<Listpack>node).data, (<Listpack>node).size_in_bytes())
        there = next_item(nodes, &position)
    return 0


cdef int write_pending(RdbWriter writer, const IdMap* pending, bint with_state) except -1:
    cdef unsigned char key[ID_SIZE]
    cdef IdPosition position
    cdef Pending* entry
    cdef bint there = first_item(pending, &position)
    writer.put_length(pending.count)
    while there:
        id_to_key(item_at(pending, position).id, key)
        put_raw(writer, key, ID_SIZE)
        if with_state:
            entry = <Pending*>item_at(pending, position).value
            writer.put_milliseconds(entry.delivered_at)
            writer.put_length(entry.deliveries)
        there = next_item(pending, &position)
    return 0


cdef int write_group(RdbWriter writer, Group group) except -1:
    cdef Consumer consumer
    writer.put_string(PyBytes_AS_STRING(group.name), PyBytes_GET_SIZE(group.name))
    write_id(writer, group.last)
    writer.put_length(<uint64_t>group.entries_read)
    write_pending(writer, &group.pending, True)
    writer.put_length(len(group.consumers))
    for consumer in group.sorted_consumers():
        writer.put_string(PyBytes_AS_STRING(consumer.name), PyBytes_GET_SIZE(consumer.name))
        writer.put_milliseconds(consumer.seen_at)
        if writer.version >= ACTIVE_TIME_VERSION:
            writer.put_milliseconds(consumer.active_at)
        write_pending(writer, &consumer.pending, False)
    return 0


# --- reading

cdef int read_id(RdbReader reader, Id* id) except -1:
    id.ms = reader.read_length()
    id.seq = reader.read_length()
    return 0


cdef int64_t read_number(RdbReader reader, int64_t least) except? -2:
    """A count, which is signed in memory."""
    cdef int64_t number = <int64_t>reader.read_length()
    if number < least:
        raise corrupt(reader, "Stream integrity check failed: a number is too large")
    return number


cdef int64_t read_time(RdbReader reader, int64_t least) except? -2:
    cdef int64_t time = reader.read_milliseconds()
    if time < least:
        raise corrupt(reader, "Stream integrity check failed: a time is negative")
    return time


cdef Id key_to_id(const unsigned char* key) noexcept nogil:
    cdef Id id
    cdef int at
    id.ms = id.seq = 0
    for at in range(8):
        id.ms = id.ms << 8 | key[at]
        id.seq = id.seq << 8 | key[8 + at]
    return id


cdef int read_nodes(RdbReader reader, Stream stream) except -1:
    cdef RdbText text
    cdef StreamId master
    cdef uint64_t count = reader.read_length()
    while count:
        reader.read_text(&text)
        if text.length != ID_SIZE:
            raise corrupt(reader, "Stream integrity check failed: the ID of a node")
        master = stream_id(key_to_id(<const unsigned char*>text.data))
        try:
            stream.load_node(master, reader.read_string())
        except ValueError as error:
            raise corrupt(reader, f"Stream listpack integrity check failed: {error}") from None
        count -= 1
    return 0


cdef int read_counts(RdbReader reader, Stream stream, int rdb_type) except -1:
    """Reads what is known of all entries. Their number and the first ID are known already."""
    cdef Id ignored
    cdef uint64_t length = reader.read_length()
    if length and stream.nodes.count == 0:
        raise corrupt(reader, "Stream integrity check failed: it has entries, and no nodes")
    read_id(reader, &stream.last)
    if ends_behind(stream, stream.last):
        raise corrupt(reader, "Stream integrity check failed: the last ID is before an entry's")
    stream.refresh_first()
    stream.entries_added = stream.length
    if rdb_type != RDB_STREAM_LISTPACKS:
        read_id(reader, &ignored)
        read_id(reader, &stream.highest_deleted)
        stream.entries_added = read_number(reader, 0)
    return 0


cdef bint ends_behind(Stream stream, Id id) except -1:
    """Whether a node or an entry comes after `id`."""
    cdef IdPosition position
    cdef StreamId last = stream.last_entry_id()
    if last is None or not last_item(&stream.nodes, &position):
        return False
    return compare_ids(last.value, id) > 0 or compare_ids(item_at(&stream.nodes, position).id, id) > 0


cdef int read_group(RdbReader reader, Stream stream, int rdb_type) except -1:
    cdef bytes name = reader.read_string()
    cdef Group group
    cdef Id last
    cdef int64_t entries_read
    cdef dict pending
    cdef uint64_t count
    read_id(reader, &last)
    if rdb_type != RDB_STREAM_LISTPACKS:
        entries_read = read_number(reader, UNKNOWN)
    else:
        entries_read = stream.entries_up_to(last)
    group = stream.add_group(name, stream_id(last), entries_read)
    if group is None:
        raise corrupt(reader, "Duplicate consumer group of a stream detected")
    pending = read_pending(reader)
    count = reader.read_length()
    while count:
        read_consumer(reader, group, pending, rdb_type)
        count -= 1
    if pending:
        raise corrupt(reader, "Stream pending entry without a consumer")
    return 0


cdef bytes read_key(RdbReader reader):
    return PyBytes_FromStringAndSize(<const char*>take(reader, ID_SIZE), ID_SIZE)


cdef dict read_pending(RdbReader reader):
    """The pending entries of a group: key -> (delivered at, deliveries)."""
    cdef dict pending = {}
    cdef bytes key
    cdef uint64_t count = reader.read_length()
    while count:
        key = read_key(reader)
        if key in pending:
            raise corrupt(reader, "Duplicate pending entry of a consumer group detected")
        delivered_at = read_time(reader, 0)
        pending[key] = (delivered_at, read_number(reader, 0))
        count -= 1
    return pending


cdef int read_consumer(RdbReader reader, Group group, dict pending, int rdb_type) except -1:
    """Reads a consumer, which takes its entries out of `pending`."""
    cdef bytes name = reader.read_string()
    cdef Consumer consumer = group.add_consumer(name, read_time(reader, 0))
    cdef bytes key
    cdef Id id
    cdef uint64_t count
    if consumer is None:
        raise corrupt(reader, "Duplicate stream consumer detected")
    consumer.active_at = consumer.seen_at
    if rdb_type == RDB_STREAM_LISTPACKS_3:
        consumer.active_at = read_time(reader, NEVER)
    count = reader.read_length()
    while count:
        key = read_key(reader)
        id = key_to_id(<const unsigned char*>PyBytes_AS_STRING(key))
        state = pending.pop(key, None)
        if state is None and group.find(id) != NULL:
            raise corrupt(reader, "Stream consumer PEL entry already has a consumer assigned")
        if state is None:
            raise corrupt(reader, "Stream consumer PEL entry is not its group's")
        delivered_at, deliveries = state
        group.add(id, consumer, delivered_at, deliveries)
        count -= 1
    return 0


CODEC = StreamCodec()
