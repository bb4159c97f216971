from collections.abc import Callable

from redracer.core.session import Executor, Session, Transport

class Connection(Transport):
    descriptor: int
    session: Session
    @property
    def held_bytes(self) -> int: ...
    def flush_now(self) -> None: ...

class Exchange:
    executor: Executor
    interrupted: bool
    received: int
    sent: int
    reads: int
    writes: int
    rounds: int
    busy_nanoseconds: int
    longest_round: int
    query_limit: int
    touched: list[Session] | None
    after_round: Callable[[], None] | None
    def __init__(self, executor: Executor | None = None) -> None: ...
    @property
    def connection_count(self) -> int: ...
    def request_in_execution(self) -> list[bytes] | None: ...
    def serve_others(self) -> None: ...
    def turn(self) -> None: ...
    def schedule(self) -> None: ...
