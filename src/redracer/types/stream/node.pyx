"""Nodes of a stream: listpacks byte for byte Redis's.

    live entries | deleted entries | fields of the master entry | field ... | 0
    flags | ms - master's ms | sequence - master's | value ... | elements before this one           with SAME_FIELDS
    flags | ms - ... | sequence - ... | fields | field | value | ... | elements before this one     without

The master entry holds the fields of the first one. The last element of an entry leads back to its flags, and the 0 ends the
way back. (Format: Redis Streams, https://redis.io/docs/latest/develop/data-types/streams/.)
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t

from redracer.core.listpack cimport Listpack, ListpackValue
from redracer.types.stream.id_map cimport Id

cdef enum:
    FIXED_ELEMENTS = 3              # of an entry: flags, time, sequence
    BATCH = 32                      # elements that are handed to a listpack at once


# --- writing

cdef struct Elements:               # on their way into a listpack
    ListpackValue values[BATCH]
    size_t count


cdef int flush(Listpack listpack, Elements* elements) except -1:
    listpack.append_values(elements.values, elements.count)
    elements.count = 0
    return 0


cdef inline int add_number(Listpack listpack, Elements* elements, int64_t number) except -1:
    if elements.count == BATCH:
        flush(listpack, elements)
    elements.values[elements.count].data = NULL
    elements.values[elements.count].integer = number
    elements.count += 1
    return 0


cdef inline int add_text(Listpack listpack, Elements* elements, bytes text) except -1:
    if elements.count == BATCH:
        flush(listpack, elements)
    elements.values[elements.count].data = PyBytes_AS_STRING(text)
    elements.values[elements.count].length = PyBytes_GET_SIZE(text)
    elements.count += 1
    return 0


cdef bint has_fields(Listpack listpack, list args, Py_ssize_t first_field) noexcept:
    """Whether the master entry's fields are those of the arguments: field, value, field..."""
    cdef size_t position = listpack.next(listpack.next(listpack.first()))
    cdef bytes field
    if number_at(listpack, position) != (len(args) - first_field) // 2:
        return False
    while first_field < len(args):
        position = listpack.next(position)
        field = <bytes>args[first_field]
        if not listpack.equals(position, PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field)):
            return False
        first_field += 2
    return True


cdef int append_entry(
    Listpack listpack, Id delta, bint same_fields, list args, Py_ssize_t first_field
) except -1:
    """Adds an entry to the end of a node; the counts are the caller's."""
    cdef Elements elements
    cdef Py_ssize_t at = first_field
    cdef int64_t fields = (len(args) - first_field) // 2
    elements.count = 0
    add_number(listpack, &elements, SAME_FIELDS if same_fields else 0)
    add_number(listpack, &elements, <int64_t>delta.ms)
    add_number(listpack, &elements, <int64_t>delta.seq)
    if not same_fields:
        add_number(listpack, &elements, fields)
    while at < len(args):
        if not same_fields:
            add_text(listpack, &elements, <bytes>args[at])
        add_text(listpack, &elements, <bytes>args[at + 1])
        at += 2
    add_number(listpack, &elements, FIXED_ELEMENTS + (fields if same_fields else fields * 2 + 1))
    return flush(listpack, &elements)


cdef Listpack made_node(list args, Py_ssize_t first_field):
    """A node with one entry, of which the master entry has its fields."""
    cdef Listpack listpack = Listpack.__new__(Listpack)
    cdef Elements elements
    cdef Id delta
    cdef Py_ssize_t at
    delta.ms = delta.seq = 0
    elements.count = 0
    add_number(listpack, &elements, 1)
    add_number(listpack, &elements, 0)
    add_number(listpack, &elements, (len(args) - first_field) // 2)
    for at in range(first_field, len(args), 2):
        add_text(listpack, &elements, <bytes>args[at])
    add_number(listpack, &elements, 0)
    flush(listpack, &elements)
    append_entry(listpack, delta, True, args, first_field)
    return listpack


cdef int change_counts(Listpack listpack, int64_t live, int64_t deleted) except -1:
    """Adds to the counts of a node. Raises MemoryError, with nothing changed: only one of the two ever grows."""
    cdef size_t position = listpack.first()
    if deleted:
        position = listpack.next(position)
        listpack.replace_integer(position, number_at(listpack, position) + deleted)
        position = listpack.first()
    if live:
        listpack.replace_integer(position, number_at(listpack, position) + live)
    return 0


# --- proving nodes from outside

cdef size_t skip_elements(Listpack listpack, size_t position, int64_t count) noexcept:
    """The position `count` elements on; 0 if there are not so many."""
    while count > 0 and position:
        position = listpack.next(position)
        count -= 1
    return position


cdef bint is_number(Listpack listpack, size_t position, int64_t* number) noexcept:
    return position != 0 and listpack.integer_at(position, number)


cdef size_t proven_entry(Listpack listpack, size_t position, int64_t master_count, int64_t* flags) noexcept:
    """The position of the last element of the entry that begins at `position`; 0 if it is not a right one."""
    cdef int64_t number, elements
    cdef int64_t fields = master_count
    if not is_number(listpack, position, flags):
        return 0
    for _ in range(FIXED_ELEMENTS - 1):
        position = listpack.next(position)
        if not is_number(listpack, position, &number):
            return 0
    position = listpack.next(position)
    elements = FIXED_ELEMENTS + fields
    if not flags[0] & SAME_FIELDS:
        if not is_number(listpack, position, &fields) or fields < 0 or fields > listpack.count():
            return 0
        position = listpack.next(position)
        elements = FIXED_ELEMENTS + 1 + 2 * fields
        fields *= 2
    position = skip_elements(listpack, position, fields)
    if not is_number(listpack, position, &number) or number != elements:
        return 0
    return position


cdef bint is_proven_node(Listpack listpack, int64_t* live) noexcept:
    """Whether a listpack is a node: header, entries, their flags and ways back, and the counts."""
    cdef int64_t deleted, fields, number, flags
    cdef int64_t found_live = 0, found_deleted = 0
    cdef size_t position = listpack.first()
    if not is_number(listpack, position, live):
        return False
    position = listpack.next(position)
    if not is_number(listpack, position, &deleted):
        return False
    position = listpack.next(position)
    if not is_number(listpack, position, &fields) or fields < 0 or fields > listpack.count():
        return False
    position = skip_elements(listpack, position, fields + 1)
    if not is_number(listpack, position, &number) or number != 0:
        return False
    position = listpack.next(position)
    while position:
        position = proven_entry(listpack, position, fields, &flags)
        if position == 0:
            return False
        found_deleted += flags & DELETED
        found_live += 1 - (flags & DELETED)
        position = listpack.next(position)
    return found_live == live[0] and found_deleted == deleted and found_live > 0
