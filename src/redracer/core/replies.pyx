"""What a command may return besides Python's own values.

A command returns a value and never sees the wire. Plain values need no marker: `bytes` is a bulk
string, `int` an integer, `None` a null, `list` and `tuple` arrays, `bool` a RESP3 boolean (RESP2 0 or
1). The classes here mark what Python has no type for. `resp_write` encodes them; the embedded store
and scripts read their fields.
"""

cimport cython


@cython.final
@cython.freelist(8)
cdef class Status:
    """A simple string such as `+OK`."""

    def __init__(self, bytes text not None):
        self.text = text

    def __repr__(self):
        return f"Status({self.text!r})"

    def __eq__(self, other):
        return isinstance(other, Status) and (<Status>other).text == self.text

    def __hash__(self):
        return hash(self.text)


@cython.final
@cython.freelist(8)
cdef class Error:
    """An error reply as a value (inside an array, or from a script); commands raise CommandError."""

    def __init__(self, bytes text not None):
        self.text = text

    def __repr__(self):
        return f"Error({self.text!r})"

    def __eq__(self, other):
        return isinstance(other, Error) and (<Error>other).text == self.text

    def __hash__(self):
        return hash(self.text)


@cython.final
@cython.freelist(8)
cdef class Double:
    """A floating point number: RESP3 `,`, RESP2 a bulk string. `text` is how it is written, None for the shortest form."""

    def __init__(self, double value, bytes text=None):
        self.value = value
        self.text = text

    def __repr__(self):
        return f"Double({self.value!r})"

    def __eq__(self, other):
        return isinstance(other, Double) and (<Double>other).value == self.value

    def __hash__(self):
        return hash(self.value)


@cython.final
@cython.freelist(8)
cdef class Map:
    """Pairs, as the flat list [key, value, key, value, ...]: RESP3 `%`, RESP2 a flat array."""

    def __init__(self, list items not None):
        if len(items) % 2:
            raise ValueError("a Map takes a flat list of keys and values")
        self.items = items

    def __repr__(self):
        return f"Map({self.items!r})"

    def __eq__(self, other):
        return isinstance(other, Map) and (<Map>other).items == self.items


@cython.final
@cython.freelist(8)
cdef class Set:
    """Distinct elements in the order of the list: RESP3 `~`, RESP2 an array."""

    def __init__(self, list items not None):
        self.items = items

    def __repr__(self):
        return f"Set({self.items!r})"

    def __eq__(self, other):
        return isinstance(other, Set) and (<Set>other).items == self.items


@cython.final
@cython.freelist(8)
cdef class Push:
    """Out-of-band data: RESP3 `>`, RESP2 an array."""

    def __init__(self, list items not None):
        self.items = items

    def __repr__(self):
        return f"Push({self.items!r})"

    def __eq__(self, other):
        return isinstance(other, Push) and (<Push>other).items == self.items


@cython.final
cdef class Several:
    """Replies one after another, as many as the list has: what SUBSCRIBE sends, a message for each channel."""

    def __init__(self, list items not None):
        self.items = items

    def __repr__(self):
        return f"Several({self.items!r})"

    def __eq__(self, other):
        return isinstance(other, Several) and (<Several>other).items == self.items


@cython.final
cdef class Attributed:
    """A value with RESP3 attributes (flat list of pairs) before it; RESP2 drops the attributes."""

    def __init__(self, list attributes not None, value):
        self.attributes = attributes
        self.value = value

    def __repr__(self):
        return f"Attributed({self.attributes!r}, {self.value!r})"


@cython.final
cdef class BigNumber:
    """An integer of any size as its decimal digits: RESP3 `(`, RESP2 a bulk string."""

    def __init__(self, bytes digits not None):
        self.digits = digits

    def __repr__(self):
        return f"BigNumber({self.digits!r})"


@cython.final
cdef class Verbatim:
    """Text with a three-letter format (`txt`, `mkd`): RESP3 `=`, RESP2 a bulk string."""

    def __init__(self, bytes format not None, bytes text not None):
        if len(format) != 3:
            raise ValueError("a verbatim string's format has three letters")
        self.format = format
        self.text = text

    def __repr__(self):
        return f"Verbatim({self.format!r}, {self.text!r})"


@cython.final
cdef class Sentinel:
    """A reply that is only itself: NULL_ARRAY (RESP2 `*-1`, RESP3 `_`), NO_REPLY (nothing is sent)."""

    def __init__(self, str name not None):
        self.name = name

    def __repr__(self):
        return self.name


cdef Status OK = Status(b"OK")
cdef Sentinel NULL_ARRAY = Sentinel("NULL_ARRAY")
cdef Sentinel NO_REPLY = Sentinel("NO_REPLY")

globals()["OK"] = OK
globals()["NULL_ARRAY"] = NULL_ARRAY
globals()["NO_REPLY"] = NO_REPLY
globals()["Reply"] = object
