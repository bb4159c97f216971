"""cjson, cmsgpack, struct and bit against those of a real server, where one is installed."""

import pytest

from tests.unit.types.against_redis import Ours, Real

SCRIPTS = [
    r"""return cjson.encode({a=1, b={1,2,3}})""",
    r"""return cjson.encode({1,2,{x='y'},false})""",
    r"""return cjson.encode('a"b\\c/d\n\t\1\127é')""",
    r"""return cjson.encode({})""",
    r"""return cjson.encode({1.5, 1e100, 2^53, -0.1})""",
    r"""return cjson.encode({[1]=1, [3]=3})""",
    r"""return cjson.encode({[5]='x', y=1})""",
    r"""return cjson.encode(cjson.null)""",
    r"""return {pcall(cjson.encode, {[1]=1, [100]=2})}""",
    r"""return {pcall(cjson.encode, function() end)}""",
    r"""return {pcall(cjson.encode, {0/0})}""",
    r"""return {pcall(cjson.encode, {[true]=1})}""",
    r"""local t = cjson.decode('{"a": [1, 2.5, null, true]}') return {#t.a, tostring(t.a[2])}""",
    r"""return cjson.decode('["x\\u00e9\\ud83d\\ude00\\n\\"\\/"]')""",
    r"""return cjson.decode('[1, [2, [3, []]]]')""",
    r"""return {pcall(cjson.decode, '[1,')}""",
    r"""return {pcall(cjson.decode, '{"a" 1}')}""",
    r"""return {pcall(cjson.decode, '[1 2]')}""",
    r"""return {pcall(cjson.decode, 'nope')}""",
    r"""return {pcall(cjson.decode, '')}""",
    r"""return {pcall(cjson.decode, '"\\x"')}""",
    r"""return {pcall(cjson.decode, '"abc')}""",
    r"""return tostring(cjson.decode('1e3')) .. tostring(cjson.decode('-0.5'))""",
    r"""return cmsgpack.pack({1,2,3})""",
    r"""return cmsgpack.pack({a='x'})""",
    r"""return cmsgpack.pack(1, -1, 127, 128, 255, 256, 65535, 65536, 2^32, 2^53)""",
    r"""return cmsgpack.pack(-32, -33, -128, -129, -32769, -2^31 - 1)""",
    r"""return cmsgpack.pack(0.1, 1.5, true, false, nil, ('x'):rep(31), ('x'):rep(32), ('x'):rep(300))""",
    r"""return {cmsgpack.unpack(cmsgpack.pack({1, {a=2}, 'x'}, 7))}""",
    r"""return {cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3))}""",
    r"""return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2, 1)}""",
    r"""return {pcall(cmsgpack.unpack, '\204')}""",
    r"""return struct.pack('>I4<i2bBhH', 1, -2, -3, 250, 4, 5)""",
    r"""return struct.pack('>i8d', -5, 1.5)""",
    r"""return struct.pack('sc3i3', 'ab', 'xyz', 7)""",
    r"""return {struct.unpack('>I2s', '\1\2abc\0rest')}""",
    r"""return {struct.unpack('<i3', '\255\255\255')}""",
    r"""return {struct.unpack('Bc0', '\3abcd')}""",
    r"""return struct.size('!4bi4d')""",
    r"""return {bit.band(255, 15), bit.bor(1, 2, 4), bit.bxor(5, 1), bit.bnot(0), bit.lshift(1, 31)}""",
    r"""return {bit.rshift(-1, 1), bit.arshift(-8, 1), bit.rol(1, 31), bit.ror(1, 1), bit.bswap(1)}""",
    r"""return bit.tobit(2^32 + 5)""",
    r"""return {bit.tohex(255), bit.tohex(255, 4), bit.tohex(-1, -8)}""",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_as_redis(served, real_server, script):
    argv = [b"EVAL", script.encode(), b"0"]
    real = Real(real_server)
    try:
        assert Ours(served).run(argv) == real.run(argv)
    finally:
        real.close()
