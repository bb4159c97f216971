# Strings that are looked up often: their places in Lua's registry, where sandbox.pyx puts them first of all.

cdef enum:
    KEY_ERR = 1
    KEY_OK = 2
    KEY_DOUBLE = 3
    KEY_BIG_NUMBER = 4
    KEY_VERBATIM = 5
    KEY_MAP = 6
    KEY_SET = 7
    KEY_COUNTED = 8
    KEY_ERROR_HANDLER = 9
    KEY_GLOBALS = 10        # the table behind the read-only `_G`
    KEY_LOCKED = 11         # an empty read-only table: what getmetatable gives of a read-only table
    KEY_ENVIRONMENT = 12    # the read-only `_G`
