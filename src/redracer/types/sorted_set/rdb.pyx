"""Sorted sets in RDB files and DUMP payloads: a listpack as it is, or members and scores, the highest first.

Older forms have scores as text, or are ziplists.
"""

from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from libc.math cimport isnan
from libc.stdint cimport uint64_t

from redracer.core.element cimport (
    HAS_SCORE, Element, element_hash, element_member, element_score, free_element, member_data, member_length,
    new_element, set_element_score,
)
from redracer.core.listpack cimport Listpack, ListpackValue
from redracer.core.numbers cimport INT64_TEXT, format_int64, parse_double_text
from redracer.core.packed_blocks cimport has_duplicates, read_listpack, read_ziplist
from redracer.core.ranked_tree cimport Position, position_element, position_previous
from redracer.core.rdb_codec cimport RDB_ZSET, RDB_ZSET_2, RDB_ZSET_LISTPACK, RDB_ZSET_ZIPLIST, RdbCodec
from redracer.core.rdb_reader cimport RdbReader, RdbText, corrupt
from redracer.core.rdb_writer cimport RdbWriter
from redracer.core.sorted_tree cimport SortedMembers
from redracer.types.sorted_set.value cimport SortedSet

cdef enum:
    PAIR = 2                        # entries of a member in a listpack
    FIRST_CAPACITY = 16             # elements


cdef class SortedSetCodec(RdbCodec):
    """Values are SortedSets."""

    reads = (RDB_ZSET, RDB_ZSET_2, RDB_ZSET_ZIPLIST, RDB_ZSET_LISTPACK)

    cdef int rdb_type(self, RdbWriter writer, PyObject* value) except -1:
        return RDB_ZSET_LISTPACK if is_small(value) else RDB_ZSET_2

    cdef int write(self, RdbWriter writer, PyObject* value) except -1:
        if is_small(value):
            return writer.put_string((<Listpack>value).data, (<Listpack>value).size_in_bytes())
        return write_members(writer, (<SortedSet>value).large)

    cdef object read(self, RdbReader reader, int rdb_type):
        cdef SortedSet members = SortedSet.__new__(SortedSet)
        if rdb_type == RDB_ZSET or rdb_type == RDB_ZSET_2:
            read_members(reader, members, rdb_type == RDB_ZSET)
            return members
        if rdb_type == RDB_ZSET_LISTPACK:
            read_listpack(reader, members, PAIR, "Zset")
        else:
            read_ziplist(reader, members, PAIR, "Zset")
        if not has_scores(members):
            raise corrupt(reader, "Zset integrity check failed: a score is not a number")
        if reader.sanitize and (has_duplicates(members, PAIR) or not is_sorted(members)):
            raise corrupt(reader, "Zset integrity check failed: duplicates, or not sorted")
        if members.length() > reader.setting("zset-max-listpack-entries"):
            members.convert()
        return members


cdef inline bint is_small(PyObject* value) noexcept:
    return (<SortedSet>value).large is None


cdef int write_members(RdbWriter writer, SortedMembers large) except -1:
    cdef Position at
    cdef bint there = large.seek(<Py_ssize_t>large.table.count - 1, &at)
    writer.put_length(large.table.count)
    while there:
        writer.put_string(member_data(position_element(&at)), member_length(position_element(&at)))
        writer.put_double(element_score(position_element(&at)))
        there = position_previous(&at)
    return 0


# --- proving packed sets

cdef bint has_scores(SortedSet members) noexcept:
    """Whether every second entry is a number."""
    cdef ListpackValue value
    cdef double score
    cdef size_t position = members.first()
    while position:
        position = members.next(position)
        members.read(position, &value)
        if value.data != NULL and not parse_double_text(value.data, value.length, &score):
            return False
        position = members.next(position)
    return True


cdef bint is_sorted(SortedSet members) noexcept:
    """Whether the members are in order."""
    cdef ListpackValue value
    cdef char digits[INT64_TEXT]
    cdef size_t before = members.first()
    cdef size_t position = members.next(members.next(before))
    cdef double score, score_before
    while position:
        score = members.score_at(members.next(position))
        score_before = members.score_at(members.next(before))
        members.read(position, &value)
        if value.data == NULL:
            value.length = format_int64(value.integer, digits)
            value.data = digits
        if score < score_before or score == score_before and members.order_at(before, value.data, value.length) >= 0:
            return False
        before = position
        position = members.next(members.next(position))
    return True


# --- reading members

cdef struct Elements:               # that were read and are not in a set yet
    Element** items
    size_t count
    size_t capacity
    size_t longest                  # bytes of a member


cdef int read_members(RdbReader reader, SortedSet members, bint scores_are_text) except -1:
    """Fills an empty set. The elements are read first: Redis writes the highest first, and a set is built fastest, and
    smallest, from the lowest on."""
    cdef Elements elements
    elements.items = NULL
    elements.count = elements.capacity = elements.longest = 0
    try:
        read_elements(reader, &elements, reader.read_count(), scores_are_text)
        if (
            elements.count > <size_t>reader.setting("zset-max-listpack-entries")
            or elements.longest > <size_t>reader.setting("zset-max-listpack-value")
        ):
            members.convert()
        while elements.count:
            elements.count -= 1
            take_over(reader, members, elements.items[elements.count])
    finally:
        while elements.count:
            elements.count -= 1
            free_element(elements.items[elements.count])
        PyMem_Free(elements.items)
    return 0


cdef int read_elements(RdbReader reader, Elements* elements, uint64_t count, bint scores_are_text) except -1:
    cdef RdbText text
    cdef Element* element
    cdef double score
    while count:
        if elements.count == elements.capacity:
            grow(elements)
        reader.read_text(&text)
        elements.longest = max(elements.longest, text.length)
        element = new_element(HAS_SCORE, text.data, text.length, NULL, 0)
        elements.items[elements.count] = element
        elements.count += 1
        score = reader.read_text_double() if scores_are_text else reader.read_double()
        if isnan(score):
            raise corrupt(reader, "Zset with NAN score detected")
        set_element_score(element, score)
        count -= 1
    return 0


cdef int grow(Elements* elements) except -1:
    cdef size_t capacity = elements.capacity * 2 if elements.capacity else FIRST_CAPACITY
    cdef void* moved = PyMem_Realloc(elements.items, capacity * sizeof(Element*))
    if moved == NULL:
        raise MemoryError
    elements.items = <Element**>moved
    elements.capacity = capacity
    return 0


cdef int take_over(RdbReader reader, SortedSet members, Element* element) except -1:
    """Puts an element into the set, and frees it where that keeps the member itself."""
    cdef bytes member
    cdef double score
    if members.large is not None:
        if members.large.find_buffer(member_data(element), member_length(element)) != NULL:
            free_element(element)
            raise corrupt(reader, "Duplicate zset members detected")
        return members.large.take_over(element_hash(element), element)
    try:
        member = element_member(element)
        score = element_score(element)
    finally:
        free_element(element)
    if members.find_small(member):
        raise corrupt(reader, "Duplicate zset members detected")
    return members.put_unconditionally(member, score)


CODEC = SortedSetCodec()
