"""Random calls of what scripts have besides Redis and Lua itself: cjson, cmsgpack, struct and bit.

A script makes some of them and returns what came of each as text that tells all there is to tell: types, every digit of
a number, every byte of a string, tables with their keys in order, errors. Two servers can be compared by it.
"""

from __future__ import annotations

from random import Random

from tests.fuzz.scripts import literal

CALLS = 20  # in a script

# `show` writes any value; `call` what a call returns or raises.
PRELUDE = """
local function show(v, depth)
  local kind = type(v)
  if v == cjson.null then return 'null' end
  if kind == 'number' then return v ~= v and 'nan' or string.format('%.17g', v) end
  if kind == 'string' then
    return '"' .. v:gsub('[^ -!#-~]', function(c) return '\\\\' .. c:byte() .. ';' end) .. '"'
  end
  if kind ~= 'table' then return kind == 'boolean' and tostring(v) or kind end
  if depth > 20 then return '...' end
  local parts = {}
  for key, item in pairs(v) do parts[#parts + 1] = show(key, depth + 1) .. '=' .. show(item, depth + 1) end
  table.sort(parts)
  return '{' .. table.concat(parts, ',') .. '}'
end
local results = {}
local function call(f)
  local found = {pcall(f)}
  local parts = {}
  for place = 1, table.maxn(found) do parts[place] = show(found[place], 0) end
  results[#results + 1] = table.concat(parts, ' ')
end
"""

# Words with spaces between them.
NUMBERS = (
    "0 1 -1 127 128 255 256 -128 -129 32767 32768 65535 65536 2^31 2^31-1 -2^31 -2^31-1 2^32 2^32+5 2^53 -2^53 2^63 "
    "-2^63 2^64 1e15 1e16 123456789012345678 0.1 -0.5 1.5 2.5 1/3 3.14159 1e100 -1e-100 5e-324 1e308 1/0 -1/0 0/0"
)
ODD = ("nil", "true", "false", "cjson.null", "print", "{}", "{{}}")
WORDS = (
    b"",
    b"a",
    b"key",
    b"\0",
    b"x" * 31,
    b"x" * 32,
    b"y" * 300,
    b'"\\/\b\f\n\r\t\x7f',
    "é€😀".encode(),
    b"12",
    b"0x10",
)
JSON_BYTES = b'{}[]",:\\/u0123456789abcdefeE+-. \t\nnultrse\x00\x7f\xc3\xa9\xff'
JSON_LITERALS = (
    "0 -0 1 -1 1.5 1e3 -1E-2 1e400 123456789012345678901234567890 01 +1 .5 1. - 0x1F nan NaN inf Infinity -inf "
    'true false null nul True "" "a" "\\u0041" "\\u00e9" "\\ud83d\\ude00" "\\ud83d" "\\ude00" "\\u0000" "\\x" '
    '"\\u12" [] {}'
)
FORMAT_CODES = "bBhHlLTiIsfdxc"
SETTINGS = ("", "1", "3", "14", "16", "17", "0", "1000", "true", "nil", "-1", "'on'", "'x'")
BIT_FUNCTIONS = (
    "tobit",
    "tohex",
    "bnot",
    "band",
    "bor",
    "bxor",
    "lshift",
    "rshift",
    "arshift",
    "rol",
    "ror",
    "bswap",
)


class LibraryCalls:
    """Makes scripts; the same `random` makes the same."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def script(self) -> bytes:
        """A whole script."""
        makers = (self.cjson_encode, self.cjson_decode, self.cmsgpack, self.struct, self.bit)
        calls = [f"call(function() return {self.random.choice(makers)()} end)" for _ in range(CALLS)]
        return "\n".join([PRELUDE, *calls, "return results"]).encode("latin-1")

    # --- values

    def number(self) -> str:
        """A number as Lua writes it."""
        random = self.random
        if random.random() < 0.5:
            return random.choice(NUMBERS.split())
        if random.random() < 0.5:
            return str(random.randrange(-(1 << random.randrange(1, 54)), 1 << random.randrange(1, 54)))
        return repr(random.uniform(-1, 1) * 10 ** random.randrange(-20, 20))

    def bytes(self) -> bytes:
        """A string."""
        random = self.random
        if random.random() < 0.7:
            return random.choice(WORDS)
        return random.randbytes(random.randrange(12))

    def value(self, depth: int = 3) -> str:
        """Any value as Lua writes it."""
        random = self.random
        kind = random.random()
        if kind < 0.3:
            return self.number()
        if kind < 0.5:
            return literal(self.bytes())
        if kind < 0.6 or depth == 0:
            return random.choice(ODD)
        return self.table(depth - 1)

    def table(self, depth: int) -> str:
        """A table: a sequence, with one more entry or none, since the order of several is that of a hash table."""
        random = self.random
        items = [self.value(depth) for _ in range(random.randrange(5))]
        kind = random.random()
        if kind < 0.3:
            items.append(f"[{random.randrange(-1, 30)}]={self.value(depth)}")
        elif kind < 0.6:
            items.append(f"[{literal(self.bytes())}]={self.value(depth)}")
        elif kind < 0.7:
            items.append(f"[{random.choice(('true', '1.5', '1/0'))}]={self.value(depth)}")
        return "{" + ",".join(items) + "}"

    # --- calls

    def cjson_encode(self) -> str:
        """Encodes a value; sometimes decodes what came of it, or changes a setting."""
        random = self.random
        if random.random() < 0.05:
            name = random.choice(
                ("encode_max_depth", "decode_max_depth", "encode_number_precision", "encode_keep_buffer")
            )
            return f"cjson.{name}({random.choice(SETTINGS)})"
        if random.random() < 0.05:
            arguments = random.choice(
                ("", "true", "false", "true, 2, 10", "false, 0, 3", "1, 2, 3", "nil, 5")
            )
            return f"cjson.encode_sparse_array({arguments})"
        if random.random() < 0.05:
            name = random.choice(("encode_invalid_numbers", "decode_invalid_numbers"))
            return f"cjson.{name}({random.choice(('true', 'false', 'null', literal(b'null')))})"
        if random.random() < 0.2:
            return f"cjson.decode(cjson.encode({self.value()}))"
        return f"cjson.encode({self.value()})"

    def json(self, depth: int = 3) -> str:
        """JSON, mostly as it should be."""
        random = self.random
        if depth == 0 or random.random() < 0.4:
            return random.choice(JSON_LITERALS.split())
        space = random.choice(("", "", " ", "\n\t "))
        items = [self.json(depth - 1) for _ in range(random.randrange(4))]
        if random.random() < 0.5:
            return "[" + f"{space},{space}".join(items) + "]"
        named = [f'"{random.choice("abcd")}{n}"{space}:{space}{item}' for n, item in enumerate(items)]
        return "{" + ",".join(named) + "}"

    def mutated(self, text: bytes, alphabet: bytes | None) -> bytes:
        """The same with some bytes put in, taken out or replaced, most often none."""
        random = self.random
        while text and random.random() < 0.3:
            place = random.randrange(len(text) + 1)
            byte = bytes([random.choice(alphabet) if alphabet else random.randrange(256)])
            text = text[:place] + random.choice((byte, b"")) + text[place + random.randrange(2) :]
        return text

    def cjson_decode(self) -> str:
        """Decodes JSON, or nearly."""
        return f"cjson.decode({literal(self.mutated(self.json().encode(), JSON_BYTES))})"

    def cmsgpack(self) -> str:
        """Packs values, or unpacks what was packed or nearly is."""
        random = self.random
        if random.random() < 0.4:
            values = ", ".join(self.value() for _ in range(random.randrange(1, 4)))
            return f"cmsgpack.unpack(cmsgpack.pack({values}))"
        packed = literal(self.mutated(self.packed(3), None))
        name = random.choice(("unpack", "unpack_one", "unpack_limit"))
        if name == "unpack":
            return f"cmsgpack.unpack({packed})"
        numbers = ", ".join(str(random.randrange(-1, 6)) for _ in range(random.randrange(3)))
        return f"cmsgpack.{name}({packed}{', ' if numbers else ''}{numbers})"

    def packed(self, depth: int) -> bytes:
        """A value in MessagePack, of any of its codes."""
        random = self.random
        code = random.choice((random.randrange(256), *range(0xC0, 0xE0)))
        if 0x80 <= code <= 0x9F or 0xDC <= code <= 0xDF:  # maps and arrays
            if depth == 0:
                return b"\x01"
            count = random.randrange(4)
            twice = code <= 0x8F or code >= 0xDE
            items = b"".join(self.packed(depth - 1) for _ in range(count * (2 if twice else 1)))
            if code <= 0x9F:
                return bytes([(code & 0xF0) + count]) + items
            return bytes([code]) + count.to_bytes(4 if code & 1 else 2, "big") + items
        if 0xA0 <= code <= 0xBF:
            return bytes([code]) + random.randbytes(code & 0x1F)
        if 0xD9 <= code <= 0xDB or 0xC4 <= code <= 0xC6:
            text = random.randbytes(random.randrange(5))
            width = {0xD9: 1, 0xDA: 2, 0xDB: 4, 0xC4: 1, 0xC5: 2, 0xC6: 4}[code]
            return bytes([code]) + len(text).to_bytes(width, "big") + text
        return bytes([code]) + random.randbytes(
            {0xCA: 4, 0xCB: 8}.get(code, (1, 2, 4, 8)[code & 3] if code >= 0xCC else 0)
        )

    def format(self) -> str:
        """A format of struct, nearly always a possible one."""
        random = self.random
        parts = []
        for _ in range(random.randrange(1, 5)):
            if random.random() < 0.3:
                parts.append(random.choice(("<", ">", "=", "!", "!4", "!8", "!1", " ", "!3", "!16")))
            code = random.choice(FORMAT_CODES)
            size = (
                str(random.choice((0, 1, 2, 3, 4, 8, 16, 32, 33, 99)))
                if code in "iIc" and random.random() < 0.7
                else ""
            )
            parts.append(code + size)
        if random.random() < 0.05:
            parts.append(random.choice(("%", "z", "\0", "c2147483648", "i99999999999")))
        return "".join(parts)

    def struct(self) -> str:
        """Packs, unpacks or measures."""
        random = self.random
        form = literal(self.format().encode())
        kind = random.random()
        if kind < 0.2:
            return f"struct.size({form})"
        if kind < 0.6:
            values = "".join(
                ", " + (literal(self.bytes()) if random.random() < 0.3 else self.number())
                for _ in range(random.randrange(6))
            )
            return f"struct.pack({form}{values})"
        place = random.choice(("", ", 1", ", 2", ", 5", ", 100", ", -1", ", 0"))
        return f"struct.unpack({form}, {literal(random.randbytes(random.randrange(30)))}{place})"

    def bit(self) -> str:
        """An operation on bits."""
        random = self.random
        arguments = ", ".join(
            self.number() if random.random() < 0.9 else self.value(0) for _ in range(random.randrange(1, 4))
        )
        return f"bit.{random.choice(BIT_FUNCTIONS)}({arguments})"
