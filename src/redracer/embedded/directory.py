"""The directory of a store: who has it open is the only one who has."""

from __future__ import annotations

import fcntl
import os

LOCK_FILE = "redracer.lock"


class StoreLocked(Exception):
    """Another store has the directory open; the text says which process."""


class Directory:
    """A directory with an exclusive lock on it, held until `release`. It is made if it is not there.

    Raises StoreLocked, OSError.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(path)
        os.makedirs(self.path, exist_ok=True)
        self.file = os.open(os.path.join(self.path, LOCK_FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self.file, 20).decode("ascii", "replace") or "unknown"
            os.close(self.file)
            raise StoreLocked(
                f"{self.path} is open in another store (of process {owner}); close that one first"
            ) from None
        os.truncate(self.file, 0)
        os.write(self.file, b"%d" % os.getpid())

    def release(self) -> None:
        """Gives the directory up; a second call changes nothing."""
        if self.file >= 0:
            os.close(self.file)
            self.file = -1
