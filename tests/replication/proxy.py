"""A TCP proxy whose connections can be cut, in the middle of whatever they carry."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

PIECE = 1 << 14


class Proxy:
    """Listens at a port of 127.0.0.1, and hands on to another one."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        self.connections: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.connections += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._hand_on, args=(source, sink), daemon=True).start()

    @staticmethod
    def _hand_on(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(PIECE):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Ends every connection at once."""
        connections, self.connections = self.connections, []
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def close(self) -> None:
        """Listens no more."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # or the thread that accepts would keep the port
        self.listener.close()
        self.cut()
