"""Sorted sets: members with scores, ordered by score, then by member as bytes.

A small set is a listpack of members and scores in turn, in order; a large one is a `SortedMembers` tree (core/sorted_tree). The
object is itself the listpack, so that a small set costs one object and one block, and has a field for the tree, which a
large set's listpack leaves empty. Sets grow large by `convert` and never small again, as Redis does it; who changes a set calls
`keep_within` with the configured limits after members were added.

Every range, of ranks, scores or members, is located first as a range of ranks (`Bounds`), which then is read, counted or deleted.

Scores in a listpack are integers where the double is one and within half the range of int64, else the shortest text that
reads back as the same double, as Redis writes them.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.math cimport isnan
from libc.string cimport memcmp, strlen
from libc.stdint cimport uint64_t

from redracer.core.glob cimport glob_match
from redracer.core.listpack cimport Listpack, ListpackValue
from redracer.core.numbers cimport DOUBLE_TEXT, INT64_TEXT, format_double_text, format_int64, parse_double_text, parse_int64
from redracer.core.sorted_tree cimport SortedMembers

from redracer.core.errors import (
    INVALID_LEX_BOUND, MIN_OR_MAX_NOT_FLOAT, NOT_FLOAT, NOT_INTEGER, SCORE_NOT_A_NUMBER, CommandError,
)

cdef extern from "Python.h":
    double PyOS_string_to_double(const char* text, char** end, PyObject* overflow) except? -1

cdef extern from "strings.h" nogil:
    int strncasecmp(const char* first, const char* second, size_t length)

cdef enum:
    PAIR = 2                        # entries of a member in the listpack
    SCORE_ROOM = 64                 # bytes that a score and the entries' frames take at most

cdef double HALF_INT64 = 4611686018427387904.0



@cython.final
@cython.no_gc
cdef class SortedSet(Listpack):
    """The value of a key that holds a sorted set. value.pyi has the methods' contracts."""

    def __len__(self):
        return self.length()

    cpdef Py_ssize_t length(self) noexcept:
        return self.large.table.count if self.large is not None else self.count() // PAIR

    @property
    def encoding(self):
        return b"listpack" if self.large is None else b"skiplist"

    # --- single members

    cpdef object score_of(self, bytes member):
        cdef double score = 0
        return score if self.find_score(member, &score) else None

    cdef bint find_score(self, bytes member, double* score) noexcept:
        cdef size_t position
        if self.large is not None:
            return self.large.find_score(member, score)
        position = self.find_small(member)
        if position == 0:
            return False
        score[0] = self.score_at(self.next(position))
        return True

    cpdef bint contains(self, bytes member) noexcept:
        if self.large is not None:
            return self.large.contains(member)
        return self.find_small(member) != 0

    cpdef int put(self, bytes member, double score, int options=0) except -1:
        cdef double old = 0
        if self.find_score(member, &old):
            return self.put_known(member, score, old, options)
        if options & PUT_KNOWN_ONLY:
            return PUT_UNMET
        self.put_unconditionally(member, score)
        return PUT_ADDED

    cdef int put_known(self, bytes member, double score, double old, int options) except -1:
        if options:
            if options & PUT_NEW_ONLY:
                return PUT_UNMET
            if options & PUT_INCREMENT:
                score += old
                if isnan(score):
                    raise CommandError(SCORE_NOT_A_NUMBER)
            if options & PUT_LESS and score >= old or options & PUT_GREATER and score <= old:
                return PUT_UNMET
        if score == old:
            return PUT_SAME
        self.put_unconditionally(member, score)
        return PUT_CHANGED

    cdef int put_unconditionally(self, bytes member, double score) except -1:
        if self.large is None and not self.has_room(PyBytes_GET_SIZE(member) + SCORE_ROOM):
            self.convert()
        if self.large is not None:
            self.large.add(member, score)
            return 0
        return self.put_small(member, score)

    cpdef bint discard(self, bytes member) except -1:
        cdef size_t position
        if self.large is not None:
            return self.large.remove(member)
        position = self.find_small(member)
        if position:
            self.remove_at(position, PAIR)
        return position != 0

    cpdef Py_ssize_t rank_of(self, bytes member, bint reverse=False):
        cdef Py_ssize_t rank
        if self.large is not None:
            return self.large.rank_of(member, reverse)
        rank = self.find(member, 0, PAIR - 1)
        if rank < 0:
            return -1
        rank //= PAIR
        return self.length() - 1 - rank if reverse else rank

    # --- ranges of ranks

    cpdef list range(self, Py_ssize_t start, Py_ssize_t count, bint reverse=False, bint with_scores=False):
        cdef list found
        cdef size_t position
        if self.large is not None:
            return self.large.range(start, count, reverse, with_scores)
        found = []
        if not 0 <= start < self.length():
            return found
        position = self.seek(-PAIR * (start + 1) if reverse else PAIR * start)
        while position and count > 0:
            found.append(self.value_at(position))
            if with_scores:
                found.append(self.score_at(self.next(position)))
            if reverse:
                position = self.previous(position)
                if position:
                    position = self.previous(position)
            else:
                position = self.next(self.next(position))
            count -= 1
        return found

    cpdef list members(self):
        return self.range(0, self.length())

    cpdef Py_ssize_t delete_range(self, Py_ssize_t start, Py_ssize_t count) except -1:
        if self.large is not None:
            return self.large.delete_range(start, count)
        if not 0 <= start < self.length() or count <= 0:
            return 0
        count = min(count, self.length() - start)
        self.remove_at(self.seek(PAIR * start), PAIR * count)
        return count

    cpdef list pop(self, Py_ssize_t count, bint highest=False):
        cdef list popped
        cdef Py_ssize_t length
        if self.large is not None:
            return self.large.pop(count, highest)
        length = self.length()
        count = min(count, length)
        popped = self.range(0, count, highest, True)
        self.delete_range(length - count if highest else 0, count)
        return popped

    # --- the whole

    cpdef list draw_members(self, Py_ssize_t count, bint distinct, bint with_scores):
        cdef list drawn
        cdef Py_ssize_t at
        cdef double score
        if self.large is not None:
            if distinct:
                return self.large.draw_distinct(count, with_scores)
            return self.large.draw(count, with_scores)
        drawn = self.draw_distinct(count, PAIR) if distinct else self.draw(count, PAIR)
        if not with_scores:
            return drawn[::PAIR]
        for at in range(1, len(drawn), PAIR):
            drawn[at] = score_of_text(drawn[at])
        return drawn

    cpdef tuple scan(self, uint64_t cursor, Py_ssize_t count, bytes pattern=None):
        cdef list found = []
        cdef size_t position
        cdef bytes member
        if self.large is not None:
            return self.large.scan(cursor, count, pattern)
        position = self.first()
        while position:
            member = self.value_at(position)
            position = self.next(position)
            if pattern is None or glob_match(
                PyBytes_AS_STRING(pattern), PyBytes_GET_SIZE(pattern),
                PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member), False,
            ):
                found.append(member)
                found.append(self.score_at(position))
            position = self.next(position)
        return 0, found

    cpdef object convert(self):
        cdef SortedMembers large
        cdef size_t position
        if self.large is not None:
            return
        large = SortedMembers()
        position = self.first()
        while position:
            large.add(self.value_at(position), self.score_at(self.next(position)))
            position = self.next(self.next(position))
        if large.table.count:
            self.remove_at(self.first(), self.count())
        self.large = large

    cpdef object keep_within(self, Py_ssize_t longest, dict settings):
        if self.large is None and (
            longest > <Py_ssize_t>settings["zset-max-listpack-value"]
            or self.length() > <Py_ssize_t>settings["zset-max-listpack-entries"]
        ):
            self.convert()

    cpdef Listpack copy(self):
        cdef SortedSet copied = <SortedSet>Listpack.copy(self)
        if self.large is not None:
            copied.large = self.large.copy()
        return copied

    cpdef Py_ssize_t memory_usage(self) noexcept:
        cdef Py_ssize_t size = Listpack.memory_usage(self)
        return size + self.large.memory_usage() if self.large is not None else size

    cpdef bint free_some(self, Py_ssize_t budget) except -1:
        return self.large.free_some(budget) if self.large is not None else True

    # --- small sets

    cdef size_t find_small(self, bytes member) noexcept:
        """The position of the member's entry, or 0; the score is next to it."""
        return self.search(PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member), 0, PAIR - 1)

    cdef double score_at(self, size_t position) noexcept:
        cdef ListpackValue value
        cdef double score = 0
        self.read(position, &value)
        if value.data == NULL:
            return <double>value.integer
        parse_double_text(value.data, value.length, &score)
        return score

    cdef int order_at(self, size_t position, const char* member, size_t length) noexcept:
        """How the member at `position` compares with these bytes: negative if it comes before them, 0 if it is they."""
        cdef ListpackValue value
        cdef char digits[INT64_TEXT]
        cdef int order
        self.read(position, &value)
        if value.data == NULL:
            value.length = format_int64(value.integer, digits)
            value.data = digits
        order = memcmp(value.data, member, min(value.length, length))
        if order:
            return order
        return (value.length > length) - (value.length < length)

    cdef size_t place_of(self, bytes member, double score) noexcept:
        """The position of the first member that comes after this one; 0: the end."""
        cdef const char* data = PyBytes_AS_STRING(member)
        cdef size_t length = PyBytes_GET_SIZE(member)
        cdef size_t position = self.last()
        cdef size_t at
        cdef double other
        if position == 0:
            return 0
        other = self.score_at(position)     # the end first: many sets are filled in order
        if other < score or other == score and self.order_at(self.previous(position), data, length) < 0:
            return 0
        position = self.first()
        while position:
            at = self.next(position)
            other = self.score_at(at)
            if other > score or other == score and self.order_at(position, data, length) > 0:
                break
            position = self.next(at)
        return position

    cdef int put_small(self, bytes member, double score) except -1:
        cdef char text[DOUBLE_TEXT]
        cdef size_t position = self.find_small(member)
        if position:
            self.remove_at(position, PAIR)
        position = self.place_of(member, score)
        position = self.insert_before(position, PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member))
        try:
            if -HALF_INT64 <= score <= HALF_INT64 and <double><long long>score == score:
                self.insert_integer(self.next(position), <long long>score)
            else:
                self.insert_before(self.next(position), text, format_double_text(score, text))
        except BaseException:               # a member without its score would shift all that follow
            self.remove_at(position, 1)
            raise
        return 0


cdef double score_of_text(bytes text):
    cdef double score = 0
    parse_double_text(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), &score)
    return score


# --- ranges

cdef class Bounds:
    """Where a range begins and ends. `locate` finds it in a set: from then on `start` and `count` are ranks in reading order."""

    cpdef object locate(self, SortedSet members, bint reverse):
        raise NotImplementedError

    cdef object found(self, SortedSet members, Py_ssize_t first, Py_ssize_t end, bint reverse):
        """Notes the ranks from `first` up to `end`, counted from the lowest score."""
        self.count = max(end - first, 0)
        self.start = members.length() - end if reverse else first

    cpdef object narrow(self, Py_ssize_t offset, Py_ssize_t limit):
        """LIMIT: leaves out the first `offset` of what was located, and all after `limit` (negative: nothing) more."""
        if offset < 0:
            self.count = 0
            return
        offset = min(offset, self.count)
        self.start += offset
        self.count -= offset
        if 0 <= limit < self.count:
            self.count = limit


@cython.final
cdef class RankBounds(Bounds):
    """From rank `first` to rank `last`, in reading order, each as text; negative ones count from the end.

    Raises CommandError(NOT_INTEGER).
    """

    def __cinit__(self, bytes first not None, bytes last not None):
        self.first = rank_bound(first)
        self.last = rank_bound(last)

    cpdef object locate(self, SortedSet members, bint reverse):
        cdef Py_ssize_t length = members.length()
        cdef Py_ssize_t first = self.first
        cdef Py_ssize_t last = self.last
        if first < 0:
            first = max(first + length, 0)
        if last < 0:
            last += length
        last = min(last, length - 1)
        self.start = first
        self.count = last - first + 1 if first <= last else 0


@cython.final
cdef class ScoreBounds(Bounds):
    """Scores from `low` to `high`, each as text: a number, after `(` where it is itself left out.

    Raises CommandError(MIN_OR_MAX_NOT_FLOAT).
    """

    def __cinit__(self, bytes low not None, bytes high not None):
        self.above_low = parse_score_bound(low, &self.low)
        self.below_high = parse_score_bound(high, &self.high)

    cdef bint starts_by(self, double score) noexcept:
        """Whether a score is not below the range."""
        return score > self.low if self.above_low else score >= self.low

    cdef bint ends_before(self, double score) noexcept:
        """Whether a score is above the range."""
        return score >= self.high if self.below_high else score > self.high

    cpdef object locate(self, SortedSet members, bint reverse):
        cdef Py_ssize_t first = 0
        cdef Py_ssize_t end
        cdef size_t position
        cdef double score
        if members.large is not None:
            first = members.large.rank_of_score(self.low, self.above_low)
            end = members.large.rank_of_score(self.high, not self.below_high)
            return self.found(members, first, end, reverse)
        position = members.first()
        end = 0
        while position:
            position = members.next(position)
            score = members.score_at(position)
            if self.ends_before(score):
                break
            end += 1
            if not self.starts_by(score):
                first = end
            position = members.next(position)
        return self.found(members, first, end, reverse)


@cython.final
cdef class LexBounds(Bounds):
    """Members from `low` to `high`, all scores being equal. Each is text: `-` (before all), `+` (after all), or a member after
    `[`, or after `(` where it is itself left out.

    Raises CommandError(INVALID_LEX_BOUND).
    """

    def __cinit__(self, bytes low not None, bytes high not None):
        self.low, self.low_kind, self.above_low = lex_bound(low)
        self.high, self.high_kind, self.below_high = lex_bound(high)

    cpdef object locate(self, SortedSet members, bint reverse):
        cdef Py_ssize_t first = lex_rank(members, self.low, self.low_kind, self.above_low)
        cdef Py_ssize_t end = lex_rank(members, self.high, self.high_kind, not self.below_high)
        return self.found(members, first, end, reverse)


cdef Py_ssize_t rank_bound(bytes text) except? -1:
    cdef long long rank = 0
    if not parse_int64(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), &rank):
        raise CommandError(NOT_INTEGER)
    return rank


cdef Py_ssize_t lex_rank(SortedSet members, bytes bound, int kind, bint after) noexcept:
    """How many members come before the bound (`after`: or are it)."""
    cdef Py_ssize_t rank = 0
    cdef size_t position
    cdef int order
    if kind:
        return 0 if kind < 0 else members.length()
    if members.large is not None:
        return members.large.rank_of_lex(bound, after)
    position = members.first()
    while position:
        order = members.order_at(position, PyBytes_AS_STRING(bound), PyBytes_GET_SIZE(bound))
        if order > 0 or order == 0 and not after:
            break
        rank += 1
        position = members.next(members.next(position))
    return rank


cdef tuple lex_bound(bytes text):
    """(member, kind, whether the member itself is left out)."""
    cdef Py_ssize_t length = PyBytes_GET_SIZE(text)
    cdef char mark = PyBytes_AS_STRING(text)[0]
    if length == 1 and (mark == c"-" or mark == c"+"):
        return b"", -1 if mark == c"-" else 1, False
    if length == 0 or mark != c"[" and mark != c"(":
        raise CommandError(INVALID_LEX_BOUND)
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(text) + 1, length - 1), 0, mark == c"("


cdef bint parse_score_bound(bytes text, double* bound) except -1:
    """Reads a bound; returns whether it is itself left out. Raises CommandError(MIN_OR_MAX_NOT_FLOAT).

    More is a number here than in a score: Redis takes what strtod does, up to the first NUL. So leading space, no digit
    at all (zero), and what overflows (infinity) or underflows (zero) are fine.
    """
    cdef const char* data = PyBytes_AS_STRING(text)
    cdef Py_ssize_t length = PyBytes_GET_SIZE(text)
    cdef bint exclusive = data[0] == c"("
    cdef char* end
    data += exclusive
    length -= exclusive
    if length and parse_double_text(data, length, bound):
        return exclusive
    length = strlen(data)               # bytes objects end with a NUL of their own
    bound[0] = 0
    if length == 0:
        return exclusive
    while data[0] == c" " or c"\t" <= data[0] <= c"\r":
        data += 1                           # at most to the NUL
        length -= 1
    if length and parse_double_text(data, length, bound):
        return exclusive
    try:
        bound[0] = PyOS_string_to_double(data, &end, NULL)
    except ValueError:
        raise CommandError(MIN_OR_MAX_NOT_FLOAT) from None
    if end - data != length or isnan(bound[0]):
        raise CommandError(MIN_OR_MAX_NOT_FLOAT)
    return exclusive


# --- what commands share

cpdef int put_option(bytes word) noexcept:
    """The option of ZADD that a word is (in any case), or 0."""
    cdef const char* text = PyBytes_AS_STRING(word)
    cdef Py_ssize_t length = PyBytes_GET_SIZE(word)
    if length == 2:
        if strncasecmp(text, b"nx", 2) == 0:
            return PUT_NEW_ONLY
        if strncasecmp(text, b"xx", 2) == 0:
            return PUT_KNOWN_ONLY
        if strncasecmp(text, b"gt", 2) == 0:
            return PUT_GREATER
        if strncasecmp(text, b"lt", 2) == 0:
            return PUT_LESS
        if strncasecmp(text, b"ch", 2) == 0:
            return PUT_COUNTS_CHANGES
    if length == 4 and strncasecmp(text, b"incr", 4) == 0:
        return PUT_INCREMENT
    return 0


cpdef double parse_score(bytes text) except? -1:
    """The score that a text is. Raises CommandError(NOT_FLOAT)."""
    cdef double score = 0
    if not parse_double_text(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), &score):
        raise CommandError(NOT_FLOAT)
    return score


cpdef SortedSet sorted_set_of(list members_and_scores, dict settings):
    """A new set of these members, each with its score after it; in the set's order they are put fastest."""
    cdef SortedSet members = SortedSet()
    cdef Py_ssize_t at
    cdef bytes member
    if len(members_and_scores) // PAIR > <Py_ssize_t>settings["zset-max-listpack-entries"]:
        members.convert()
    for at in range(0, len(members_and_scores), PAIR):
        member = members_and_scores[at]
        members.put(member, members_and_scores[at + 1])
        members.keep_within(PyBytes_GET_SIZE(member), settings)
    return members


cpdef list paired(list members_and_scores):
    """Members and scores in turn as a list of pairs, as RESP3 has them."""
    cdef list pairs = []
    cdef Py_ssize_t at
    for at in range(0, len(members_and_scores), PAIR):
        pairs.append([members_and_scores[at], members_and_scores[at + 1]])
    return pairs
