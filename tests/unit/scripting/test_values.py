"""Values between Redis and Lua, both ways, in both protocols."""

import pytest

from redracer.core.replies import BigNumber, Double, Map, Set, Status, Verbatim

RESP2 = [
    ("return 1", b":1\r\n"),
    ("return 3.99", b":3\r\n"),
    ("return -3.99", b":-3\r\n"),
    ("return 2^53", b":9007199254740992\r\n"),
    ("return 1e300", b":-9223372036854775808\r\n"),
    ("return 0/0", b":-9223372036854775808\r\n"),
    ("return 'a\\0b'", b"$3\r\na\0b\r\n"),
    ("return true", b":1\r\n"),
    ("return false", b"$-1\r\n"),
    ("return nil", b"$-1\r\n"),
    ("return", b"$-1\r\n"),
    ("return function() end", b"$-1\r\n"),
    ("return {1, 'x', {2}, false, 4}", b"*5\r\n:1\r\n$1\r\nx\r\n*1\r\n:2\r\n$-1\r\n:4\r\n"),
    ("return {1, nil, 3}", b"*1\r\n:1\r\n"),
    ("return {}", b"*0\r\n"),
    ("return {a=1}", b"*0\r\n"),
    ("return {ok='fine'}", b"+fine\r\n"),
    ("return {ok='a\\r\\nb'}", b"+a  b\r\n"),
    ("return {err='MY error'}", b"-MY error\r\n"),
    ("return {1, {err='MY error'}}", b"*2\r\n:1\r\n-MY error\r\n"),
    ("return {double=3.5}", b"$3\r\n3.5\r\n"),
    ("return {big_number='12\\r3'}", b"$4\r\n12 3\r\n"),
    ("return {verbatim_string={format='txt', string='hi'}}", b"$2\r\nhi\r\n"),
    ("return {map={a=1}}", b"*2\r\n$1\r\na\r\n:1\r\n"),
    ("return {set={a=true}}", b"*1\r\n$1\r\na\r\n"),
    ("redis.setresp(3) return true", b":1\r\n"),
    ("redis.setresp(3) return false", b":0\r\n"),
    ("redis.setresp(3) return nil", b"$-1\r\n"),
]

RESP3 = [
    ("return false", b"_\r\n"),
    ("return true", b":1\r\n"),
    ("redis.setresp(3) return true", b"#t\r\n"),
    ("redis.setresp(3) return false", b"#f\r\n"),
    ("return {double=3.5}", b",3.5\r\n"),
    ("return {big_number='123'}", b"(123\r\n"),
    ("return {verbatim_string={format='txt', string='hi'}}", b"=6\r\ntxt:hi\r\n"),
    ("return {map={a=1}}", b"%1\r\n$1\r\na\r\n:1\r\n"),
    ("return {set={a=true}}", b"~1\r\n$1\r\na\r\n"),
    ("return {map={[1]='x'}}", b"%1\r\n:1\r\n$1\r\nx\r\n"),
]


@pytest.mark.parametrize(("script", "reply"), RESP2)
def test_from_lua_to_resp2(served, script, reply):
    assert served.call(script) == reply


@pytest.mark.parametrize(("script", "reply"), RESP3)
def test_from_lua_to_resp3(served, script, reply):
    served.run(b"HELLO 3")
    assert served.call(script) == reply


# What DEBUG PROTOCOL replies, seen by a script of each protocol.
FROM_REDIS = [
    ("string", "return type(v) .. v", b"stringHello World", b"stringHello World"),
    ("integer", "return {type(v), v}", [b"number", 12345], [b"number", 12345]),
    ("double", "return type(v) .. tostring(v.double or v)", b"string3.141", b"table3.141"),
    ("null", "return tostring(v)", b"false", b"nil"),
    ("array", "return #v", 3, 3),
    ("set", "return type(v.set or v[1])", b"number", b"table"),
    ("map", "return type(v.map or v[1])", b"number", b"table"),
    ("bignum", "return type(v) .. #(v.big_number or v)", b"string37", b"table37"),
    ("true", "return tostring(v)", b"1", b"true"),
    ("false", "return tostring(v)", b"0", b"false"),
    ("verbatim", "return type(v.verbatim_string or v)", b"string", b"table"),
    (
        "attrib",
        "return v",
        b"Some real reply following the attribute",
        b"Some real reply following the attribute",
    ),
]


@pytest.mark.parametrize(("kind", "look", "resp2", "resp3"), FROM_REDIS)
def test_from_redis_to_lua(served, kind, look, resp2, resp3):
    served.scripting.invocation.unrestricted = True
    call = f"local v = redis.call('debug', 'protocol', '{kind}') {look}"
    assert served.eval("redis.setresp(3) " + call) == resp3
    if kind != "attrib":  # which needs RESP3
        assert served.eval("redis.setresp(2) " + call) == resp2


def test_markers_come_back_as_they_went(served):
    served.scripting.invocation.unrestricted = True
    for kind, expected in (
        ("double", Double),
        ("bignum", BigNumber),
        ("map", Map),
        ("set", Set),
        ("verbatim", Verbatim),
    ):
        reply = served.eval(f"redis.setresp(3) return redis.call('debug', 'protocol', '{kind}')")
        assert isinstance(reply, expected)


def test_numbers_as_arguments(served):
    def as_argument(expression):
        return served.eval(f"redis.call('set', 'k', {expression}) return redis.call('get', 'k')")

    assert as_argument("10") == b"10"
    assert as_argument("-3") == b"-3"
    assert as_argument("3.5") == b"3.5"
    assert as_argument("0.1") == b"0.1"
    assert as_argument("9007199254740991") == b"9007199254740991"
    assert as_argument("2^31") == b"2147483648"
    assert as_argument("1/0") == b"inf"


def test_strings_as_arguments_are_any_bytes(served):
    value = bytes(range(256))
    assert (
        served.eval(
            "redis.call('set', KEYS[1], ARGV[1]) return redis.call('get', KEYS[1])", [b"k\0"], [value]
        )
        == value
    )


def test_status_and_error_replies(served):
    assert served.eval("return redis.status_reply('FINE')") == Status(b"FINE")
    assert served.eval("return redis.error_reply('My Err')") == b"My Err"
    assert served.eval("return redis.error_reply('-CODE text')") == b"CODE text"
    assert served.eval("return redis.error_reply('single')") == b"ERR single"
    assert served.eval("return redis.error_reply('')") == b"ERR "
    assert served.eval("return redis.error_reply(1)") == b"ERR wrong number or type of arguments"


def test_a_value_that_contains_itself_ends_at_the_limit(served):
    reply = served.call("local a = {} a[1] = a return a")
    assert reply.startswith(b"*1\r\n*1\r\n")
    assert reply.endswith(b"-ERR reached lua stack limit\r\n")


def test_a_reply_nested_too_deep_for_lua_is_an_error(served):
    served.engine.commands[b"echo"].handler = lambda ctx, args: nested(20_000)
    assert b"reached lua stack limit" in served.eval("return redis.call('echo', 'x')")
    assert served.eval("return 1") == 1


def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value
