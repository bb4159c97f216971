"""The value of a hash in its three encodings, which are its value objects: nothing is around them, because an object
more would cost a small hash a third of its memory.

    listpack    Listpack          field, value, field, value
    listpackex  ExpiringListpack  field, value, expiry in ms (0: none), ordered by expiry, those without one last
    hashtable   FieldTable        with an expiry for each field that has one

All as Redis has them, so that the packed ones are the bytes of an RDB file. A hash grows into a table over the limits of
its server's configuration, and becomes a listpackex with the first expiry; it never goes back.

Reading functions take the value, `set_fields` the key, because it may put another value there. A field that has
expired is there until somebody removes it: commands/expiry do (they propagate it), reading functions pass it over.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t

from redracer.core.clock cimport Clock
from redracer.core.entry cimport HASH
from redracer.core.glob cimport glob_match
from redracer.core.keyspace cimport Keyspace
from redracer.core.listpack cimport Listpack, ListpackValue
from redracer.core.member_table cimport FieldTable
from redracer.core.numbers cimport INT64_TEXT, format_int64

cdef enum:
    NO_EXPIRY = 0                   # in a listpackex
    NEVER = -1
    MISSING = -2


@cython.final
cdef class HashLimits:
    """value.pyi has the contract."""

    def __init__(self, Clock clock not None, Py_ssize_t entries, Py_ssize_t value):
        self.clock = clock
        self.entries = entries
        self.value = value


@cython.final
@cython.no_gc
cdef class ExpiringListpack(Listpack):
    """A listpack of triples."""


cdef HashLimits limits_in_use = None


cpdef HashLimits current_limits(Keyspace database):
    if limits_in_use is not None and limits_in_use.clock is database.clock:
        return limits_in_use
    return None


cpdef object use_limits(HashLimits limits):
    global limits_in_use
    limits_in_use = limits


def encoding_of(object value):
    if type(value) is FieldTable:
        return b"hashtable"
    return b"listpackex" if type(value) is ExpiringListpack else b"listpack"


# --- one field of a packed hash

cdef inline size_t width_of(Listpack packed) noexcept:
    """The entries that a field takes."""
    return 3 if type(packed) is ExpiringListpack else 2


cdef inline size_t position_of(Listpack packed, bytes field) noexcept:
    """Where the field is, or 0."""
    return packed.search(PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field), 0, width_of(packed) - 1)


cdef inline int64_t expiry_at(Listpack packed, size_t position) noexcept:
    """The expiry of the field at a position, or NO_EXPIRY."""
    cdef int64_t expiry = NO_EXPIRY
    if type(packed) is ExpiringListpack:
        packed.integer_at(packed.next(packed.next(position)), &expiry)
    return expiry


cdef inline bint is_expired(int64_t expiry, int64_t now) noexcept:
    return expiry != NO_EXPIRY and expiry <= now


cdef inline size_t living_position(Listpack packed, bytes field, int64_t now) noexcept:
    """Where the field is, or 0 if it is missing or expired."""
    cdef size_t position = position_of(packed, field)
    return position if position and not is_expired(expiry_at(packed, position), now) else 0


cdef int insert_field(
    Listpack packed, size_t position, const char* field, size_t field_length, const char* data, size_t length,
    int64_t expiry,
) except -1:
    """Puts a field before `position` (0: at the end), or leaves the listpack as it was and raises MemoryError."""
    cdef size_t start = packed.insert_before(position, field, field_length)
    cdef size_t inserted = 1
    try:
        position = packed.insert_after(start, data, length)
        inserted = 2
        if type(packed) is ExpiringListpack:
            packed.insert_integer(packed.next(position), expiry)
    except MemoryError:
        packed.remove_at(start, inserted)
        raise
    return 0


cdef size_t place_for(Listpack packed, int64_t expiry) noexcept:
    """Where a field of that expiry belongs: before the first that expires no earlier, or never. 0: at the end."""
    cdef size_t position = packed.first() if expiry != NO_EXPIRY else 0
    cdef int64_t other
    while position:
        other = expiry_at(packed, position)
        if other == NO_EXPIRY or other >= expiry:
            break
        position = packed.next(packed.next(packed.next(position)))
    return position


cdef int move_field(ExpiringListpack packed, bytes field, size_t position, int64_t expiry) except -1:
    """Gives the field at `position` another expiry, and with it another place."""
    cdef bytes data = packed.value_at(packed.next(position))
    packed.remove_at(position, 3)
    return insert_field(
        packed, place_for(packed, expiry), PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field),
        PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), expiry,
    )


# --- reading

cpdef bytes get_field(object value, bytes field, int64_t now):
    cdef Listpack packed
    cdef size_t position
    if type(value) is FieldTable:
        return (<FieldTable>value).get(field, now)
    packed = value
    position = living_position(packed, field, now)
    return packed.value_at(packed.next(position)) if position else None


cpdef bint has_field(object value, bytes field, int64_t now) except -1:
    if type(value) is FieldTable:
        return (<FieldTable>value).has(field, now)
    return living_position(value, field, now) != 0


cpdef Py_ssize_t field_length(object value, bytes field, int64_t now) except -1:
    cdef Listpack packed
    cdef ListpackValue found
    cdef char digits[INT64_TEXT]
    cdef size_t position
    if type(value) is FieldTable:
        return (<FieldTable>value).value_length(field, now)
    packed = value
    position = living_position(packed, field, now)
    if not position:
        return 0
    packed.read(packed.next(position), &found)
    return found.length if found.data != NULL else format_int64(found.integer, digits)


cpdef Py_ssize_t count_fields(object value) except -1:
    if type(value) is FieldTable:
        return (<FieldTable>value).table.count
    return (<Listpack?>value).count() // <Py_ssize_t>width_of(value)


cdef list packed_parts(Listpack packed, bint with_fields, bint with_values, int64_t now, bytes pattern):
    """Of the fields that live and match, the names, the values, or both in turn."""
    cdef list found = []
    cdef size_t position = packed.first()
    cdef size_t at_value, after
    while position:
        at_value = packed.next(position)
        after = packed.next(at_value)
        if not is_expired(expiry_at(packed, position), now) and (pattern is None or matches(packed, position, pattern)):
            if with_fields:
                found.append(packed.value_at(position))
            if with_values:
                found.append(packed.value_at(at_value))
        position = packed.next(after) if type(packed) is ExpiringListpack else after
    return found


cdef bint matches(Listpack packed, size_t position, bytes pattern) noexcept:
    cdef ListpackValue entry
    cdef char digits[INT64_TEXT]
    packed.read(position, &entry)
    if entry.data == NULL:
        entry.length = format_int64(entry.integer, digits)
        entry.data = digits
    return glob_match(PyBytes_AS_STRING(pattern), PyBytes_GET_SIZE(pattern), entry.data, entry.length, False)


cpdef list fields_of(object value, int64_t now):
    if type(value) is FieldTable:
        return (<FieldTable>value).fields(now)
    return packed_parts(value, True, False, now, None)


cpdef list values_of(object value, int64_t now):
    if type(value) is FieldTable:
        return (<FieldTable>value).values(now)
    return packed_parts(value, False, True, now, None)


cpdef list items_of(object value, int64_t now):
    if type(value) is FieldTable:
        return (<FieldTable>value).items(now)
    if type(value) is Listpack:
        return (<Listpack>value).to_list()
    return packed_parts(value, True, True, now, None)


def draw_fields(object value, Py_ssize_t count, bint with_values, bint distinct):
    cdef Py_ssize_t width, index
    cdef list groups, found
    if type(value) is FieldTable:
        if distinct:
            return (<FieldTable>value).draw_distinct(count, with_values)
        return (<FieldTable>value).draw(count, with_values)
    width = width_of(value)
    if distinct:
        groups = (<Listpack>value).draw_distinct(count, width)
    else:
        groups = (<Listpack>value).draw(count, width)
    if width == 2 and with_values:
        return groups
    found = []
    for index in range(0, len(groups), width):
        found.append(groups[index])
        if with_values:
            found.append(groups[index + 1])
    return found


def scan_fields(object value, cursor, Py_ssize_t count, bytes pattern, bint with_values, int64_t now):
    if type(value) is FieldTable:
        return (<FieldTable>value).scan(cursor, count, pattern, with_values, now)
    return 0, packed_parts(value, True, with_values, now, pattern)


# --- writing

cpdef Py_ssize_t set_fields(
    Keyspace database, bytes key, list args, Py_ssize_t start, HashLimits limits, bint keep_expiry=False
) except -1:
    cdef object value = database.get_object(key, HASH, False)
    cdef object before = value
    cdef Py_ssize_t created = 0
    cdef Py_ssize_t index
    cdef bint is_new
    if value is None:
        value = Listpack.__new__(Listpack)
    if type(value) is not FieldTable and exceeds(value, args, start, limits):
        value = as_table(value)
    for index in range(start, len(args) - 1, 2):
        if type(value) is FieldTable:
            is_new = (<FieldTable>value).set(args[index], args[index + 1], keep_expiry)
        else:
            is_new = set_packed(value, args[index], args[index + 1], keep_expiry)
            if is_new and count_fields(value) > limits.entries:
                value = as_table(value)
        created += is_new
    if value is not before:
        database.set_object(key, HASH, value)
    return created


cdef bint exceeds(Listpack packed, list args, Py_ssize_t start, HashLimits limits) except -1:
    """Whether these fields and values make a packed hash a table: they are too many, one is too long, or they would not
    fit a listpack."""
    cdef Py_ssize_t index, length
    cdef Py_ssize_t total = 0
    if (len(args) - start) // 2 > limits.entries:
        return True
    for index in range(start, len(args)):
        length = PyBytes_GET_SIZE(<bytes?>args[index])
        if length > limits.value:
            return True
        total += length
    return not packed.has_room(total)


cdef bint set_packed(Listpack packed, bytes field, bytes data, bint keep_expiry) except -1:
    """Returns whether the field is new."""
    cdef size_t position = position_of(packed, field)
    cdef size_t at_value
    if not position:
        insert_field(
            packed, 0, PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field), PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data),
            NO_EXPIRY,
        )
        return True
    at_value = packed.next(position)
    packed.replace_at(at_value, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    if not keep_expiry and expiry_at(packed, position) != NO_EXPIRY:
        move_field(packed, field, position, NO_EXPIRY)
    return False


cdef FieldTable as_table(Listpack packed):
    """A table with the same content."""
    cdef FieldTable table = FieldTable()
    cdef size_t position = packed.first()
    cdef size_t at_value
    cdef int64_t expiry
    cdef bytes field
    while position:
        at_value = packed.next(position)
        field = packed.value_at(position)
        table.set(field, packed.value_at(at_value))
        expiry = expiry_at(packed, position)
        if expiry != NO_EXPIRY:
            table.set_expiry(field, expiry)
        position = packed.next(at_value)
        if type(packed) is ExpiringListpack:
            position = packed.next(position)
    return table


cpdef bint remove_field(object value, bytes field) except -1:
    cdef Listpack packed
    cdef size_t position
    if type(value) is FieldTable:
        return (<FieldTable>value).remove(field)
    packed = value
    position = position_of(packed, field)
    if position:
        packed.remove_at(position, width_of(packed))
    return position != 0


# --- expiries

cpdef int64_t next_expiry(object value) except? -2:
    cdef int64_t expiry = NO_EXPIRY
    if type(value) is FieldTable:
        return (<FieldTable>value).next_expiry()
    if type(value) is ExpiringListpack and (<Listpack>value).first():
        expiry = expiry_at(value, (<Listpack>value).first())
    return expiry if expiry != NO_EXPIRY else NEVER


cpdef int64_t expiry_of(object value, bytes field) except? -3:
    cdef size_t position
    cdef int64_t expiry
    if type(value) is FieldTable:
        return (<FieldTable>value).expiry_of(field)
    position = position_of(value, field)
    if not position:
        return MISSING
    expiry = expiry_at(value, position)
    return expiry if expiry != NO_EXPIRY else NEVER


def with_expiries(object value):
    cdef ExpiringListpack expiring
    cdef Listpack packed
    cdef size_t position
    cdef Py_ssize_t count
    if type(value) is not Listpack:
        return value
    expiring = ExpiringListpack()
    packed = value
    expiring.merge(packed)
    position = expiring.first()
    for count in range(packed.count() // 2):
        position = expiring.next(expiring.next(position))
        position = expiring.insert_integer(position, NO_EXPIRY)
        position = expiring.next(position)
    return expiring


cpdef bint set_expiry(object value, bytes field, int64_t expire_at) except -1:
    cdef size_t position
    if type(value) is FieldTable:
        return (<FieldTable>value).set_expiry(field, expire_at)
    if type(value) is not ExpiringListpack:
        raise TypeError("a listpack has no expiries")
    position = position_of(value, field)
    if position and expiry_at(value, position) != expire_at:
        move_field(value, field, position, expire_at)
    return position != 0


cpdef bint persist(object value, bytes field) except -1:
    cdef size_t position
    if type(value) is FieldTable:
        return (<FieldTable>value).persist(field)
    position = position_of(value, field)
    if not position or expiry_at(value, position) == NO_EXPIRY:
        return False
    move_field(value, field, position, NO_EXPIRY)
    return True


def take_expired(object value, int64_t now, Py_ssize_t limit):
    cdef list taken = []
    cdef Listpack packed
    if type(value) is FieldTable:
        return (<FieldTable>value).take_expired(now, limit)
    packed = value
    while limit > len(taken) and packed.first() and is_expired(expiry_at(packed, packed.first()), now):
        taken.append(packed.value_at(packed.first()))
        packed.remove_at(packed.first(), 3)
    return taken
