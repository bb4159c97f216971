# Numbers as text, by Redis's rules.
#
# Integers are strict: what parse_int64 accepts, format_int64 writes back byte for byte, so that a string value
# may be kept as an integer and no client can tell. Doubles are what strtod accepts without leading space, and are
# written in the shortest form that reads back as the same double. INCRBYFLOAT computes in `long double` (80 bits
# on x86), because Redis does and its sums show it: 0.1 + 0.2 is 0.3 there.
#
# strtod and snprintf follow the locale of the process, which an embedding program may have set: every call runs
# under a C locale of our own. All of these functions take a length and never read past it.

cimport libc.errno as c_errno
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free
from libc.math cimport isinf, isnan
from libc.stdio cimport snprintf
from libc.stdlib cimport abs, atoi, free, malloc, strtod
from libc.string cimport memcpy, memset


cdef extern from *:
    """
    #include <locale.h>
    #include <stdlib.h>
    #if defined(__APPLE__)
    #include <xlocale.h>
    #endif
    static locale_t redracer_c_locale(void) { return newlocale(LC_ALL_MASK, "C", (locale_t)0); }
    static const char redracer_digit_pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
        "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
        "9899";
    """
    ctypedef void* locale_t
    locale_t redracer_c_locale() noexcept
    locale_t uselocale(locale_t locale) noexcept
    const char* redracer_digit_pairs
    long double strtold(const char* text, char** end) noexcept


cdef extern from "Python.h":
    char* PyOS_double_to_string(double value, char format_code, int precision, int flags, int* kind)


cdef enum:
    FLOAT_TEXT_LIMIT = 5120  # bytes: Redis refuses longer text as a float, and no formatted long double is longer
    SHORT_TEXT = 64

cdef double HALF_INT64 = 4611686018427387904.0

NOT_A_FLOAT = 1
INCREMENT_NOT_A_FLOAT = 2
INCREMENT_NOT_FINITE = 3
RESULT_NOT_FINITE = 4

cdef locale_t c_locale = redracer_c_locale()


# Integers


cdef bint parse_int64(const char* text, Py_ssize_t length, long long* out) noexcept:
    """Reads a signed 64-bit integer in its one canonical form: "-5", never "+5", "05", " 5" or "-0"."""
    cdef unsigned long long value
    cdef unsigned int digit
    cdef Py_ssize_t at = 0
    cdef bint negative
    if length <= 0 or length > INT64_TEXT:
        return False
    negative = text[0] == c"-"
    at = negative
    if at == length:
        return False
    digit = <unsigned char>text[at] - <unsigned int>c"0"
    if digit == 0 and length == 1:
        out[0] = 0
        return True
    if digit == 0 or digit > 9 or length - at > 19:
        return False
    value = digit
    at += 1
    # 19 digits stay below 10**19 < 2**64, so the sum cannot wrap and one check at the end is enough.
    while at < length:
        digit = <unsigned char>text[at] - <unsigned int>c"0"
        if digit > 9:
            return False
        value = value * 10 + digit
        at += 1
    if value > <unsigned long long>0x7FFFFFFFFFFFFFFF + negative:
        return False
    out[0] = <long long>(0 - value) if negative else <long long>value
    return True


cdef int format_int64(long long value, char* out) noexcept:
    """Writes `value` in decimal to `out` (room for INT64_TEXT bytes, no NUL is added); returns the number of bytes."""
    cdef char reversed_text[INT64_TEXT]
    cdef unsigned long long rest = <unsigned long long>value
    cdef unsigned long long quotient
    cdef int at = INT64_TEXT
    cdef int length
    if value < 0:
        rest = 0 - rest
    while rest >= 100:
        quotient = rest // 100
        at -= 2
        memcpy(&reversed_text[at], redracer_digit_pairs + 2 * (rest - quotient * 100), 2)
        rest = quotient
    if rest >= 10:
        at -= 2
        memcpy(&reversed_text[at], redracer_digit_pairs + 2 * rest, 2)
    else:
        at -= 1
        reversed_text[at] = <char>(c"0" + rest)
    if value < 0:
        at -= 1
        reversed_text[at] = c"-"
    length = INT64_TEXT - at
    memcpy(out, &reversed_text[at], length)
    return length


def parse_integer(bytes text not None):
    """Returns the signed 64-bit integer that `text` is the canonical decimal form of, or None. O(1)."""
    cdef long long value
    if parse_int64(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), &value):
        return value
    return None


def format_integer(long long value):
    """Returns the decimal form of a signed 64-bit integer; OverflowError outside that range. O(1)."""
    cdef char text[INT64_TEXT]
    cdef int length = format_int64(value, text)
    return PyBytes_FromStringAndSize(text, length)


# Doubles


cdef inline bint is_space(char character) noexcept:
    return character == c" " or c"\t" <= character <= c"\r"


cdef char* terminated(const char* text, Py_ssize_t length, char* short_text) noexcept:
    """Copies `text` with a NUL behind it: into `short_text` (SHORT_TEXT bytes) if it fits, else into memory that the
    caller frees. NULL when out of memory."""
    cdef char* copy = short_text if length < SHORT_TEXT else <char*>malloc(length + 1)
    if copy != NULL:
        memcpy(copy, text, length)
        copy[length] = 0
    return copy


cdef inline bint parse_small_integer(const char* text, Py_ssize_t length, double* out) noexcept:
    """Reads up to 15 digits, with or without zeros before them: below 2**53, so exact as a double."""
    cdef bint negative = length > 0 and text[0] == c"-"
    cdef unsigned long long value = 0
    cdef unsigned int digit
    cdef Py_ssize_t at
    if length == negative or length - negative > 15:
        return False
    for at in range(negative, length):
        digit = <unsigned char>text[at] - <unsigned int>c"0"
        if digit > 9:
            return False
        value = value * 10 + digit
    out[0] = -<double>value if negative else <double>value
    return True


cdef bint parse_double_text(const char* text, Py_ssize_t length, double* out) noexcept:
    """Reads a double: decimal, hexadecimal or infinite. False for empty text, leading space, anything behind the
    number, NaN, and a magnitude that overflows or underflows to zero."""
    cdef char short_text[SHORT_TEXT]
    cdef char* copy
    cdef char* end
    cdef locale_t before
    cdef bint good
    # Scores are mostly small integers; strtod costs far more.
    if parse_small_integer(text, length, out):
        return True
    if length <= 0 or is_space(text[0]):
        return False
    copy = terminated(text, length, short_text)
    if copy == NULL:
        return False
    before = uselocale(c_locale)
    c_errno.errno = 0
    out[0] = strtod(copy, &end)
    good = end - copy == length and not isnan(out[0])
    if c_errno.errno == c_errno.ERANGE and (isinf(out[0]) or out[0] == 0):
        good = False
    uselocale(before)
    if copy != short_text:
        free(copy)
    return good


cdef bint parse_long_double(const char* text, Py_ssize_t length, long double* out) noexcept:
    """As parse_double_text, for a long double; also False for text of FLOAT_TEXT_LIMIT bytes and more."""
    cdef char copy[FLOAT_TEXT_LIMIT]
    cdef char* end
    cdef locale_t before
    cdef bint good
    if length <= 0 or length >= FLOAT_TEXT_LIMIT or is_space(text[0]):
        return False
    memcpy(copy, text, length)
    copy[length] = 0
    before = uselocale(c_locale)
    c_errno.errno = 0
    out[0] = strtold(copy, &end)
    good = end - copy == length and out[0] == out[0]
    if c_errno.errno == c_errno.ERANGE and (out[0] - out[0] != 0 or out[0] == 0):
        good = False
    uselocale(before)
    return good


cdef int shortest_digits(double value, char* digits, int* exponent) noexcept:
    """Splits a positive finite double into its shortest decimal digits (at most 17, written to `digits`) and the
    power of ten of the last one, so that value == digits * 10 ** exponent. Returns the number of digits, 0 when
    out of memory."""
    cdef char* text = PyOS_double_to_string(value, c"r", 0, 0, NULL)
    cdef int at = 0
    cdef int count = 0
    cdef int power = 0
    cdef int fraction = 0
    cdef bint behind_point = False
    if text == NULL:
        return 0
    while text[at] != 0 and text[at] != c"e":
        if text[at] == c".":
            behind_point = True
        else:
            if (count or text[at] != c"0") and count < 17:
                digits[count] = text[at]
                count += 1
            fraction += behind_point
        at += 1
    if text[at] == c"e":
        power = atoi(text + at + 1)
    PyMem_Free(text)
    exponent[0] = power - fraction
    while count > 1 and digits[count - 1] == c"0":
        count -= 1
        exponent[0] += 1
    return count


cdef int lay_out_digits(const char* digits, int count, int exponent, char* out) noexcept:
    """Writes digits * 10 ** exponent as Redis 8 does: plain up to seven zeros either side, else as 1.5e+20."""
    cdef int magnitude = exponent + count - 1
    cdef int whole = count + exponent
    cdef int at = 1
    if exponent >= 0 and magnitude < count + 7:
        memcpy(out, digits, count)
        memset(out + count, c"0", exponent)
        return whole
    if exponent < 0 and (exponent > -7 or -4 < magnitude < 4):
        if whole > 0:
            memcpy(out, digits, whole)
            out[whole] = c"."
            memcpy(out + whole + 1, digits + whole, count - whole)
            return count + 1
        memcpy(out, b"0.", 2)
        memset(out + 2, c"0", -whole)
        memcpy(out + 2 - whole, digits, count)
        return 2 - whole + count
    out[0] = digits[0]
    if count > 1:
        out[1] = c"."
        memcpy(out + 2, digits + 1, count - 1)
        at = count + 1
    out[at] = c"e"
    out[at + 1] = c"-" if magnitude < 0 else c"+"
    return at + 2 + format_int64(abs(magnitude), out + at + 2)


cdef int format_double_text(double value, char* out) noexcept:
    """Writes the shortest form that reads back as `value` to `out` (room for DOUBLE_TEXT bytes, no NUL is added);
    returns the number of bytes: at most 25. Infinity is "inf", not a number "nan", minus zero "-0"."""
    cdef char digits[17]
    cdef int exponent
    cdef int count
    cdef int sign
    if isnan(value):
        memcpy(out, b"nan", 3)
        return 3
    if value == 0 and 1 / value < 0:
        memcpy(out, b"-0", 2)
        return 2
    # Redis writes what fits half the range of a 64-bit integer as one, digits past the 17th included.
    if -HALF_INT64 <= value <= HALF_INT64 and <double><long long>value == value:
        return format_int64(<long long>value, out)
    sign = value < 0
    if sign:
        out[0] = c"-"
        value = -value
    if isinf(value):
        memcpy(out + sign, b"inf", 3)
        return sign + 3
    count = shortest_digits(value, digits, &exponent)
    if count == 0:
        return snprintf(out, DOUBLE_TEXT, b"%.17g", -value if sign else value)
    return sign + lay_out_digits(digits, count, exponent, out + sign)


def parse_double(bytes text not None):
    """Returns the float that `text` holds by Redis's rules, or None: no leading space, nothing behind the number,
    not NaN, no overflow; "inf", "-infinity" and hexadecimal are fine. O(length)."""
    cdef double value
    if parse_double_text(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), &value):
        return value
    return None


cpdef bytes format_double(double value):
    """Returns the text of a double as Redis 8 writes scores: b"3", b"0.1", b"1e+20", b"inf". O(1)."""
    cdef char text[DOUBLE_TEXT]
    cdef int length = format_double_text(value, text)
    return PyBytes_FromStringAndSize(text, length)


# INCRBYFLOAT and HINCRBYFLOAT


cdef bytes format_long_double(long double value):
    """Returns a finite long double with up to 17 decimals, trailing zeros removed, never an exponent."""
    cdef char text[FLOAT_TEXT_LIMIT]
    cdef locale_t before = uselocale(c_locale)
    # 4933 digits before the point are the most, with 17 behind it: it always fits.
    cdef int length = snprintf(text, FLOAT_TEXT_LIMIT, b"%.17Lf", value)
    uselocale(before)
    while text[length - 1] == c"0":
        length -= 1
    if text[length - 1] == c".":
        length -= 1
    if length == 2 and text[0] == c"-" and text[1] == c"0":
        return b"0"
    return PyBytes_FromStringAndSize(text, length)


def increment_by_float(bytes old, bytes increment not None):
    """Returns the text of old + increment (`old` None counts as 0), computed as a long double; or one of the codes
    NOT_A_FLOAT (`old` is none), INCREMENT_NOT_A_FLOAT, INCREMENT_NOT_FINITE (only where `old` is a float),
    RESULT_NOT_FINITE. Which of them a command reports, and how, is the command's business. O(length)."""
    cdef long double value = 0
    cdef long double delta
    if old is not None and not parse_long_double(PyBytes_AS_STRING(old), PyBytes_GET_SIZE(old), &value):
        return NOT_A_FLOAT
    if not parse_long_double(PyBytes_AS_STRING(increment), PyBytes_GET_SIZE(increment), &delta):
        return INCREMENT_NOT_A_FLOAT
    # x - x is not 0 for an infinity and for NaN only; <math.h>'s tests would need C11's generic macros.
    if delta - delta != 0:
        return INCREMENT_NOT_FINITE
    value += delta
    if value - value != 0:
        return RESULT_NOT_FINITE
    return format_long_double(value)
