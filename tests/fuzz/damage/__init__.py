"""Damaged payloads of DUMP, RDB files and append-only files: each is refused with a clear error, or loaded.

`values.py` has the values and what is done with them, `kinds.py` the three kinds of input, `__main__.py` the long run.
"""
