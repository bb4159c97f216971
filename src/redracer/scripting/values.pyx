"""Values between Redis and Lua, both ways.

From a reply to Lua, by the protocol that the script has chosen (redis.setresp):

| reply           | RESP2                 | RESP3                                    |
|-----------------|-----------------------|------------------------------------------|
| bulk, integer   | string, number        | the same                                 |
| array           | array                 | the same                                 |
| status, error   | {ok=}, {err=}         | the same                                 |
| null            | false                 | nil                                      |
| map, set        | flat array            | {map={k=v}}, {set={v=true}}              |
| double, boolean | string, 1 or 0        | {double=}, true or false                 |
| big number      | string                | {big_number=}                            |
| verbatim        | string                | {verbatim_string={string=, format=}}     |

The way back is the same table read from right to left; a number loses its fraction, an array ends before its
first nil, false is null for a script of RESP2. https://redis.io/docs/latest/develop/programmability/lua-api/
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE, PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF

from redracer.core.bulk_array import BulkArray

from redracer.core cimport replies
from redracer.core.numbers cimport DOUBLE_TEXT, format_double, format_double_text, format_int64
from redracer.scripting.lua cimport (
    LUA_REGISTRYINDEX,
    LUA_TBOOLEAN,
    LUA_TNIL,
    LUA_TNUMBER,
    LUA_TSTRING,
    LUA_TTABLE,
    api,
    lua_State,
    pop,
)
from redracer.scripting.keys cimport (
    KEY_BIG_NUMBER,
    KEY_COUNTED,
    KEY_DOUBLE,
    KEY_ERR,
    KEY_MAP,
    KEY_OK,
    KEY_SET,
    KEY_VERBATIM,
)


class StackLimit(Exception):
    """A value is nested deeper than Lua's stack."""


cdef enum:
    NESTED = 7000       # levels of a reply, about what Lua's stack can hold

cdef double EXACT = 4503599627370496.0      # 2**52: up to here every integer has a double of its own


cdef int push_strings(lua_State* L, list strings, Py_ssize_t first, Py_ssize_t end) except -1:
    """Pushes an array of the bytes in strings[first:end], which the list must hold."""
    cdef Py_ssize_t i
    cdef bytes text
    api.createtable(L, end - first, 0)
    for i in range(first, end):
        text = <bytes>PyList_GET_ITEM(strings, i)
        api.pushlstring(L, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
        api.rawseti(L, -2, i - first + 1)
    return 0


# --- to Lua

cdef int push_value(lua_State* L, object value, int resp) except -1:
    """Pushes a reply. Raises StackLimit where there is no room; what it pushed then stays on the stack."""
    cdef type kind = type(value)
    if not api.checkstack(L, 5):
        raise StackLimit
    if kind is bytes:
        api.pushlstring(L, PyBytes_AS_STRING(<bytes>value), PyBytes_GET_SIZE(<bytes>value))
    elif kind is int:
        api.pushnumber(L, <double>value)
    elif value is None or value is replies.NULL_ARRAY:
        if resp == 3:
            api.pushnil(L)
        else:
            api.pushboolean(L, False)
    elif kind is list:
        push_list(L, <list>value, resp)
    elif kind is replies.Status:
        push_field(L, KEY_OK, (<replies.Status>value).text)
    else:
        push_other(L, value, kind, resp)
    return 0


cdef int push_field(lua_State* L, int key, bytes text) except -1:
    api.createtable(L, 0, 1)
    api.rawgeti(L, LUA_REGISTRYINDEX, key)
    api.pushlstring(L, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    api.rawset(L, -3)
    return 0


cdef int push_list(lua_State* L, list items, int resp) except -1:
    cdef Py_ssize_t i
    api.createtable(L, PyList_GET_SIZE(items), 0)
    for i in range(PyList_GET_SIZE(items)):
        push_value(L, <object>PyList_GET_ITEM(items, i), resp)
        api.rawseti(L, -2, i + 1)
    return 0


cdef int push_text(lua_State* L, bytes text) except -1:
    api.pushlstring(L, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    return 0


cdef int push_other(lua_State* L, object value, type kind, int resp) except -1:
    """The rarer replies."""
    cdef double number
    if kind is replies.Map:
        if resp == 3:
            return push_pairs(L, (<replies.Map>value).items)
        return push_list(L, (<replies.Map>value).items, resp)
    if kind is replies.Set:
        if resp == 3:
            return push_members(L, (<replies.Set>value).items)
        return push_list(L, (<replies.Set>value).items, resp)
    if kind is replies.Push:
        return push_list(L, (<replies.Push>value).items, resp)
    if kind is replies.Double or kind is float:
        if kind is float:
            number = <double>value
        else:
            number = (<replies.Double>value).value
        if resp == 3:
            api.createtable(L, 0, 1)
            api.rawgeti(L, LUA_REGISTRYINDEX, KEY_DOUBLE)
            api.pushnumber(L, number)
            api.rawset(L, -3)
            return 0
        if kind is replies.Double and (<replies.Double>value).text is not None:
            return push_text(L, (<replies.Double>value).text)
        return push_text(L, format_double(number))
    if kind is bool:
        if resp == 3:
            api.pushboolean(L, bool(value))
        else:
            api.pushnumber(L, 1 if value else 0)
        return 0
    if kind is replies.Error:
        api.createtable(L, 0, 4)
        api.rawgeti(L, LUA_REGISTRYINDEX, KEY_ERR)
        push_text(L, (<replies.Error>value).text)
        api.rawset(L, -3)
        api.rawgeti(L, LUA_REGISTRYINDEX, KEY_COUNTED)
        api.pushboolean(L, True)
        api.rawset(L, -3)
        return 0
    if kind is replies.BigNumber:
        if resp == 3:
            return push_field(L, KEY_BIG_NUMBER, (<replies.BigNumber>value).digits)
        return push_text(L, (<replies.BigNumber>value).digits)
    if kind is replies.Verbatim:
        return push_verbatim(L, <replies.Verbatim>value, resp)
    if kind is replies.Attributed:
        return push_value(L, (<replies.Attributed>value).value, resp)
    if kind is tuple or kind is BulkArray or hasattr(value, "__iter__"):
        return push_list(L, list(value), resp)
    api.pushboolean(L, False)
    return 0


cdef int push_pairs(lua_State* L, list items) except -1:
    """{map={key=value}}; a key that Lua cannot have (nil) is left out."""
    cdef Py_ssize_t i
    api.createtable(L, 0, 1)
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_MAP)
    api.createtable(L, 0, PyList_GET_SIZE(items) // 2)
    for i in range(0, PyList_GET_SIZE(items) - 1, 2):
        push_value(L, <object>PyList_GET_ITEM(items, i), 3)
        push_value(L, <object>PyList_GET_ITEM(items, i + 1), 3)
        set_pair(L)
    api.rawset(L, -3)
    return 0


cdef int push_members(lua_State* L, list items) except -1:
    """{set={member=true}}."""
    cdef Py_ssize_t i
    api.createtable(L, 0, 1)
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_SET)
    api.createtable(L, 0, PyList_GET_SIZE(items))
    for i in range(PyList_GET_SIZE(items)):
        push_value(L, <object>PyList_GET_ITEM(items, i), 3)
        api.pushboolean(L, True)
        set_pair(L)
    api.rawset(L, -3)
    return 0


cdef int set_pair(lua_State* L) noexcept:
    """Sets key and value at the top in the table below; a key that is nil or no number would be an error."""
    if api.type(L, -2) == LUA_TNIL or (api.type(L, -2) == LUA_TNUMBER and api.tonumber(L, -2) != api.tonumber(L, -2)):
        pop(L, 2)
    else:
        api.rawset(L, -3)
    return 0


cdef int push_verbatim(lua_State* L, replies.Verbatim value, int resp) except -1:
    if resp != 3:
        return push_text(L, value.text)
    api.createtable(L, 0, 1)
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_VERBATIM)
    api.createtable(L, 0, 2)
    api.pushlstring(L, "string", 6)
    push_text(L, value.text)
    api.rawset(L, -3)
    api.pushlstring(L, "format", 6)
    push_text(L, value.format)
    api.rawset(L, -3)
    api.rawset(L, -3)
    return 0


# --- from Lua

cdef list take_arguments(lua_State* L):
    """The call's arguments as bytes; None if one is neither string nor number. Numbers as Redis writes them."""
    cdef int count = api.gettop(L)
    cdef int i, kind
    cdef size_t length = 0
    cdef const char* text
    cdef bytes argument
    cdef list arguments = PyList_New(count)
    for i in range(count):
        kind = api.type(L, i + 1)
        if kind == LUA_TSTRING:
            text = api.tolstring(L, i + 1, &length)
            argument = PyBytes_FromStringAndSize(text, length)
        elif kind == LUA_TNUMBER:
            argument = number_text(api.tonumber(L, i + 1))
        else:
            for i in range(i, count):
                Py_INCREF(None)
                PyList_SET_ITEM(arguments, i, None)
            return None
        Py_INCREF(argument)
        PyList_SET_ITEM(arguments, i, argument)
    return arguments


cdef bytes number_text(double number):
    """A Lua number as an argument: an integer if it is one, otherwise the shortest form that reads back the same."""
    cdef char text[DOUBLE_TEXT]
    cdef int length
    if -EXACT < number < EXACT and number == <double><long long>number:
        length = format_int64(<long long>number, text)
    else:
        length = format_double_text(number, text)
    return PyBytes_FromStringAndSize(text, length)


cdef object take_value(lua_State* L, int resp):
    """The value at the top as a reply; takes it off the stack."""
    return convert(L, resp, 0)


cdef object convert(lua_State* L, int resp, int depth):
    cdef int kind = api.type(L, -1)
    cdef size_t length = 0
    cdef const char* text
    cdef object value
    if kind == LUA_TSTRING:
        text = api.tolstring(L, -1, &length)
        value = PyBytes_FromStringAndSize(text, length)
    elif kind == LUA_TNUMBER:
        value = truncated(api.tonumber(L, -1))
    elif kind == LUA_TBOOLEAN:
        if resp == 3:
            value = bool(api.toboolean(L, -1))
        else:
            value = 1 if api.toboolean(L, -1) else None
    elif kind == LUA_TTABLE:
        if depth >= NESTED or not api.checkstack(L, 6):
            value = replies.Error(b"ERR reached lua stack limit")
        else:
            value = convert_table(L, resp, depth)
    else:
        value = None
    pop(L, 1)
    return value


cdef object truncated(double number):
    """A number as an integer reply, in the way of the machine that Redis runs on."""
    if -9223372036854775808.0 <= number < 9223372036854775808.0:
        return <long long>number
    return -9223372036854775808


cdef int field(lua_State* L, int key) noexcept:
    """Pushes a field of the table at the top, and returns its type."""
    api.rawgeti(L, LUA_REGISTRYINDEX, key)
    api.rawget(L, -2)
    return api.type(L, -1)


cdef bytes field_bytes(lua_State* L):
    """The string at the top; leaves it there."""
    cdef size_t length = 0
    cdef const char* text = api.tolstring(L, -1, &length)
    return PyBytes_FromStringAndSize(text, length)


cdef object convert_table(lua_State* L, int resp, int depth):
    """The table at the top as a reply; leaves the table there."""
    cdef object value
    if field(L, KEY_ERR) == LUA_TSTRING:
        value = replies.Error(one_line(field_bytes(L)))
        pop(L, 1)
        return value
    pop(L, 1)
    if field(L, KEY_OK) == LUA_TSTRING:
        value = replies.Status(one_line(field_bytes(L)))
        pop(L, 1)
        return value
    pop(L, 1)
    if field(L, KEY_DOUBLE) == LUA_TNUMBER:
        value = replies.Double(api.tonumber(L, -1))
        pop(L, 1)
        return value
    pop(L, 1)
    if field(L, KEY_BIG_NUMBER) == LUA_TSTRING:
        value = replies.BigNumber(one_line(field_bytes(L)))
        pop(L, 1)
        return value
    pop(L, 1)
    if field(L, KEY_VERBATIM) == LUA_TTABLE:
        value = convert_verbatim(L)
        if value is not None:
            pop(L, 1)
            return value
    pop(L, 1)
    if field(L, KEY_MAP) == LUA_TTABLE:
        value = replies.Map(convert_pairs(L, resp, depth, True))
        pop(L, 1)
        return value
    pop(L, 1)
    if field(L, KEY_SET) == LUA_TTABLE:
        value = replies.Set(convert_pairs(L, resp, depth, False))
        pop(L, 1)
        return value
    pop(L, 1)
    return convert_array(L, resp, depth)


cdef bytes one_line(bytes text):
    """A text without what would end a line of the protocol."""
    if b"\r" in text or b"\n" in text:
        return text.replace(b"\r", b" ").replace(b"\n", b" ")
    return text


cdef object convert_verbatim(lua_State* L):
    """The verbatim string that the table at the top describes, or None."""
    cdef object value = None
    api.pushlstring(L, "format", 6)
    api.rawget(L, -2)
    api.pushlstring(L, "string", 6)
    api.rawget(L, -3)
    if api.type(L, -1) == LUA_TSTRING and api.type(L, -2) == LUA_TSTRING:
        text = field_bytes(L)
        pop(L, 1)
        value = replies.Verbatim(field_bytes(L)[:3].ljust(3), text)
        pop(L, 1)
    else:
        pop(L, 2)
    return value


cdef list convert_pairs(lua_State* L, int resp, int depth, bint with_values):
    """The keys, or the keys and values, of the table at the top."""
    cdef list items = []
    api.pushnil(L)
    while api.next(L, -2):
        if not with_values:
            pop(L, 1)
        # The key is converted as a copy: a number made a string in place would confuse `next`.
        api.pushvalue(L, -2 if with_values else -1)
        items.append(convert(L, resp, depth + 1))
        if with_values:
            items.append(convert(L, resp, depth + 1))
    return items


cdef list convert_array(lua_State* L, int resp, int depth):
    """The elements of the table at the top up to the first nil."""
    cdef list items = []
    cdef int i = 1
    while True:
        api.rawgeti(L, -1, i)
        if api.type(L, -1) == LUA_TNIL:
            pop(L, 1)
            return items
        items.append(convert(L, resp, depth + 1))
        i += 1
