"""The interface of types/stream/entry_cursor.pyx: all of it is for compiled code (entry_cursor.pxd)."""

class EntryCursor:
    """A place among the entries of a stream."""
