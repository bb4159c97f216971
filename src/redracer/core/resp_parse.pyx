"""Reads requests: arrays of bulk strings, and inline commands.

The parser holds the state of one connection and never the bytes: the caller presents the unread bytes,
`next_request` takes a whole request out of them or as many whole arguments as there are, and moves the
position; what is left (at most one unfinished header or one unfinished argument under LARGE bytes) is
presented again with more bytes behind it. So any chunking costs linear time. An argument of LARGE bytes
and more is read from the socket straight into the bytes object that the command will get.

Limits and error texts are those of Redis: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_New
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF, PyObject
from libc.stdint cimport uint64_t
from libc.string cimport memchr, memcmp, memcpy

from redracer.core.numbers cimport parse_int64

from redracer.core import errors
from redracer.core.errors import ProtocolError

cdef extern from "python_hash.h":
    void forget_hash(PyObject* value)

# The list macros without Cython's reference counting: a place may be NULL here.
cdef extern from "Python.h":
    Py_ssize_t list_size "PyList_GET_SIZE"(PyObject* items)
    PyObject* list_item "PyList_GET_ITEM"(PyObject* items, Py_ssize_t index)
    PyObject* new_bytes "PyBytes_FromStringAndSize"(const char* text, Py_ssize_t length) except NULL
    void set_list_item "PyList_SET_ITEM"(PyObject* items, Py_ssize_t index, PyObject* item)

cdef enum:
    LINE_LIMIT = 65536          # longest header or inline request, bytes
    LARGE = 32768               # from here on an argument is read in place
    COUNT_LIMIT = 2147483647    # most arguments of a request
    RESTRICTED_COUNT = 10       # the same before authentication
    RESTRICTED_BULK = 16384     # longest argument before authentication, bytes
    WHOLE_COUNT = 256           # most arguments that are read without keeping state
    SHORT_LIMIT = 10000         # a number of at most four digits is below this
    NAMES = 512                 # slots of the cache of command names; a power of two
    NAME_LIMIT = 24             # longest name cached, bytes
    SPARE_LENGTHS = 5           # argument lists shorter than this are kept for reuse
    SPARES = 64                 # of each length
    SPARE_TEXT_LENGTHS = 64     # so are arguments shorter than this, bytes
    SPARE_TEXTS = 64            # of each length

cdef struct Name:
    uint64_t word           # the first eight bytes, zeros behind shorter ones
    Py_ssize_t length
    PyObject* object        # the bytes object, owned; NULL in an empty slot

# Command names as bytes objects, so that the name of a request needs no new object and its hash is known.
cdef Name names[NAMES]

# Argument lists and short arguments of finished requests, by length: a request takes one instead of making one.
cdef PyObject* spare_lists[SPARE_LENGTHS][SPARES]
cdef int spare_counts[SPARE_LENGTHS]
cdef PyObject* spare_texts[SPARE_TEXT_LENGTHS][SPARE_TEXTS]
cdef int spare_text_counts[SPARE_TEXT_LENGTHS]


cdef bytes command_name(const char* text, Py_ssize_t length):
    """The bytes object for a request's first argument, from a small direct-mapped cache."""
    cdef uint64_t word = 0
    cdef Name* known
    cdef bytes name
    if length > NAME_LIMIT or length == 0:
        return PyBytes_FromStringAndSize(text, length)
    memcpy(&word, text, min(length, 8))
    known = &names[(word * <uint64_t>0x9E3779B97F4A7C15 >> 48 ^ <uint64_t>length) & (NAMES - 1)]
    if known.word == word and known.length == length and (
        length <= 8 or memcmp(PyBytes_AS_STRING(<object>known.object), text, length) == 0
    ):
        return <bytes>known.object
    name = PyBytes_FromStringAndSize(text, length)
    Py_INCREF(name)
    Py_XDECREF(known.object)
    known.word = word
    known.length = length
    known.object = <PyObject*>name
    return name


cdef list argument_list(Py_ssize_t count):
    """A list of `count` empty places, which the caller fills by PyList_SET_ITEM."""
    cdef list argv
    if count < SPARE_LENGTHS and spare_counts[count]:
        spare_counts[count] -= 1
        argv = <list>spare_lists[count][spare_counts[count]]
        Py_DECREF(argv)     # the pool's reference; `argv` has its own
        return argv
    return PyList_New(count)


cdef inline PyObject* argument_text(const char* text, Py_ssize_t length) except NULL:
    """A new reference to a bytes object with these bytes."""
    cdef PyObject* argument
    if length < SPARE_TEXT_LENGTHS and spare_text_counts[length]:
        spare_text_counts[length] -= 1
        argument = spare_texts[length][spare_text_counts[length]]
        memcpy(PyBytes_AS_STRING(<object>argument), text, length)
        forget_hash(argument)
        return argument
    return new_bytes(text, length)


cdef inline void recycle_argument(PyObject* argument) noexcept:
    """Gives up a reference to an argument (or NULL); keeps the object if it is short and nobody else has it.

    The empty string and those of one byte are Python's own shared objects and stay what they are.
    """
    cdef Py_ssize_t length
    if argument != NULL and argument.ob_refcnt == 1 and PyBytes_CheckExact(<object>argument):
        length = PyBytes_GET_SIZE(<object>argument)
        if 1 < length < SPARE_TEXT_LENGTHS and spare_text_counts[length] < SPARE_TEXTS:
            spare_texts[length][spare_text_counts[length]] = argument
            spare_text_counts[length] += 1
            return
    Py_XDECREF(argument)


cdef void recycle(PyObject* argv) noexcept:
    """Gives up the reference to the argument list of a finished request; keeps the list if it was the last."""
    cdef Py_ssize_t count = list_size(argv)
    cdef Py_ssize_t i
    cdef PyObject* argument
    if argv.ob_refcnt != 1 or count >= SPARE_LENGTHS or spare_counts[count] == SPARES:
        Py_DECREF(<object>argv)
        return
    for i in range(count):
        argument = list_item(argv, i)
        set_list_item(argv, i, NULL)
        recycle_argument(argument)
    spare_lists[count][spare_counts[count]] = argv
    spare_counts[count] += 1


cdef inline Py_ssize_t short_number(const char* data, Py_ssize_t length, Py_ssize_t* position) noexcept:
    """The number of one to four digits at `position` and its line end, or -1 for anything else.

    Moves the position behind the line end. Reads nothing at or beyond data[length].
    """
    cdef Py_ssize_t at = position[0]
    cdef unsigned int value, digit
    if length - at < 6:
        return -1
    value = <unsigned int>(data[at] - 48)
    if value > 9:
        return -1
    if data[at + 1] == b"\r":
        position[0] = at + 3
        return value
    digit = <unsigned int>(data[at + 1] - 48)
    if digit > 9 or value == 0:
        return -1
    value = value * 10 + digit
    if data[at + 2] == b"\r":
        position[0] = at + 4
        return value
    digit = <unsigned int>(data[at + 2] - 48)
    if digit > 9:
        return -1
    value = value * 10 + digit
    if data[at + 3] == b"\r":
        position[0] = at + 5
        return value
    digit = <unsigned int>(data[at + 3] - 48)
    if digit > 9 or data[at + 4] != b"\r":
        return -1
    position[0] = at + 6
    return value * 10 + digit


cdef list whole_request(const char* data, Py_ssize_t length, Py_ssize_t* position):
    """The usual request: few short arguments, all there. None, and nothing moved, for anything else."""
    cdef Py_ssize_t at = position[0]
    cdef Py_ssize_t count, size, i
    cdef list argv
    cdef bytes name
    if data[at] != b"*":
        return None
    at += 1
    count = short_number(data, length, &at)
    if count <= 0 or count > WHOLE_COUNT:
        return None
    argv = argument_list(count)
    for i in range(count):
        if at >= length or data[at] != b"$":
            return None
        at += 1
        size = short_number(data, length, &at)
        if size < 0 or length - at < size + 2:
            return None
        if i == 0:
            name = command_name(data + at, size)
            Py_INCREF(name)
            set_list_item(<PyObject*>argv, 0, <PyObject*>name)
        else:
            set_list_item(<PyObject*>argv, i, argument_text(data + at, size))
        at += size + 2
    position[0] = at
    return argv


@cython.final
cdef class RequestParser:
    """The reading state of one connection."""

    def __init__(self, long long maximum_bulk=512 * 1024 * 1024, bint restricted=False):
        self.maximum_bulk = maximum_bulk
        self.restricted = restricted
        self.bulk_length = -1

    cdef list next_request(self, const char* data, Py_ssize_t length, Py_ssize_t* position):
        """The next whole request in data[position:length], or None when more bytes are needed.

        `position` moves past everything that need not be presented again. Empty requests are skipped.
        Raises ProtocolError, after which the connection must be closed.
        """
        cdef list request
        while True:
            if self.remaining == 0:
                if position[0] >= length:
                    return None
                if not self.restricted and self.maximum_bulk >= SHORT_LIMIT:
                    request = whole_request(data, length, position)
                    if request is not None:
                        return request
                if data[position[0]] == b"*":
                    if not self.start_multibulk(data, length, position):
                        return None
                    if self.remaining == 0:
                        continue
                elif not self.read_inline(data, length, position):
                    return None
            while self.remaining:
                if not self.read_argument(data, length, position):
                    return None
            if self.argv is not None:
                request = self.argv
                self.argv = None
                self.held_bytes = 0
                return request

    cdef int start_multibulk(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1:
        """Reads `*count`; returns 0 when the line is not complete."""
        cdef Py_ssize_t start = position[0] + 1
        cdef const char* line_end = <const char*>memchr(data + start, b"\r", length - start)
        cdef long long count
        if line_end == NULL:
            if length - position[0] > LINE_LIMIT:
                raise ProtocolError(errors.TOO_BIG_MULTIBULK_LINE)
            return 0
        if line_end - data > length - 2:
            return 0
        if line_end - data - start == 1 and b"1" <= data[start] <= b"9":
            count = data[start] - 48
        elif not parse_int64(data + start, line_end - data - start, &count) or count > COUNT_LIMIT:
            raise ProtocolError(errors.TOO_BIG_MULTIBULK_COUNT)
        if self.restricted and count > RESTRICTED_COUNT:
            raise ProtocolError(errors.UNAUTHENTICATED_MULTIBULK)
        position[0] = line_end - data + 2
        if count > 0:
            self.remaining = count
            self.argv = []
        return 1

    cdef int read_argument(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1:
        """Reads one bulk string into argv; returns 0 when it is not complete."""
        cdef Py_ssize_t at
        if self.large is not None:
            return self.finish_large(data, length, position)
        if self.bulk_length < 0 and not self.read_bulk_header(data, length, position):
            return 0
        at = position[0]
        if length - at < self.bulk_length + 2:
            if self.bulk_length >= LARGE:
                self.begin_large(data, length, position)
            return 0
        self.held_bytes += self.bulk_length
        if self.argv:
            self.argv.append(PyBytes_FromStringAndSize(data + at, self.bulk_length))
        else:
            self.argv.append(command_name(data + at, self.bulk_length))
        position[0] = at + self.bulk_length + 2
        self.bulk_length = -1
        self.remaining -= 1
        return 1

    cdef int read_bulk_header(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1:
        """Reads `$length`; returns 0 when the line is not complete."""
        cdef Py_ssize_t at = position[0]
        cdef const char* line_end
        cdef long long bulk
        # The commonest headers: one or two digits, all there.
        if length - at >= 5 and data[at] == b"$" and b"0" <= data[at + 1] <= b"9":
            if data[at + 2] == b"\r":
                self.bulk_length = data[at + 1] - 48
                position[0] = at + 4
                return self.check_bulk()
            if data[at + 3] == b"\r" and data[at + 1] != b"0" and b"0" <= data[at + 2] <= b"9":
                self.bulk_length = (data[at + 1] - 48) * 10 + data[at + 2] - 48
                position[0] = at + 5
                return self.check_bulk()
        if at >= length:
            return 0
        line_end = <const char*>memchr(data + at, b"\r", length - at)
        if line_end == NULL:
            if length - at > LINE_LIMIT:
                raise ProtocolError(errors.TOO_BIG_BULK_LINE)
            return 0
        if line_end - data > length - 2:
            return 0
        if data[at] != b"$":
            raise ProtocolError(errors.expected_dollar(<unsigned char>data[at]))
        if not parse_int64(data + at + 1, line_end - data - at - 1, &bulk) or bulk < 0:
            raise ProtocolError(errors.INVALID_BULK_LENGTH)
        self.bulk_length = bulk
        position[0] = line_end - data + 2
        return self.check_bulk()

    cdef int check_bulk(self) except -1:
        if self.bulk_length > self.maximum_bulk:
            raise ProtocolError(errors.INVALID_BULK_LENGTH)
        if self.restricted and self.bulk_length > RESTRICTED_BULK:
            raise ProtocolError(errors.UNAUTHENTICATED_BULK)
        return 1

    cdef int begin_large(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1:
        """Takes what has arrived of a large argument; the rest is read from the socket in place."""
        cdef Py_ssize_t available = min(length - position[0], self.bulk_length)
        self.large = PyBytes_FromStringAndSize(NULL, self.bulk_length)
        self.held_bytes += self.bulk_length
        memcpy(PyBytes_AS_STRING(self.large), data + position[0], available)
        self.large_filled = available
        self.line_end_to_skip = 2
        position[0] += available
        if available == self.bulk_length:
            self.line_end_to_skip -= length - position[0]
            position[0] = length
        return 0

    cdef char* large_space(self, Py_ssize_t* room) noexcept:
        """Where the next bytes of the connection belong when a large argument is being read, or NULL."""
        if self.large is None:
            return NULL
        room[0] = PyBytes_GET_SIZE(self.large) - self.large_filled
        if room[0] == 0:
            return NULL
        return PyBytes_AS_STRING(self.large) + self.large_filled

    cdef void large_received(self, Py_ssize_t count) noexcept:
        """Says that `count` bytes, no more than the room given, were put there."""
        self.large_filled += count

    cdef int finish_large(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1:
        """Takes further bytes, then the line end, of a large argument; returns 0 while some are missing."""
        cdef Py_ssize_t missing = PyBytes_GET_SIZE(self.large) - self.large_filled
        cdef Py_ssize_t step
        if missing:
            step = min(missing, length - position[0])
            memcpy(PyBytes_AS_STRING(self.large) + self.large_filled, data + position[0], step)
            self.large_filled += step
            position[0] += step
            if step < missing:
                return 0
        step = min(<Py_ssize_t>self.line_end_to_skip, length - position[0])
        position[0] += step
        self.line_end_to_skip -= step
        if self.line_end_to_skip:
            return 0
        self.argv.append(self.large)
        self.large = None
        self.bulk_length = -1
        self.remaining -= 1
        return 1

    cdef int read_inline(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1:
        """Reads one line of words; returns 0 when the line is not complete."""
        cdef Py_ssize_t start = position[0]
        cdef const char* line_end
        cdef Py_ssize_t stop
        cdef list words
        line_end = <const char*>memchr(data + start + self.scanned, b"\n", length - start - self.scanned)
        if line_end == NULL:
            self.scanned = length - start
            if self.scanned > LINE_LIMIT:
                raise ProtocolError(errors.TOO_BIG_INLINE)
            return 0
        self.scanned = 0
        stop = line_end - data
        position[0] = stop + 1
        if stop > start and data[stop - 1] == b"\r":
            stop -= 1
        words = plain_words(data + start, stop - start)
        if words is None:
            words = split_words(data[start:stop])
        if words is None:
            raise ProtocolError(errors.UNBALANCED_QUOTES)
        if words:
            self.argv = words
        return 1

    @property
    def reading(self):
        """The arguments read so far of an unfinished request."""
        return self.argv


def requests(RequestParser parser not None, bytes data not None):
    """All whole requests in `data` and how many bytes were used (tests, TLS and the embedded store)."""
    cdef Py_ssize_t position = 0
    cdef list found = []
    while True:
        request = parser.next_request(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), &position)
        if request is None:
            return found, position
        found.append(request)


def requests_with_ends(RequestParser parser not None, bytes data not None):
    """All whole requests in `data`, each with the number of bytes up to its end: (argv, end). For who counts them."""
    cdef Py_ssize_t position = 0
    cdef list found = []
    while True:
        request = parser.next_request(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), &position)
        if request is None:
            return found, position
        found.append((request, position))


ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
SPACES = b" \n\r\t\v\f"       # between words
SEPARATORS = b" \n\r\t"       # what ends a word that is not quoted


cdef list plain_words(const char* line, Py_ssize_t length):
    """The words of a usual line: nothing but spaces between them, and nothing quoted. None for any other line."""
    cdef list words = []
    cdef Py_ssize_t start = 0
    cdef Py_ssize_t at
    for at in range(length):
        if <unsigned char>line[at] < b" " or line[at] == b'"' or line[at] == b"'":
            return None
        if line[at] == b" ":
            add_word(words, line + start, at - start)
            start = at + 1
    add_word(words, line + start, length - start)
    return words


cdef int add_word(list words, const char* text, Py_ssize_t length) except -1:
    """Adds a word to a request, unless it is empty."""
    if length and not words:
        words.append(command_name(text, length))
    elif length:
        words.append(PyBytes_FromStringAndSize(text, length))
    return 0


cpdef list split_words(bytes line):
    """Splits a line as an inline request: words, "double quotes" with escapes, 'single quotes'.

    A zero byte ends the line. Returns None when quotes are unbalanced or a closing quote is not followed by a space.
    """
    cdef list words = []
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t length
    line = line.partition(b"\0")[0]
    length = len(line)
    while True:
        while at < length and line[at] in SPACES:
            at += 1
        if at >= length:
            return words
        word, at = read_word(line, at)
        if word is None:
            return None
        words.append(word)


def read_word(bytes line not None, Py_ssize_t at):
    """One word of `line` from `at`: (the word or None when quotes are unbalanced, where it ended)."""
    word = bytearray()
    length = len(line)
    while at < length and line[at] not in SEPARATORS:
        current = line[at : at + 1]
        if current == b'"' or current == b"'":
            part, at = read_quoted(line, at + 1, current)
            if part is None or (at < length and line[at] not in SPACES):
                return None, at
            word += part
            return bytes(word), at
        word += current
        at += 1
    return bytes(word), at


def read_quoted(bytes line not None, Py_ssize_t at, bytes quote not None):
    """The text up to the closing quote: (the text or None without one, the place behind the quote)."""
    text = bytearray()
    length = len(line)
    while at < length:
        current = line[at : at + 1]
        if current == quote:
            return bytes(text), at + 1
        if current == b"\\" and at + 1 < length:
            following = line[at + 1 : at + 2]
            digits = line[at + 2 : at + 4]
            if quote == b"'":
                if following == b"'":
                    text += b"'"
                    at += 2
                    continue
            elif following == b"x" and len(digits) == 2 and is_hexadecimal(digits):
                text.append(int(digits, 16))
                at += 4
                continue
            else:
                text += ESCAPES.get(following, following)
                at += 2
                continue
        text += current
        at += 1
    return None, at


def is_hexadecimal(bytes digits not None):
    """Whether every byte is a hexadecimal digit (int() would also take spaces, signs and `_`)."""
    return not digits.strip(b"0123456789abcdefABCDEF")
