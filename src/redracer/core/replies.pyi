from typing import Any, Final

class Status:
    text: bytes
    def __init__(self, text: bytes) -> None: ...

class Error:
    text: bytes
    def __init__(self, text: bytes) -> None: ...

class Double:
    value: float
    text: bytes | None
    def __init__(self, value: float, text: bytes | None = None) -> None: ...

class Map:
    items: list[Any]
    def __init__(self, items: list[Any]) -> None: ...

class Set:
    items: list[Any]
    def __init__(self, items: list[Any]) -> None: ...

class Push:
    items: list[Any]
    def __init__(self, items: list[Any]) -> None: ...

class Several:
    items: list[Any]
    def __init__(self, items: list[Any]) -> None: ...

class Attributed:
    attributes: list[Any]
    value: Any
    def __init__(self, attributes: list[Any], value: Any) -> None: ...

class BigNumber:
    digits: bytes
    def __init__(self, digits: bytes) -> None: ...

class Verbatim:
    format: bytes
    text: bytes
    def __init__(self, format: bytes, text: bytes) -> None: ...

class Sentinel:
    name: str
    def __init__(self, name: str) -> None: ...

OK: Final[Status]
NULL_ARRAY: Final[Sentinel]
NO_REPLY: Final[Sentinel]

# What a command may return; nested replies are not worth a recursive type to mypy.
Reply = Any
