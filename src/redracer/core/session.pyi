from collections.abc import Callable
from typing import Any, Final

from redracer.core.keyspace import Keyspace
from redracer.core.resp_parse import RequestParser
from redracer.core.resp_write import ReplyBuffer

BLOCKED: Final[int]
CLOSE_AFTER_REPLY: Final[int]
CLOSED: Final[int]

class Transport:
    def wake(self) -> None: ...
    def resume(self) -> None: ...
    def close(self) -> None: ...

class Session:
    out: ReplyBuffer
    parser: RequestParser
    transport: Transport | None
    db: Keyspace
    state: int
    resp: int
    output_limit: int
    over_limit: bool
    received: int
    sent: int
    last_interaction: int
    query_bytes: int
    query_peak: int
    executed: int
    retry: bool
    source: Callable[[], bool] | None
    def __init__(self, parser: RequestParser, transport: Transport | None = None) -> None: ...

class Executor:
    now: int
    def begin(self) -> None: ...
    def resolve(self, argv: list[bytes]) -> Any: ...
    def key_range(self, command: Any) -> tuple[int, int, int] | None: ...
    def execute(self, session: Any, command: Any, argv: list[bytes]) -> None: ...
    def refuse(self, session: Any, text: bytes) -> None: ...
    def check_output(self, session: Any) -> None: ...
    def query_exceeded(self, session: Any) -> None: ...
    def before_sending(self) -> None: ...
    def closed(self, session: Any) -> None: ...
