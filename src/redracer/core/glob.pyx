# Glob-style matching, by the rules of Redis's KEYS, SCAN, PSUBSCRIBE and CONFIG GET.
#
# `*` any run of bytes, `?` one byte, `[abc]`, `[a-z]`, `[^a]` one byte of (not of) a class, `\x` the byte x. A class
# that is not closed ends with the pattern. Two oddities that clients can see: a pattern of stars does not match the
# empty text (KEYS * is its callers' special case), and class ranges compare *signed* bytes, as `char` is on x86.
#
# When a star's rest does not match at any position, no longer match of an *earlier* star can help: the rest would
# only begin later. So it is enough to go back to the last star, which makes this a loop: O(pattern * text), no stack.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE


cdef enum:
    STAR_LIMIT = 1000  # stars with something behind them, runs counted once: Redis's limit on its recursion


cdef inline int lower(int character) noexcept:
    return character + 32 if c"A" <= character <= c"Z" else character


cdef inline bint same(char left, char right, bint ignore_case) noexcept:
    return left == right or (ignore_case and lower(left) == lower(right))


cdef inline bint in_range(int first, int last, int character, bint ignore_case) noexcept:
    """Whether a range of a class, whose ends may be swapped, holds the character."""
    if first > last:
        first, last = last, first
    if ignore_case:
        first = lower(first)
        last = lower(last)
        character = lower(character)
    return first <= character <= last


cdef Py_ssize_t match_class(
    const signed char* pattern, Py_ssize_t at, Py_ssize_t length, signed char character, bint ignore_case, bint* matched
) noexcept:
    """Tests a character against the class whose `[` is at `at`; returns the index behind the class."""
    cdef bint negated
    cdef bint found = False
    at += 1
    negated = at < length and pattern[at] == c"^"
    at += negated
    while at < length and pattern[at] != c"]":
        if pattern[at] == c"\\" and length - at >= 2:
            # An escaped byte of a class is compared with its case, even where case is ignored.
            found = found or pattern[at + 1] == character
            at += 2
        elif length - at >= 3 and pattern[at + 1] == c"-":
            found = found or in_range(pattern[at], pattern[at + 2], character, ignore_case)
            at += 3
        else:
            found = found or same(pattern[at], character, ignore_case)
            at += 1
    matched[0] = found != negated
    return at + 1 if at < length else length


cdef Py_ssize_t match_one(
    const char* pattern, Py_ssize_t at, Py_ssize_t length, char character, bint ignore_case
) noexcept:
    """Matches one character against the pattern element at `at` (not a star, at < length); returns the index behind
    the element, or -1 when it does not match."""
    cdef bint matched
    if pattern[at] == c"?":
        return at + 1
    if pattern[at] == c"[":
        at = match_class(<const signed char*>pattern, at, length, character, ignore_case, &matched)
        return at if matched else -1
    if pattern[at] == c"\\" and length - at >= 2:
        at += 1
    return at + 1 if same(pattern[at], character, ignore_case) else -1


cdef bint glob_match(
    const char* pattern, Py_ssize_t pattern_length, const char* text, Py_ssize_t text_length, bint ignore_case
) noexcept:
    """Whether the whole text matches the pattern. O(pattern_length * text_length) at worst."""
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t position = 0
    cdef Py_ssize_t after_star = -1  # the index behind the last star, or -1 before there was one
    cdef Py_ssize_t star_position = 0  # where in the text the rest behind that star is being tried
    cdef Py_ssize_t following
    cdef int stars = 0
    if text_length <= 0:
        return pattern_length <= 0
    while position < text_length:
        if at < pattern_length and pattern[at] == c"*":
            while at < pattern_length and pattern[at] == c"*":
                at += 1
            if at == pattern_length:
                return True
            stars += 1
            if stars > STAR_LIMIT:
                return False
            after_star = at
            star_position = position
            continue
        following = match_one(pattern, at, pattern_length, text[position], ignore_case) if at < pattern_length else -1
        if following >= 0:
            at = following
            position += 1
            if position < text_length:
                continue
            while at < pattern_length and pattern[at] == c"*":
                at += 1
            if at == pattern_length:
                return True
        if after_star < 0:
            return False
        star_position += 1
        at = after_star
        position = star_position
    return False


def match(bytes pattern not None, bytes text not None, bint ignore_case=False):
    """Whether the whole of `text` matches the glob-style `pattern`; `ignore_case` folds ASCII letters.
    O(len(pattern) * len(text)) at worst, linear for ordinary patterns."""
    return glob_match(
        PyBytes_AS_STRING(pattern),
        PyBytes_GET_SIZE(pattern),
        PyBytes_AS_STRING(text),
        PyBytes_GET_SIZE(text),
        ignore_case,
    )
