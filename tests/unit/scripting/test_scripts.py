"""The cache of scripts."""

from hashlib import sha1

from redracer.scripting.scripts import EVALUATED_KEPT


def digest(script):
    return sha1(script).hexdigest().encode()


def test_load_and_run_by_sha1(served):
    assert served.value([b"SCRIPT", b"LOAD", b"return 1"]) == digest(b"return 1")
    assert served.value([b"EVALSHA", digest(b"return 1"), b"0"]) == 1
    assert served.value([b"EVALSHA", digest(b"return 1").upper(), b"0"]) == 1
    assert served.value([b"EVALSHA_RO", digest(b"return 1"), b"0"]) == 1


def test_unknown_scripts(served):
    assert served.error([b"EVALSHA", b"NotValid", b"0"]) == "NOSCRIPT No matching script. Please use EVAL."
    assert served.error([b"EVALSHA", b"f" * 40, b"0"]) == "NOSCRIPT No matching script. Please use EVAL."


def test_exists(served):
    served.eval("return 1")
    assert served.value([b"SCRIPT", b"EXISTS", digest(b"return 1"), b"x"]) == [1, 0]


def test_flush(served):
    for words in (b"", b" ASYNC", b" SYNC"):
        served.eval("return 1")
        assert served.run(b"SCRIPT FLUSH" + words) == b"+OK\r\n"
        assert served.value([b"SCRIPT", b"EXISTS", digest(b"return 1")]) == [0]
        assert served.info("memory")["used_memory_vm_eval"] == "0"
    assert served.error(b"SCRIPT FLUSH NOW") == "ERR SCRIPT FLUSH only support SYNC|ASYNC option"


def test_a_script_that_does_not_compile(served):
    text = served.error([b"EVAL", b"return (", b"0"])
    assert text.startswith("ERR Error compiling script (new function): user_script:1: ")
    assert served.error([b"SCRIPT", b"LOAD", b"x ="]).startswith(
        "ERR Error compiling script (new function): "
    )
    assert served.scripting.scripts.count == 0


def test_evaluated_scripts_are_evicted_loaded_ones_are_not(served):
    served.value([b"SCRIPT", b"LOAD", b"return 'loaded'"])
    for number in range(EVALUATED_KEPT + 10):
        served.eval("return 'kept'")
        served.eval(f"return {number}")
    info = served.info("memory", "stats")
    assert info["number_of_cached_scripts"] == str(EVALUATED_KEPT + 1)
    assert info["evicted_scripts"] == "11"
    known = [b"return 'loaded'", b"return 'kept'", b"return 0", b"return 509"]
    assert served.value([b"SCRIPT", b"EXISTS", *map(digest, known)]) == [1, 1, 0, 1]


def test_a_loaded_script_stays_though_it_was_evaluated_first(served):
    served.eval("return 'x'")
    served.value([b"SCRIPT", b"LOAD", b"return 'x'"])
    for number in range(EVALUATED_KEPT + 1):
        served.eval(f"return {number}")
    assert served.value([b"SCRIPT", b"EXISTS", digest(b"return 'x'")]) == [1]


def test_debug_is_refused(served):
    assert served.run(b"SCRIPT DEBUG NO") == b"+OK\r\n"
    assert "no debugger" in served.error(b"SCRIPT DEBUG YES")
    assert served.error(b"SCRIPT DEBUG MAYBE") == "ERR Use SCRIPT DEBUG YES/SYNC/NO"
    assert served.eval("return redis.breakpoint()") is None
    assert served.eval("redis.debug('x') return redis.replicate_commands()") == 1


def test_versions(served):
    assert served.eval("return redis.REDIS_VERSION") == b"8.2.0"
    assert served.eval("return redis.REDIS_VERSION_NUM") == 0x080200
