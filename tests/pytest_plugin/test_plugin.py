"""The plugin in runs of its own: markers, isolation, what a failing test shows, what it costs who does not use it."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
pytest.importorskip("redis")

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "docs/examples/shop_tests"


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs the tests of a text, or those that are there, in a process of its own that loads no other plugins."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def runs(code=None, *arguments):
        if code is not None:
            pytester.makepyfile(code)
        return pytester.runpytest_subprocess(
            "-p", "no:cacheprovider", "-p", "redracer.pytest_plugin", *arguments
        )

    return runs


def two_lines():
    """The lines of docs/testing.md that are to be taken out, and those to be put in."""
    text = (ROOT / "docs/testing.md").read_text()
    block = re.search(r"```diff\n(.*?)```", text, re.DOTALL)[1]
    return [[line[1:] for line in block.splitlines() if line.startswith(sign)] for sign in "-+"]


def test_a_suite_for_fakeredis_moves_by_two_lines(pytester, run):
    code = (SHOP / "conftest.py").read_text()
    removed, added = two_lines()
    assert len(removed) == len(added) == 2
    for old, new in zip(removed, added, strict=True):
        assert code.count(old + "\n") == 1
        code = code.replace(old + "\n", new + "\n")
    assert "importorskip" not in code
    pytester.makeconftest(code)
    pytester.makepyfile(test_shop=(SHOP / "test_shop.py").read_text())
    result = run()
    outcomes = result.parseoutcomes()
    assert outcomes.get("passed", 0) + outcomes.get("skipped", 0) == 20 and set(outcomes) <= {
        "passed",
        "skipped",
    }


def test_the_suite_is_one_for_fakeredis(pytester, run):
    if not (
        find_spec("fakeredis") and find_spec("lupa")
    ):  # they are for the other process: not imported here
        pytest.skip("needs fakeredis and lupa")
    pytester.makeconftest((SHOP / "conftest.py").read_text())
    pytester.makepyfile(test_shop=(SHOP / "test_shop.py").read_text())
    run().assert_outcomes(passed=20)


def test_stores_are_fresh_and_markers_add_up(run):
    result = run(
        """
        import pytest
        pytestmark = pytest.mark.redracer(maxmemory="1gb", client={"decode_responses": True})

        @pytest.mark.parametrize("number", range(2))
        def test_fresh(redracer, number):
            assert redracer.execute("DBSIZE") == 0
            redracer.set("key", number)

        @pytest.mark.redracer(hash_max_listpack_entries=1, data={"h": {"a": 1, "b": 2}})
        def test_options(redracer_client):
            assert redracer_client.config_get("maxmemory") == {"maxmemory": str(1 << 30)}
            assert redracer_client.object("encoding", "h") == "hashtable"

        @pytest.mark.redracer("data")
        def test_wrong(redracer):
            pass

        @pytest.mark.redracer(maxmemry=1)
        def test_misspelt(redracer):
            pass
        """,
    )
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(["*keyword arguments alone*"])
    result.stdout.fnmatch_lines(["*ConfigError*maxmemry*"])


def test_data_of_an_rdb_file_beside_the_test(pytester, run):
    import redracer

    with redracer.open(pytester.path / "data") as store:
        store.set("key", "of the file")
    run(
        """
        import pytest
        pytestmark = pytest.mark.redracer(data="data/dump.rdb")

        def test_store(redracer):
            assert redracer.get("key") == b"of the file"

        def test_server(redracer_server_client):
            assert redracer_server_client.get("key") == b"of the file"
        """,
    ).assert_outcomes(passed=2)


def test_servers_are_shared_and_those_that_were_changed_are_not(run):
    run(
        """
        ports = []

        def test_one(redracer_server, redracer_server_client):
            ports.append(redracer_server.port)
            redracer_server_client.set("key", 1)

        def test_the_same_without_the_data(redracer_server, redracer_server_client):
            assert redracer_server.port == ports[0] and not redracer_server_client.dbsize()
            redracer_server_client.config_set("maxmemory", "100mb")

        def test_another_after_a_change(redracer_server, redracer_server_client):
            assert redracer_server_client.config_get("maxmemory") == {"maxmemory": "0"}
            redracer_server.stop()

        def test_another_after_an_end(redracer_server_client):
            assert redracer_server_client.ping()
        """,
    ).assert_outcomes(passed=4)


def test_workers_of_xdist_share_nothing(pytester, run):
    pytest.importorskip("xdist")
    run(
        """
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_counted(redracer, redracer_server_client, number):
            assert redracer.execute("INCR", "n") == 1
            assert redracer_server_client.incr("n") == 1
        """,
        "-p",
        "xdist.plugin",
        "-n",
        "2",
    ).assert_outcomes(passed=8)


def test_with_pytest_asyncio(run):
    pytest.importorskip("pytest_asyncio")
    run(
        """
        import asyncio
        import pytest
        pytestmark = [pytest.mark.asyncio, pytest.mark.filterwarnings("error")]

        async def test_store(redracer_async_client, redracer_client):
            waiting = asyncio.create_task(redracer_async_client.blpop("queue", timeout=30))
            await asyncio.sleep(0.01)
            redracer_client.rpush("queue", "item")
            assert (await waiting)[1] == b"item"

        async def test_server(redracer_server_async_client):
            assert await redracer_server_async_client.set("key", 1)
        """,
        "-p",
        "pytest_asyncio.plugin",
    ).assert_outcomes(passed=2)


def test_what_a_failing_test_shows(run):
    result = run(
        """
        def test_recorded(redracer_client, redracer_recorder):
            redracer_client.set("user:1", "ann lee")
            redracer_recorder.assert_sent("SET", "user:2", "ann lee")

        def test_snapshots(redracer):
            redracer.set("kept", 1)
            before = redracer.snapshot()
            redracer.set("kept", 2)
            redracer.set("new", 3)
            assert redracer.snapshot() == before

        def test_unchanged(redracer, redracer_unchanged):
            redracer.set("new", 3)
        """,
    )
    result.assert_outcomes(passed=1, failed=2, errors=1)
    shown = [
        '*SET user:2 "ann lee" was not sent; this was:*',
        '*> SET user:1 "ann lee"*',
        "*~ kept: string b'1' -> string b'2'*",
        "*+ new: string b'3'*",
    ]
    for line in shown:
        result.stdout.fnmatch_lines([line])
    result.stdout.no_fnmatch_line("*recorder.py*")


def test_who_does_not_use_it_pays_for_a_small_module():
    code = (
        "import sys, pytest; before = set(sys.modules); import redracer.pytest_plugin; "
        "print(sorted(set(sys.modules) - before))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "['redracer', 'redracer.pytest_plugin']"
