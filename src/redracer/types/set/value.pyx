"""The value of a set in its three encodings, which are its value objects: nothing is around them.

    intset     Intset        integers only
    listpack   Listpack      members in the order in which they came
    hashtable  MemberTable

As Redis has them. A set begins as the smallest that its first members fit, grows into the next that fits over the limits
of its server's configuration, and never goes back, but where a new set is made of it (SPOP of nearly all, the STORE
commands).

Where a function may need another value object, it returns the one that the set is from then on.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

from redracer.core.clock cimport Clock
from redracer.core.element cimport Element, member_data, member_length
from redracer.core.entry cimport SET
from redracer.core.glob cimport glob_match
from redracer.core.intset cimport Intset
from redracer.core.keyspace cimport Keyspace
from redracer.core.listpack cimport Listpack, ListpackValue, listpack_integer
from redracer.core.member_table cimport MemberTable
from redracer.core.numbers cimport INT64_TEXT, format_int64
from redracer.core.random cimport next_random

import os

cdef extern from "python_hash.h":
    uint64_t hash_buffer(const char* data, Py_ssize_t length)

cdef enum:
    INTSET_LIMIT = 1 << 30          # members: Redis's limit, whatever the configuration says
    FEW_REMAIN = 5                  # a new set is made of what stays, if five times as much goes

cdef uint64_t random_state = int.from_bytes(os.urandom(8), "little")


@cython.final
cdef class SetLimits:
    """value.pyi has the contract."""

    def __init__(self, Clock clock not None, Py_ssize_t integers, Py_ssize_t entries, Py_ssize_t value):
        self.clock = clock
        self.integers = integers
        self.entries = entries
        self.value = value


cdef SetLimits limits_in_use = None


cpdef SetLimits current_limits(Keyspace database):
    if limits_in_use is not None and limits_in_use.clock is database.clock:
        return limits_in_use
    return None


cpdef object use_limits(SetLimits limits):
    global limits_in_use
    limits_in_use = limits


def encoding_of(object value):
    if type(value) is MemberTable:
        return b"hashtable"
    return b"intset" if type(value) is Intset else b"listpack"


cdef inline bytes integer_text(int64_t value):
    cdef char digits[INT64_TEXT]
    return PyBytes_FromStringAndSize(digits, format_int64(value, digits))


cdef inline size_t position_of(Listpack packed, const char* data, size_t length) noexcept:
    return packed.search(data, length, 0, 0)


# --- reading

cpdef Py_ssize_t count_members(object value) except -1:
    if type(value) is MemberTable:
        return (<MemberTable>value).table.count
    if type(value) is Intset:
        return (<Intset>value).count()
    return (<Listpack?>value).count()


cpdef bint has_member(object value, bytes member) except -1:
    if type(value) is MemberTable:
        return (<MemberTable>value).contains(member)
    return has_buffer(value, PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member))


cdef bint has_buffer(object value, const char* data, size_t length) except -1:
    """`has_member` for bytes that are no object."""
    cdef int64_t integer
    if type(value) is MemberTable:
        return (<MemberTable>value).find_buffer(data, length) != NULL
    if type(value) is Intset:
        return listpack_integer(data, length, &integer) and (<Intset>value).contains(integer)
    return position_of(value, data, length) != 0


cpdef list members_of(object value):
    if type(value) is MemberTable:
        return (<MemberTable>value).members()
    if type(value) is Intset:
        return (<Intset>value).members()
    return (<Listpack?>value).to_list()


cdef bint next_member(object value, MemberWalk* walk) except -1:
    """Goes to the next member; returns whether there is one."""
    cdef Element* element
    if type(value) is MemberTable:
        element = (<MemberTable>value).next_element(&walk.iterator)
        if element == NULL:
            return False
        walk.data = member_data(element)
        walk.length = member_length(element)
        return True
    if type(value) is Intset:
        if <Py_ssize_t>walk.position >= (<Intset>value).count():
            return False
        show_integer(walk, (<Intset>value).at(walk.position))
        walk.position += 1
        return True
    return next_packed(value, walk)


cdef bint next_packed(Listpack packed, MemberWalk* walk) noexcept:
    cdef ListpackValue entry
    walk.position = packed.next(walk.position) if walk.position else packed.first()
    if not walk.position:
        return False
    packed.read(walk.position, &entry)
    if entry.data == NULL:
        show_integer(walk, entry.integer)
    else:
        walk.data = entry.data
        walk.length = entry.length
    return True


cdef void show_integer(MemberWalk* walk, int64_t integer) noexcept:
    walk.data = walk.digits
    walk.length = format_int64(integer, walk.digits)


def scan_members(object value, cursor, Py_ssize_t count, bytes pattern):
    cdef MemberWalk walk
    cdef list found
    if type(value) is MemberTable:
        return (<MemberTable>value).scan(cursor, count, pattern)
    if pattern is None:
        return 0, members_of(value)
    found = []
    memset(&walk, 0, sizeof(walk))
    while next_member(value, &walk):
        if glob_match(PyBytes_AS_STRING(pattern), PyBytes_GET_SIZE(pattern), walk.data, walk.length, False):
            found.append(PyBytes_FromStringAndSize(walk.data, walk.length))
    return 0, found


cdef class MembersOf:
    """A set of any encoding as a MemberCollection (core/member_collection.py)."""
    cdef object value

    def __init__(self, value):
        self.value = value

    def __len__(self):
        return count_members(self.value)

    def members(self):
        return members_of(self.value)

    def contains(self, bytes member not None):
        return has_member(self.value, member)


# --- chance

cpdef bytes random_member(object value):
    cdef size_t position
    if type(value) is MemberTable:
        return (<MemberTable>value).random()
    if type(value) is Intset:
        return integer_text((<Intset>value).random())
    position = (<Listpack?>value).random_position(1, &random_state)
    return (<Listpack>value).value_at(position) if position else None


def draw_members(object value, Py_ssize_t count, bint distinct):
    if distinct and count >= count_members(value):
        return members_of(value)
    if type(value) is Intset:
        drawn = value.draw_distinct(count) if distinct else value.draw(count)
        return [integer_text(integer) for integer in drawn]
    return value.draw_distinct(count) if distinct else value.draw(count)


cpdef bytes pop_member(object value):
    cdef Intset integers
    cdef Listpack packed
    cdef bytes member
    cdef int64_t integer
    cdef size_t position
    if type(value) is MemberTable:
        return (<MemberTable>value).pop()
    if type(value) is Intset:
        integers = value
        integer = integers.random()
        integers.remove(integer)
        return integer_text(integer)
    packed = value
    position = packed.random_position(1, &random_state)
    if not position:
        return None
    member = packed.value_at(position)
    packed.remove_at(position, 1)
    return member


def pop_members(object value, Py_ssize_t count, SetLimits limits not None):
    cdef Py_ssize_t remaining = count_members(value) - count
    cdef object kept
    cdef list popped
    if remaining * FEW_REMAIN > count or type(value) is not MemberTable:
        if type(value) is MemberTable:
            return value, [pop_member(value) for _ in range(count)]
        popped = draw_members(value, count, True)
        for member in popped:
            remove_member(value, member)
        return value, popped
    kept = Listpack.__new__(Listpack)
    for _ in range(remaining):
        kept = added_to(kept, pop_member(value), limits)
    return kept, members_of(value)


# --- writing

cpdef Py_ssize_t add_members(Keyspace database, bytes key, list args, Py_ssize_t start, SetLimits limits) except -1:
    cdef object value = database.get_object(key, SET, False)
    cdef object before = value
    cdef Py_ssize_t count = len(args) - start
    cdef Py_ssize_t new = 0
    cdef Py_ssize_t index
    cdef bytes member
    cdef bint added
    if value is None:
        value = new_set(args[start], count, limits)
    elif type(value) is Listpack and count > limits.entries or type(value) is Intset and count > limits.integers:
        value = as_table(value)
    for index in range(start, len(args)):
        member = <bytes?>args[index]
        if type(value) is MemberTable:
            new += (<MemberTable>value).add(member)
            continue
        added = False
        value = add_buffer(value, PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member), limits, &added)
        new += added
    if value is not before:
        database.set_object(key, SET, value)
    return new


cdef object new_set(bytes member, Py_ssize_t count, SetLimits limits):
    """An empty set for `count` members like this one."""
    cdef int64_t integer
    if count <= limits.integers and listpack_integer(PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member), &integer):
        return Intset.__new__(Intset)
    return Listpack.__new__(Listpack) if count <= limits.entries else MemberTable.__new__(MemberTable)


cdef object added_to(object value, bytes member, SetLimits limits):
    cdef bint added = False
    return add_buffer(value, PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member), limits, &added)


cdef object add_buffer(object value, const char* data, size_t length, SetLimits limits, bint* added):
    """Adds a member; `added` tells whether it is new. Returns the value that the set is from then on."""
    cdef int64_t integer
    cdef MemberTable table
    if type(value) is Intset:
        if listpack_integer(data, length, &integer):
            added[0] = (<Intset>value).add(integer)
            if added[0] and (<Intset>value).count() > min(limits.integers, <Py_ssize_t>INTSET_LIMIT):
                return as_table(value)
            return value
        value = widened(value, length, limits)
    if type(value) is Listpack:
        if position_of(value, data, length):
            added[0] = False
            return value
        if fits(value, length, limits):
            (<Listpack>value).insert_before(0, data, length)
            added[0] = True
            return value
        value = as_table(value)
    table = value
    added[0] = table.add_buffer(data, length, hash_buffer(data, length))
    return value


cdef inline bint fits(Listpack packed, size_t length, SetLimits limits) noexcept:
    """Whether a listpack may take one member more, of that length."""
    return packed.count() < limits.entries and <Py_ssize_t>length <= limits.value and packed.has_room(length)


cdef object widened(Intset integers, size_t length, SetLimits limits):
    """The set in an encoding that can take a member of that length which is no integer."""
    cdef Py_ssize_t count = integers.count()
    cdef char digits[INT64_TEXT]
    cdef Py_ssize_t longest = 0
    cdef Listpack packed
    cdef Py_ssize_t index
    if count:
        longest = max(format_int64(integers.at(0), digits), format_int64(integers.at(count - 1), digits))
    if count >= limits.entries or longest > limits.value or <Py_ssize_t>length > limits.value:
        return as_table(integers)
    packed = Listpack.__new__(Listpack)
    for index in range(count):
        packed.insert_integer(0, integers.at(index))
    return packed


cdef MemberTable as_table(object value):
    """A table with the same members."""
    cdef MemberTable table = MemberTable.__new__(MemberTable)
    cdef MemberWalk walk
    memset(&walk, 0, sizeof(walk))
    while next_member(value, &walk):
        table.add_buffer(walk.data, walk.length, hash_buffer(walk.data, walk.length))
    return table


cpdef bint remove_member(object value, bytes member) except -1:
    cdef int64_t integer
    cdef size_t position
    if type(value) is MemberTable:
        return (<MemberTable>value).remove(member)
    if type(value) is Intset:
        return listpack_integer(PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member), &integer) and (
            (<Intset>value).remove(integer)
        )
    position = position_of(value, PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member))
    if position:
        (<Listpack>value).remove_at(position, 1)
    return position != 0
