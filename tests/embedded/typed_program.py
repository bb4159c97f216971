"""A program of a user who checks types strictly; test_typing.py has mypy and pyright look at it."""

import asyncio
from pathlib import Path

import pytest

import redracer
import redracer.asyncio
from redracer.testing import ANY, Clock, Faults, Recorder, SortedSet, Stream


def use_store(path: Path) -> bytes | None:
    with redracer.open(path, maxmemory="100mb", appendonly=True) as db:
        db.set("key", "value")
        db.set(b"number", 1.5)
        values: list[object] = db.execute_many([("GET", "key"), ["INCR", "n"]])
        db.load({"a": 1, "board": SortedSet(ann=1), "log": Stream([{"event": "login"}])})
        before = db.snapshot()
        difference = db.diff(before)
        names: list[bytes] = list(difference.added)
        db.restore(before)
        with db.listen() as listener:
            url: str = listener.url
        assert values and not names and url
        found: bytes | None = db.get("key")
        return found


def use_clients(db: redracer.Store) -> None:
    with redracer.Redis(db, decode_responses=True) as client:
        client.set("key", "value", ex=60)
    db.redis(protocol=3).ping()
    try:
        db.execute("LPUSH", "key", 1)
    except redracer.StoreError as error:
        code: str = error.code
        print(code)
    except redracer.StoreClosed:
        pass


async def use_asyncio(db: redracer.Store) -> None:
    client = redracer.asyncio.Redis(db)
    await client.set("key", "value")
    await client.aclose()


def use_server() -> str:
    with redracer.Server(maxclients=100) as server:
        return server.url


def use_session(db: redracer.Store) -> None:
    session = db.session()
    session.send([b"SUBSCRIBE", b"channel"])
    session.receive(timeout=1.0)
    session.close()


@pytest.mark.redracer(data={"key": "value"})
def test_instruments(redracer_clock: Clock, redracer_faults: Faults, redracer_recorder: Recorder) -> None:
    redracer_clock.tick(hours=2)
    with redracer_faults.latency(0.1, commands=["GET"]) as fault:
        happened: int = fault.happened
    redracer_recorder.assert_sent("GET", ANY, ..., times=happened)


if __name__ == "__main__":
    with redracer.open() as store:
        use_clients(store)
        asyncio.run(use_asyncio(store))
