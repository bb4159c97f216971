"""A server for each module of real clients' tests."""

from tests.wire.conftest import server, start_server

__all__ = ["server", "start_server"]
