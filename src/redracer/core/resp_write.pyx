"""Encodes replies as RESP2 or RESP3 into a buffer that the network sends from.

A ReplyBuffer belongs to one client. Small replies are copied into one growing C buffer; bulk strings of
LARGE bytes and more are kept as references and sent from where they are, so that a reply of 100 MB is
never copied. Idle clients hold no memory: a block of BLOCK bytes is taken from a small pool when the first
byte is written and returned when everything has been sent. What goes to many clients at once (a published
message) is not copied either where nothing else is pending: `data` is then the text's own.

RESP: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_SIZE
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from libc.string cimport memcpy, memmove
from posix.uio cimport iovec as c_iovec

from redracer.core cimport replies
from redracer.core.bulk_array cimport BulkArray
from redracer.core.numbers cimport DOUBLE_TEXT, format_double_text, format_int64


cdef enum:
    BLOCK = 2048            # bytes of a pooled block: a reply or two of ordinary size
    POOLED = 1024           # blocks kept for reuse
    LARGE = 32768           # bytes from which a bulk string is sent by reference
    HEADER = 24             # a prefix, 20 digits and sign, and the line end

cdef char* pool[POOLED]
cdef int pooled = 0


cdef class ReplyBuffer:
    """The bytes waiting to be sent to one client, in order.

    Invariants: 0 <= start <= end <= capacity; large and large_at have the same length and large_at is
    ascending within [start, end]; large_bytes counts what is left to send of all of `large`. With a capacity
    of 0 `data`, if there is any, is that of `shared`, which is only read, and `large` is empty.
    """

    def __cinit__(self):
        self.large = None
        self.large_at = None

    def __dealloc__(self):
        if self.capacity:
            PyMem_RawFree(self.data)

    cdef char* reserve(self, Py_ssize_t size) except NULL:
        """Room for `size` more bytes at `end`; the caller advances `end`. Amortised O(1) per byte."""
        global pooled
        cdef Py_ssize_t needed = self.end + size
        cdef Py_ssize_t capacity
        cdef char* grown
        if needed <= self.capacity:
            return self.data + self.end
        if self.data == NULL and size <= BLOCK:
            if pooled:
                pooled -= 1
                self.data = pool[pooled]
            else:
                self.data = <char*>PyMem_RawMalloc(BLOCK)
                if self.data == NULL:
                    raise MemoryError()
            self.capacity = BLOCK
            return self.data
        if self.capacity == 0 and self.data != NULL:
            self.copy_shared()
            return self.reserve(size)
        if self.start > self.capacity // 2:
            memmove(self.data, self.data + self.start, self.end - self.start)
            if self.large_bytes:
                self.large_at = [at - self.start for at in self.large_at]
            self.end -= self.start
            self.start = 0
            needed = self.end + size
        capacity = max(self.capacity, BLOCK)
        while capacity < needed:
            capacity *= 2
        if capacity != self.capacity:
            grown = <char*>PyMem_RawRealloc(self.data, capacity)
            if grown == NULL:
                raise MemoryError()
            self.data = grown
            self.capacity = capacity
        return self.data + self.end

    cdef int copy_shared(self) except -1:
        """Takes what is pending of `shared` into a buffer of its own, since more is to be written behind it."""
        cdef bytes shared = self.shared
        cdef Py_ssize_t start = self.start
        cdef Py_ssize_t length = self.end - start
        self.shared = None
        self.data = NULL
        self.start = self.end = 0
        return self.write_raw(PyBytes_AS_STRING(shared) + start, length)

    cdef int write_raw(self, const char* text, Py_ssize_t length) except -1:
        """Appends bytes that are already encoded."""
        if length == 0:
            return 0    # there may be no room to point to
        memcpy(self.reserve(length), text, length)
        self.end += length
        return 0

    def write_encoded(self, bytes text not None):
        """Appends bytes that are already encoded (the replication stream, a fixed refusal)."""
        self.write_raw(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))

    cdef int write_integer(self, char prefix, long long value) except -1:
        cdef char* at = self.reserve(HEADER)
        cdef int length
        at[0] = prefix
        if 0 <= value < 10:
            at[1] = <char>(48 + value)
            length = 1
        else:
            length = format_int64(value, at + 1)
        at[length + 1] = b"\r"
        at[length + 2] = b"\n"
        self.end += length + 3
        return 0

    cdef int write_bulk(self, bytes value) except -1:
        cdef Py_ssize_t length = PyBytes_GET_SIZE(value)
        cdef char* at
        cdef int digits
        if length >= LARGE:
            self.write_integer(b"$", length)
            self.refer(value)
            return self.write_raw(b"\r\n", 2)
        at = self.reserve(length + HEADER)
        at[0] = b"$"
        if length < 10:
            at[1] = <char>(48 + length)
            digits = 1
        else:
            digits = format_int64(length, at + 1)
        at += digits + 1
        at[0] = b"\r"
        at[1] = b"\n"
        memcpy(at + 2, PyBytes_AS_STRING(value), length)
        at += length + 2
        at[0] = b"\r"
        at[1] = b"\n"
        self.end += digits + length + 5
        return 0

    cdef int refer(self, bytes value) except -1:
        """Has `value` sent from where it is."""
        if self.large is None:
            self.large = []
            self.large_at = []
        if self.capacity == 0:
            self.reserve(1)     # what is pending has a buffer of its own, even if all of it is elsewhere
        self.large.append(value)
        self.large_at.append(self.end)
        self.large_bytes += PyBytes_GET_SIZE(value)
        return 0

    cpdef Py_ssize_t write_shared(self, bytes text) except -1:
        """Appends bytes that are already encoded and go to many buffers: nothing is copied that need not be.
        Returns how many are pending now."""
        cdef Py_ssize_t length = PyBytes_GET_SIZE(text)
        if length >= LARGE:
            self.refer(text)
        elif self.data != NULL or length == 0:
            self.write_raw(PyBytes_AS_STRING(text), length)
        else:
            self.shared = text
            self.data = PyBytes_AS_STRING(text)
            self.end = length
        return self.pending()

    cdef int write_line(self, char prefix, bytes text) except -1:
        """A line; `text` must have no line end."""
        cdef Py_ssize_t length = PyBytes_GET_SIZE(text)
        cdef char* at = self.reserve(length + 3)
        at[0] = prefix
        memcpy(at + 1, PyBytes_AS_STRING(text), length)
        at[length + 1] = b"\r"
        at[length + 2] = b"\n"
        self.end += length + 3
        return 0

    cdef int write_error(self, bytes text) except -1:
        """An error line; line ends inside the text become spaces, so that it stays one line."""
        cdef Py_ssize_t length = PyBytes_GET_SIZE(text)
        cdef const char* source = PyBytes_AS_STRING(text)
        cdef char* at = self.reserve(length + 3)
        cdef Py_ssize_t i
        at[0] = b"-"
        for i in range(length):
            at[1 + i] = b" " if source[i] == b"\r" or source[i] == b"\n" else source[i]
        at[length + 1] = b"\r"
        at[length + 2] = b"\n"
        self.end += length + 3
        return 0

    cpdef int write(self, object value, int resp) except -1:
        """Appends one reply, encoded for protocol version `resp` (2 or 3). O(size of the reply).

        Raises TypeError for a value that no reply can be (a bug in a command); what was written before
        it of the same reply is the caller's to cut off (`mark` and `cut`).
        """
        cdef object kind
        if self.sink is not None:
            self.sink(value)
            return 0
        if value is replies.OK:
            return self.write_raw(b"+OK\r\n", 5)
        kind = type(value)
        if kind is bytes:
            return self.write_bulk(<bytes>value)
        if value is None:
            if resp == 3:
                return self.write_raw(b"_\r\n", 3)
            return self.write_raw(b"$-1\r\n", 5)
        if kind is int:
            return self.write_integer(b":", value)
        if kind is list or kind is tuple:
            self.write_integer(b"*", len(value))
            return self.write_items(value, resp)
        if kind is float:
            return write_double(self, value, resp)
        return self.write_other(value, kind, resp)

    cdef int write_items(self, object items, int resp) except -1:
        for item in items:
            self.write(item, resp)
        return 0

    cdef int write_flat(self, char resp3_prefix, list items, Py_ssize_t count, int resp) except -1:
        """An aggregate whose header differs by protocol: `count` units in RESP3, all items in RESP2."""
        if resp == 3:
            self.write_integer(resp3_prefix, count)
        else:
            self.write_integer(b"*", len(items))
        return self.write_items(items, resp)

    cdef int write_other(self, object value, object kind, int resp) except -1:
        """The rarer replies."""
        if kind is BulkArray:
            self.write_integer(b"*", (<BulkArray>value).count)
            return self.write_raw((<BulkArray>value).data, (<BulkArray>value).length)
        if kind is replies.Status:
            return self.write_line(b"+", (<replies.Status>value).text)
        if kind is replies.Error:
            return self.write_error((<replies.Error>value).text)
        if kind is replies.Sentinel:
            if value is replies.NULL_ARRAY:
                if resp == 3:
                    return self.write_raw(b"_\r\n", 3)
                return self.write_raw(b"*-1\r\n", 5)
            return 0
        if kind is replies.Map:
            return self.write_flat(
                b"%", (<replies.Map>value).items, len((<replies.Map>value).items) // 2, resp
            )
        if kind is replies.Set:
            return self.write_flat(b"~", (<replies.Set>value).items, len((<replies.Set>value).items), resp)
        if kind is replies.Several:
            return self.write_items((<replies.Several>value).items, resp)
        if kind is replies.Push:
            return self.write_flat(b">", (<replies.Push>value).items, len((<replies.Push>value).items), resp)
        if kind is replies.Double:
            if (<replies.Double>value).text is not None:
                return self.write_text(b",", (<replies.Double>value).text, resp)
            return write_double(self, (<replies.Double>value).value, resp)
        if kind is bool:
            if resp == 3:
                return self.write_raw(b"#t\r\n" if value else b"#f\r\n", 4)
            return self.write_raw(b":1\r\n" if value else b":0\r\n", 4)
        if kind is replies.BigNumber:
            return self.write_text(b"(", (<replies.BigNumber>value).digits, resp)
        if kind is replies.Verbatim:
            return self.write_verbatim(value, resp)
        if kind is replies.Attributed:
            if resp == 3:
                self.write_integer(b"|", len((<replies.Attributed>value).attributes) // 2)
                self.write_items((<replies.Attributed>value).attributes, resp)
            return self.write((<replies.Attributed>value).value, resp)
        raise TypeError(f"no reply can be made of {kind.__name__}")

    def write_text(self, bytes prefix, bytes text, int resp):
        """A value that RESP3 writes as a line behind `prefix`, and RESP2 as a bulk string."""
        if resp == 3:
            self.write_encoded(prefix + text + b"\r\n")
        else:
            self.write_bulk(text)
        return 0

    def write_verbatim(self, replies.Verbatim value not None, int resp):
        """A verbatim string; RESP2 has none and gets the bulk string of its text."""
        if resp == 3:
            self.write_integer(b"=", len(value.text) + 4)
            self.write_encoded(value.format + b":" + value.text + b"\r\n")
        else:
            self.write_bulk(value.text)
        return 0

    # --- what the network does with it

    cdef Py_ssize_t pending(self) noexcept:
        """Bytes not yet sent."""
        return self.end - self.start + self.large_bytes

    def __len__(self):
        return self.pending()

    @property
    def allocated(self):
        """Bytes of memory held: the buffer, and what is referenced in it."""
        return (self.capacity or self.end) + self.large_bytes

    def mark(self):
        """The place reached, to give to `cut`."""
        return (self.end, len(self.large) if self.large is not None else 0)

    def cut(self, tuple mark not None):
        """Forgets everything written since `mark`; nothing may have been sent in between."""
        cdef Py_ssize_t end = mark[0]
        while self.large is not None and len(self.large) > <Py_ssize_t>mark[1]:
            self.large_bytes -= len(self.large.pop())
            self.large_at.pop()
        if self.start <= end <= self.end:
            self.end = end

    def take(self):
        """Everything pending as one bytes object, and forgets it (tests, TLS, the embedded store)."""
        cdef list parts = []
        cdef Py_ssize_t at = self.start
        cdef Py_ssize_t skip = self.large_sent
        cdef Py_ssize_t offset
        if self.large is not None:
            for value, offset in zip(self.large, self.large_at):
                parts.append(self.data[at:offset])
                parts.append(value[skip:])
                at = offset
                skip = 0
        if self.data != NULL:
            parts.append(self.data[at:self.end])
        self.release()
        return b"".join(parts)

    cdef int iovec(self, void* vectors, int limit) noexcept:
        """Fills up to `limit` struct iovec with what to send next; returns how many."""
        cdef c_iovec* vector = <c_iovec*>vectors
        cdef Py_ssize_t at = self.start
        cdef Py_ssize_t skip = self.large_sent
        cdef Py_ssize_t offset, i, count
        cdef int used = 0
        cdef bytes value
        count = 0 if self.large is None else len(self.large)
        for i in range(count):
            if used + 2 >= limit:
                return used
            offset = self.large_at[i]
            if offset > at:
                vector[used].iov_base = self.data + at
                vector[used].iov_len = offset - at
                used += 1
            value = self.large[i]
            vector[used].iov_base = PyBytes_AS_STRING(value) + skip
            vector[used].iov_len = PyBytes_GET_SIZE(value) - skip
            used += 1
            at = offset
            skip = 0
        if self.end > at:
            vector[used].iov_base = self.data + at
            vector[used].iov_len = self.end - at
            used += 1
        return used

    cdef void sent(self, Py_ssize_t count):
        """Forgets the first `count` pending bytes, in the order that `iovec` gave them."""
        cdef Py_ssize_t step
        if not self.large_bytes:        # nearly always
            self.start += count
            if self.start == self.end:
                self.return_block()
            return
        while count > 0 and self.large_bytes:
            step = min(count, <Py_ssize_t>self.large_at[0] - self.start)
            self.start += step
            count -= step
            if count == 0:
                break
            step = min(count, <Py_ssize_t>len(self.large[0]) - self.large_sent)
            self.large_sent += step
            self.large_bytes -= step
            count -= step
            if self.large_sent == len(self.large[0]):
                self.large.pop(0)
                self.large_at.pop(0)
                self.large_sent = 0
        self.start += count
        if self.start == self.end and not self.large_bytes:
            self.release()

    cdef void return_block(self):
        """Returns the memory of the bytes that were copied here, and forgets them."""
        global pooled
        if self.capacity == BLOCK and pooled < POOLED:
            pool[pooled] = self.data
            pooled += 1
        elif self.capacity:
            PyMem_RawFree(self.data)
        else:
            self.shared = None
        self.data = NULL
        self.capacity = self.start = self.end = 0

    cdef void release(self):
        """Drops everything pending and returns the memory."""
        self.return_block()
        self.large = None
        self.large_at = None
        self.large_bytes = self.large_sent = 0


cpdef bytes encode_strings(bytes prefix, list strings):
    """An aggregate of bulk strings as the protocol has it: `prefix` is `*` for an array, `>` for RESP3's push. O(bytes)."""
    cdef Py_ssize_t size = count_size(PyList_GET_SIZE(strings))
    cdef bytes text, encoded
    cdef char* at
    for text in strings:
        size += count_size(PyBytes_GET_SIZE(text)) + PyBytes_GET_SIZE(text) + 2
    encoded = PyBytes_FromStringAndSize(NULL, size)
    at = PyBytes_AS_STRING(encoded)
    at = put_count(at, PyBytes_AS_STRING(prefix)[0], PyList_GET_SIZE(strings))
    for text in strings:
        at = put_count(at, b"$", PyBytes_GET_SIZE(text))
        memcpy(at, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
        at += PyBytes_GET_SIZE(text)
        at[0] = b"\r"
        at[1] = b"\n"
        at += 2
    return encoded


cdef Py_ssize_t count_size(Py_ssize_t count) noexcept:
    """The bytes that `put_count` writes."""
    cdef Py_ssize_t size = 4    # prefix, digit, line end
    while count >= 10:
        count //= 10
        size += 1
    return size


cdef char* put_count(char* at, char prefix, Py_ssize_t count) noexcept:
    """Writes a prefix, a number that is not negative, and a line end at `at`; returns the place behind them."""
    at[0] = prefix
    at += 1 + format_int64(count, at + 1)
    at[0] = b"\r"
    at[1] = b"\n"
    return at + 2


cdef int write_double(ReplyBuffer buffer, double value, int resp) except -1:
    """A number in its shortest form: RESP3 a line behind `,`, RESP2 a bulk string."""
    cdef char text[DOUBLE_TEXT]
    cdef int length = format_double_text(value, text)
    if resp == 3:
        buffer.write_raw(b",", 1)
    else:
        buffer.write_integer(b"$", length)
    buffer.write_raw(text, length)
    return buffer.write_raw(b"\r\n", 2)
