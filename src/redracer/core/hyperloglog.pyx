# HyperLogLog sketches in Redis's own bytes: PFADD, PFCOUNT, PFMERGE.
#
# A sketch is a string: "HYLL", the encoding (0 dense, 1 sparse), three zeros, the cached cardinality (8 bytes, little-
# endian; its top bit set means that it is stale), then 16384 registers. Dense: 6 bits each, from the low bits of each
# byte up. Sparse: runs of registers that cover all 16384 in order,
#   00xxxxxx           ZERO   x + 1 registers of 0
#   01xxxxxx xxxxxxxx  XZERO  x + 1 registers of 0
#   1vvvvvxx           VAL    x + 1 registers of v + 1
# How runs are split and joined decides the bytes, and those are Redis's, so that a dump or a replica is the same.
#
# A string of a client is untrusted: every walk over runs checks that a run's bytes are within the string and its
# registers within the 16384, and raises CorruptedSketch if not. Functions take and return immutable bytes; a change
# is made in a Scratch buffer of one's own, and one that changes no register costs no copy.
#
# Hash: MurmurHash64A (Austin Appleby), Redis's seed. Estimate: Otmar Ertl, "New cardinality estimation algorithms for
# HyperLogLog sketches", arXiv:1702.01284, improved raw estimator.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.math cimport INFINITY, sqrt
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memcpy, memmove, memset


cdef extern from *:
    int count_trailing_zeros "__builtin_ctzll"(unsigned long long value) noexcept
    long long round_long_double "llroundl"(long double value) noexcept


cdef enum:
    REGISTER_COUNT = 16384
    INDEX_BITS = 14
    HASH_BITS = 50  # of the 64, those that are not the register's index
    REGISTER_MAX = 63
    HEADER = 16
    DENSE_LENGTH = 16 + 12288
    ENCODING_AT = 4
    CARDINALITY_AT = 8
    STALE_AT = 15
    STALE = 0x80
    DENSE = 0
    SPARSE = 1
    SPARSE_VALUE_MAX = 32  # a larger register needs the dense encoding
    VALUE_RUN_MAX = 4
    ZERO_RUN_MAX = 64
    GROWTH = 3  # bytes at most that one register adds: XZERO becomes XZERO VAL XZERO
    SELF_TEST_CYCLES = 1000
    JOIN_RUNS = 5  # runs that are looked at, from the one before the changed one, for joining

REGISTERS = REGISTER_COUNT
EMPTY = b"HYLL\x01\0\0\0" + b"\0\0\0\0\0\0\0\x80" + b"\x7f\xff"


class CorruptedSketch(Exception):
    """The bytes begin like a sketch, but their registers are not one."""


cdef struct Run:
    int size  # bytes
    int length  # registers
    int value


cdef inline bint read_run(const unsigned char* at, const unsigned char* end, Run* run) noexcept:
    """Reads the run at `at` (which is before `end`); False when the string ends inside it."""
    cdef int head = at[0]
    run.size = 1
    run.value = 0
    if head & 0x80:
        run.value = (head >> 2 & 31) + 1
        run.length = (head & 3) + 1
    elif head & 0x40:
        if end - at < 2:
            return False
        run.size = 2
        run.length = (((head & 63) << 8) | at[1]) + 1
    else:
        run.length = (head & 63) + 1
    return True


cdef inline unsigned char* write_value_run(unsigned char* at, int value, int length) noexcept:
    at[0] = <unsigned char>(0x80 | (value - 1) << 2 | (length - 1))
    return at + 1


cdef inline unsigned char* write_zero_run(unsigned char* at, int length) noexcept:
    if length <= ZERO_RUN_MAX:
        at[0] = <unsigned char>(length - 1)
        return at + 1
    at[0] = <unsigned char>(0x40 | (length - 1) >> 8)
    at[1] = <unsigned char>(length - 1)
    return at + 2


cdef inline int get_register(const unsigned char* dense, int index) noexcept:
    """A register of the 12288 bytes behind the header; 0 <= index < 16384."""
    cdef int byte = index * 6 >> 3
    cdef int shift = index * 6 & 7
    cdef int value = dense[byte] >> shift
    if shift > 2:
        value |= dense[byte + 1] << (8 - shift)
    return value & REGISTER_MAX


cdef inline void set_register(unsigned char* dense, int index, int value) noexcept:
    cdef int byte = index * 6 >> 3
    cdef int shift = index * 6 & 7
    dense[byte] = <unsigned char>((dense[byte] & ~(REGISTER_MAX << shift)) | value << shift)
    if shift > 2:
        dense[byte + 1] = <unsigned char>((dense[byte + 1] & ~(REGISTER_MAX >> (8 - shift))) | value >> (8 - shift))


# Hashing


cdef uint64_t murmur_hash_64a(const unsigned char* data, Py_ssize_t length, uint64_t seed) noexcept:
    cdef uint64_t multiplier = 0xC6A4A7935BD1E995ULL
    cdef uint64_t value = seed ^ (<uint64_t>length * multiplier)
    cdef uint64_t word
    cdef Py_ssize_t at = 0
    cdef int index
    while length - at >= 8:
        word = 0
        for index in range(8):
            word |= <uint64_t>data[at + index] << (8 * index)
        word *= multiplier
        word ^= word >> 47
        word *= multiplier
        value = (value ^ word) * multiplier
        at += 8
    if at < length:
        for index in range(<int>(length - at)):
            value ^= <uint64_t>data[at + index] << (8 * index)
        value *= multiplier
    value ^= value >> 47
    value *= multiplier
    return value ^ (value >> 47)


cdef int hash_bytes_of(const unsigned char* data, Py_ssize_t length, int* value) noexcept:
    """Returns the register that an element belongs to, and through `value` the one-based position of the first one bit
    in the rest of its hash: 1 to 51."""
    cdef uint64_t hashed = murmur_hash_64a(data, length, 0xADC83B19)
    value[0] = count_trailing_zeros(hashed >> INDEX_BITS | <uint64_t>1 << HASH_BITS) + 1
    return <int>(hashed & (REGISTER_COUNT - 1))


cdef inline int hash_element(bytes element, int* value) noexcept:
    return hash_bytes_of(<const unsigned char*>PyBytes_AS_STRING(element), PyBytes_GET_SIZE(element), value)


# Reading


cdef bint has_header(bytes value) noexcept:
    cdef const unsigned char* data = <const unsigned char*>PyBytes_AS_STRING(value)
    cdef Py_ssize_t length = PyBytes_GET_SIZE(value)
    if length < HEADER or memcmp(data, b"HYLL", 4) != 0:
        return False
    return length == DENSE_LENGTH if data[ENCODING_AT] == DENSE else data[ENCODING_AT] == SPARSE


cdef const unsigned char* checked(bytes value) except NULL:
    """The bytes of a value whose header is a sketch's; ValueError otherwise."""
    if value is None or not has_header(value):
        raise ValueError("not a HyperLogLog sketch")
    return <const unsigned char*>PyBytes_AS_STRING(value)


cdef int raise_registers(bytes value, unsigned char* highest) except -1:
    """Raises each of the 16384 bytes of `highest` to the sketch's register, if that is larger."""
    cdef const unsigned char* at = checked(value)
    cdef const unsigned char* end = at + PyBytes_GET_SIZE(value)
    cdef bint dense = at[ENCODING_AT] == DENSE
    cdef int index = 0
    cdef int register
    cdef Run run
    at += HEADER
    if dense:
        for index in range(REGISTER_COUNT):
            register = get_register(at, index)
            if register > highest[index]:
                highest[index] = register
        return 0
    while at < end:
        if not read_run(at, end, &run) or run.length > REGISTER_COUNT - index:
            raise CorruptedSketch
        if run.value:
            for register in range(index, index + run.length):
                if run.value > highest[register]:
                    highest[register] = run.value
        index += run.length
        at += run.size
    if index != REGISTER_COUNT:
        raise CorruptedSketch
    return 0


cdef double sigma(double x) noexcept:
    """x + sum of x ** (2 ** k) * 2 ** (k - 1) for k >= 1."""
    cdef double y = 1
    cdef double z = x
    cdef double before = -1
    if x == 1:
        return INFINITY
    while before != z:
        x *= x
        before = z
        z += x * y
        y += y
    return z


cdef double tau(double x) noexcept:
    """(1 - x - sum of (1 - x ** (2 ** -k)) ** 2 * 2 ** -k for k >= 1) / 3."""
    cdef double y = 1
    cdef double z = 1 - x
    cdef double before = -1
    if x == 0 or x == 1:
        return 0
    while before != z:
        x = sqrt(x)
        before = z
        y *= 0.5
        z -= (1 - x) * (1 - x) * y
    return z / 3


cdef long long estimate(const unsigned char* highest) noexcept:
    """The estimated number of distinct elements, from 16384 registers of a byte each (0 to 63)."""
    cdef int histogram[REGISTER_MAX + 1]
    cdef double m = REGISTER_COUNT
    cdef double z
    cdef int index
    memset(histogram, 0, sizeof(histogram))
    for index in range(REGISTER_COUNT):
        histogram[highest[index]] += 1
    z = m * tau((m - histogram[HASH_BITS + 1]) / m)
    for index in range(HASH_BITS, 0, -1):
        z += histogram[index]
        z *= 0.5
    z += m * sigma(histogram[0] / m)
    return round_long_double(0.721347520444481703680 * m * m / z)


# Changing


cdef class Scratch:
    """A sketch that is being changed, in a buffer of its own. `data` moves when it grows and when it becomes dense."""

    cdef unsigned char* data
    cdef Py_ssize_t length
    cdef Py_ssize_t capacity

    def __cinit__(self, bytes value not None):
        cdef const unsigned char* source = checked(value)
        self.length = PyBytes_GET_SIZE(value)
        self.capacity = self.length + GROWTH
        self.data = <unsigned char*>PyMem_Malloc(self.capacity)
        if self.data == NULL:
            raise MemoryError
        memcpy(self.data, source, self.length)

    def __dealloc__(self):
        PyMem_Free(self.data)

    cdef bytes value(self):
        return PyBytes_FromStringAndSize(<char*>self.data, self.length)

    cdef int make_room(self) except -1:
        """Makes sure that the buffer has room for GROWTH more bytes."""
        cdef Py_ssize_t capacity = 2 * self.length
        cdef unsigned char* data
        if self.capacity - self.length >= GROWTH:
            return 0
        data = <unsigned char*>PyMem_Realloc(self.data, capacity)
        if data == NULL:
            raise MemoryError
        self.data = data
        self.capacity = capacity
        return 0

    cdef int make_dense(self) except -1:
        """Changes the encoding to dense, if it is sparse."""
        cdef unsigned char highest[REGISTER_COUNT]
        cdef unsigned char* data
        cdef int index
        if self.data[ENCODING_AT] == DENSE:
            return 0
        memset(highest, 0, REGISTER_COUNT)
        raise_registers(self.value(), highest)
        data = <unsigned char*>PyMem_Malloc(DENSE_LENGTH)
        if data == NULL:
            raise MemoryError
        memcpy(data, self.data, HEADER)
        memset(data + HEADER, 0, DENSE_LENGTH - HEADER)
        data[ENCODING_AT] = DENSE
        for index in range(REGISTER_COUNT):
            set_register(data + HEADER, index, highest[index])
        PyMem_Free(self.data)
        self.data = data
        self.length = self.capacity = DENSE_LENGTH
        return 0

    cdef bint set(self, int index, int value, Py_ssize_t sparse_max_bytes) except -1:
        """Raises a register to `value` (1 to 63); returns whether it was lower. Sparse: O(length)."""
        if self.data[ENCODING_AT] == SPARSE:
            if value <= SPARSE_VALUE_MAX:
                return self.set_sparse(index, value, sparse_max_bytes)
            self.make_dense()
        if get_register(self.data + HEADER, index) >= value:
            return False
        set_register(self.data + HEADER, index, value)
        self.data[STALE_AT] |= STALE
        return True

    cdef bint set_sparse(self, int index, int value, Py_ssize_t sparse_max_bytes) except -1:
        cdef unsigned char pieces[5]
        cdef Py_ssize_t at
        cdef Py_ssize_t before
        cdef int first
        cdef int size
        cdef Run run
        self.make_room()
        at = self.find(index, &first, &before, &run)
        if run.value >= value:
            return False
        size = split_run(pieces, &run, index - first, value)
        if size > run.size and self.length + size - run.size > sparse_max_bytes:
            self.make_dense()
            return self.set(index, value, sparse_max_bytes)
        memmove(self.data + at + size, self.data + at + run.size, self.length - at - run.size)
        memcpy(self.data + at, pieces, size)
        self.length += size - run.size
        self.join_values(before)
        self.data[STALE_AT] |= STALE
        return True

    cdef Py_ssize_t find(self, int index, int* first, Py_ssize_t* before, Run* run) except -1:
        """Returns the offset of the run that holds the register; its first register, the offset of the run before it
        (its own for the first run) and its content go through the pointers."""
        cdef Py_ssize_t at = HEADER
        before[0] = HEADER
        first[0] = 0
        while at < self.length:
            if not read_run(self.data + at, self.data + self.length, run):
                break
            if run.length > REGISTER_COUNT - first[0]:
                break
            if index < first[0] + run.length:
                return at
            first[0] += run.length
            before[0] = at
            at += run.size
        raise CorruptedSketch

    cdef void join_values(self, Py_ssize_t at) noexcept:
        """Joins neighbouring VAL runs of one value, among JOIN_RUNS steps from the offset `at` on."""
        cdef unsigned char* run
        cdef int length
        cdef int step
        for step in range(JOIN_RUNS):
            if at >= self.length:
                return
            run = self.data + at
            if not run[0] & 0x80:
                at += 2 if run[0] & 0x40 else 1
                continue
            # The top bit and the value: the same in both means two VAL runs that may be joined.
            if at + 1 < self.length and run[0] >> 2 == run[1] >> 2:
                length = (run[0] & 3) + (run[1] & 3) + 2
                if length <= VALUE_RUN_MAX:
                    run[1] = <unsigned char>((run[1] & 0xFC) | (length - 1))
                    memmove(run, run + 1, self.length - at - 1)
                    self.length -= 1
                    continue
            at += 1


cdef int split_run(unsigned char* pieces, Run* run, int offset, int value) noexcept:
    """Writes (at most five bytes) what replaces a run whose register number `offset` is to have the value; returns the
    size."""
    cdef unsigned char* at = pieces
    cdef int rest = run.length - offset - 1
    if offset:
        at = write_value_run(at, run.value, offset) if run.value else write_zero_run(at, offset)
    at = write_value_run(at, value, 1)
    if rest:
        at = write_value_run(at, run.value, rest) if run.value else write_zero_run(at, rest)
    return <int>(at - pieces)


# The interface


def is_sketch(bytes value not None):
    """Whether the string has the header of a sketch, and of a dense one the length. Its registers are only checked when
    they are used: CorruptedSketch. O(1)."""
    return has_header(value)


def is_dense(bytes value not None):
    """Whether a sketch has the dense encoding. ValueError for what is_sketch refuses, as in all functions below."""
    return checked(value)[ENCODING_AT] == DENSE


def add(bytes value not None, elements not None, Py_ssize_t sparse_max_bytes):
    """Adds the elements (bytes) to a sketch. Returns the new sketch (`value` itself if no register changed) and
    the number of elements that changed a register. A sparse sketch becomes dense when it would exceed
    `sparse_max_bytes`. O(1) per element for a dense sketch, O(length) for a sparse one."""
    cdef const unsigned char* data = checked(value)
    cdef bint dense = data[ENCODING_AT] == DENSE
    cdef Scratch scratch = None
    cdef Py_ssize_t changed = 0
    cdef int register
    cdef int index
    for element in elements:
        index = hash_element(<bytes?>element, &register)
        if scratch is None:
            if dense and get_register(data + HEADER, index) >= register:
                continue
            scratch = Scratch(value)
        changed += scratch.set(index, register, sparse_max_bytes)
    return (scratch.value() if changed else value), changed


def count(values not None):
    """Returns the estimated number of distinct elements in the union of the sketches. O(number)."""
    cdef unsigned char highest[REGISTER_COUNT]
    memset(highest, 0, REGISTER_COUNT)
    for value in values:
        raise_registers(<bytes?>value, highest)
    return estimate(highest)


def cached_count(bytes value not None):
    """Returns the cardinality that the sketch's header holds, or None if it is stale. O(1)."""
    cdef const unsigned char* data = checked(value)
    if data[STALE_AT] & STALE:
        return None
    return int.from_bytes(value[CARDINALITY_AT:HEADER], "little")


def with_cached_count(bytes value not None, long long cardinality):
    """Returns the sketch with the cardinality (not negative) cached in its header. O(length)."""
    checked(value)
    if cardinality < 0:
        raise ValueError("negative cardinality")
    return value[:CARDINALITY_AT] + cardinality.to_bytes(8, "little") + value[HEADER:]


def merge(bytes target not None, sources not None, Py_ssize_t sparse_max_bytes):
    """Returns the target sketch with every register raised to the largest among its own and the sources', its cached
    cardinality stale; dense if any of them is. O(number of sources), more for large sparse sketches."""
    cdef unsigned char highest[REGISTER_COUNT]
    cdef Scratch scratch = Scratch(target)
    cdef bint dense = False
    cdef int index
    memset(highest, 0, REGISTER_COUNT)
    raise_registers(target, highest)
    for source in sources:
        raise_registers(<bytes?>source, highest)
        dense = dense or checked(source)[ENCODING_AT] == DENSE
    if dense:
        scratch.make_dense()
    for index in range(REGISTER_COUNT):
        if highest[index]:
            scratch.set(index, highest[index], sparse_max_bytes)
    scratch.data[STALE_AT] |= STALE
    return scratch.value()


def to_dense(bytes value not None):
    """Returns the sketch in the dense encoding, its header otherwise unchanged. O(length)."""
    cdef Scratch scratch = Scratch(value)
    scratch.make_dense()
    return scratch.value()


def registers(bytes value not None):
    """Returns the 16384 registers as a list of int. O(length)."""
    cdef unsigned char highest[REGISTER_COUNT]
    memset(highest, 0, REGISTER_COUNT)
    raise_registers(value, highest)
    return list(PyBytes_FromStringAndSize(<char*>highest, REGISTER_COUNT))


def describe(bytes value not None):
    """Returns the runs of a sparse sketch as text, as PFDEBUG DECODE shows them: b"Z:100 v:2,1 z:9" (the
    length; for `v` the value first). ValueError for a dense sketch. O(length)."""
    cdef const unsigned char* at = checked(value)
    cdef const unsigned char* end = at + PyBytes_GET_SIZE(value)
    cdef list runs = []
    cdef Run run
    if at[ENCODING_AT] != SPARSE:
        raise ValueError("not a sparse sketch")
    at += HEADER
    while at < end:
        if not read_run(at, end, &run):
            raise CorruptedSketch
        if run.value:
            runs.append(b"v:%d,%d" % (run.value, run.length))
        else:
            runs.append(b"%c:%d" % (b"Z" if run.size == 2 else b"z", run.length))
        at += run.size
    return b" ".join(runs)


# PFSELFTEST


cdef inline uint64_t next_random(uint64_t* state) noexcept:
    """SplitMix64 (Sebastiano Vigna)."""
    cdef uint64_t value
    state[0] += 0x9E3779B97F4A7C15ULL
    value = (state[0] ^ state[0] >> 30) * 0xBF58476D1CE4E5B9ULL
    value = (value ^ value >> 27) * 0x94D049BB133111EBULL
    return value ^ value >> 31


cdef object test_register_access(uint64_t* state):
    """Sets all registers to random values many times, and reads them back."""
    cdef Scratch dense = Scratch(EMPTY)
    cdef unsigned char expected[REGISTER_COUNT]
    cdef int index
    dense.make_dense()
    for _ in range(SELF_TEST_CYCLES):
        for index in range(REGISTER_COUNT):
            expected[index] = next_random(state) & REGISTER_MAX
            set_register(dense.data + HEADER, index, expected[index])
        for index in range(REGISTER_COUNT):
            if get_register(dense.data + HEADER, index) != expected[index]:
                return b"TESTFAILED Register %d should be %d but is %d" % (
                    index, expected[index], get_register(dense.data + HEADER, index)
                )
    return None


cdef object check_estimate(Scratch dense, Scratch sparse, long long added, Py_ssize_t sparse_max_bytes):
    """Compares the two sketches, to which the same `added` elements were added, with each other and with the truth."""
    cdef double standard_error = 1.04 / sqrt(<double>REGISTER_COUNT)
    estimated = count([dense.value()])
    if added < sparse_max_bytes // 2 and sparse.data[ENCODING_AT] != SPARSE:
        return b"TESTFAILED sparse encoding not used"
    if estimated != count([sparse.value()]):
        return b"TESTFAILED dense/sparse disagree"
    # Six standard errors, at least one element: collisions among few elements weigh more than the error says.
    if abs(estimated - added) > max(1, 6 * standard_error * added):
        return b"TESTFAILED Too big error. card:%d abserr:%d" % (added, abs(estimated - added))
    return None


def self_test(uint64_t seed, Py_ssize_t sparse_max_bytes, long long elements):
    """Tests the access to registers, and the estimate for 1, 10, 100 ... up to `elements` distinct elements. Returns
    None, or what failed, as PFSELFTEST's error text. O(elements)."""
    cdef Scratch dense = Scratch(EMPTY)
    cdef Scratch sparse = Scratch(EMPTY)
    cdef uint64_t element
    cdef long long added
    cdef long long checkpoint = 1
    cdef int register
    cdef int index
    failure = test_register_access(&seed)
    dense.make_dense()
    for added in range(1, elements + 1):
        element = <uint64_t>added ^ seed
        index = hash_bytes_of(<const unsigned char*>&element, sizeof(element), &register)
        dense.set(index, register, sparse_max_bytes)
        sparse.set(index, register, sparse_max_bytes)
        if added == checkpoint and failure is None:
            failure = check_estimate(dense, sparse, added, sparse_max_bytes)
            checkpoint *= 10
    return failure
