"""A server for tests of the client, which says what a test wants to hear."""

import socket
import threading
from contextlib import suppress
from typing import Self

PATIENCE = 30  # s until the thread has ended


class Answering:
    """A server that gives prepared answers, or always the same, or what it was told; else OK."""

    def __init__(self, answers: dict[bytes, list[bytes]]) -> None:
        self.answers = answers
        self.heard: list[bytes] = []
        self.always = b"+OK\r\n"
        self.echoes = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with suppress(OSError), connection, connection.makefile("rwb") as stream:
                while line := stream.readline():
                    words = []
                    for _ in range(int(line[1:])):
                        words.append(stream.read(int(stream.readline()[1:]) + 2)[:-2])
                    self.heard.append(words[0])
                    stream.write(self._answer(words))
                    stream.flush()

    def _answer(self, words: list[bytes]) -> bytes:
        prepared = self.answers.get(words[0].upper(), [])
        if prepared:
            return prepared.pop(0)
        if self.echoes:
            told = b"|".join(word.hex().encode() for word in words)
            return b"$%d\r\n%s\r\n" % (len(told), told)
        return self.always

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE)
