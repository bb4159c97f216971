# cython: annotation_typing=False
"""The scripts of EVAL: compiled once, found by their text or by its SHA1.

Scripts that came by EVAL are forgotten when there are more than EVALUATED_KEPT of them, the least recently used
first; those of SCRIPT LOAD stay until SCRIPT FLUSH.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from redracer.core.errors import CommandError
from redracer.scripting.invocation import FLAG_NAMES, WITHOUT_FLAGS
from redracer.scripting.libraries import open_libraries
from redracer.scripting.lua import LuaMissing

if TYPE_CHECKING:
    from redracer.engine.engine import Engine
    from redracer.scripting.state import LuaState

EVALUATED_KEPT = 500
SHA1_LENGTH = 40  # hexadecimal digits
OVERHEAD = 200  # bytes that a script takes here besides its text

CHUNK_NAME = b"@user_script"
NO_SCRIPT = b"NOSCRIPT No matching script. Please use EVAL."


class Script:
    """A compiled script. `function` is its place in the LuaState, `flags` are Invocation's.

    `evaluated`: it came by EVAL and may be evicted; `used`: the cache's count of uses when it was used last.
    """

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        body: bytes
        sha1: bytes
        function: int
        flags: int
        evaluated: bool
        used: int

    def __init__(self, body: bytes, sha1: bytes, function: int, flags: int) -> None:
        self.body = body
        self.sha1 = sha1
        self.function = function
        self.flags = flags
        self.evaluated = False
        self.used = 0


class Scripts:
    """The cache of one engine. The interpreter is made at the first use."""

    if not getattr(sys.modules.get("cython"), "compiled", False):
        engine: Engine
        lua: LuaState | None
        by_sha1: dict[bytes, Script]
        by_body: dict[bytes, Script]
        evaluated: int
        uses: int
        evicted: int
        text_bytes: int

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.lua = None
        self.by_sha1 = {}
        self.by_body = {}
        self.evaluated = 0
        self.uses = 0
        self.evicted = 0
        self.text_bytes = 0

    @property
    def count(self) -> int:
        """The number of scripts."""
        return len(self.by_sha1)

    @property
    def memory(self) -> int:
        """Bytes that the scripts' texts take, about. O(1)."""
        return self.text_bytes + OVERHEAD * len(self.by_sha1)

    @property
    def vm_memory(self) -> int:
        """Bytes that the interpreter holds."""
        return self.lua.memory if self.lua is not None else 0

    def state(self) -> LuaState:
        """The interpreter. Raises CommandError where Lua is missing."""
        if self.lua is None:
            try:
                self.lua = open_libraries(self.engine, for_functions=False)
            except LuaMissing as missing:
                raise CommandError(b"ERR " + str(missing).encode()) from None
        return self.lua

    def evaluate(self, body: bytes) -> Script:
        """The script of a text, compiled if it is new. Raises CommandError."""
        self.uses += 1
        script = self.by_body.get(body)
        if script is None:
            script = self._add(body)
            script.evaluated = True
            self.evaluated += 1
            if self.evaluated > EVALUATED_KEPT:
                self._evict()
        script.used = self.uses
        return script

    def load(self, body: bytes) -> Script:
        """The script of a text, which is never evicted (SCRIPT LOAD). Raises CommandError."""
        script = self.by_body.get(body)
        if script is None:
            script = self._add(body)
        elif script.evaluated:
            script.evaluated = False
            self.evaluated -= 1
        return script

    def find(self, sha1: bytes) -> Script:
        """The script of a SHA1, in any case. Raises CommandError."""
        self.uses += 1
        script = self.by_sha1.get(sha1)
        if script is None:
            script = self.by_sha1.get(sha1.lower())
            if script is None:
                raise CommandError(NO_SCRIPT)
        script.used = self.uses
        return script

    def _evict(self) -> None:
        """Forgets the script of EVAL that was used least recently, but for the newest. O(scripts)."""
        newest = next(reversed(self.by_body.values()))
        others = [script for script in self.by_body.values() if script.evaluated and script is not newest]
        oldest = min(others, key=lambda script: script.used)
        self._remove(oldest)
        self.evicted += 1

    def flush(self) -> None:
        """Forgets every script and whatever else the interpreter holds."""
        self.by_sha1.clear()
        self.by_body.clear()
        self.evaluated = 0
        self.text_bytes = 0
        self.lua = None

    def _add(self, body: bytes) -> Script:
        state = self.state()
        flags, code = read_shebang(body)
        try:
            function = state.compile(code, CHUNK_NAME)
        except SyntaxError as error:
            message = str(error).encode("utf-8", "surrogateescape")
            raise CommandError(b"ERR Error compiling script (new function): " + message) from None
        from hashlib import sha1  # here, because it loads OpenSSL, which most programs need not wait for

        digest = sha1(body, usedforsecurity=False).hexdigest().encode()
        script = Script(body, digest, function, flags)
        self.by_sha1[digest] = script
        self.by_body[body] = script
        self.text_bytes += len(body)
        return script

    def _remove(self, script: Script) -> None:
        del self.by_sha1[script.sha1]
        del self.by_body[script.body]
        self.evaluated -= 1
        self.text_bytes -= len(script.body)
        self.state().forget(script.function)


def read_shebang(body: bytes) -> tuple[int, bytes]:
    """The flags of `#!lua flags=...`, and the code with an empty line in its place. Raises CommandError."""
    if not body.startswith(b"#!"):
        return WITHOUT_FLAGS, body
    line, newline, rest = body.partition(b"\n")
    if not newline:
        raise CommandError(b"ERR Invalid script shebang")
    words = line.split()
    if words[0] != b"#!lua":
        raise CommandError(b"ERR Unexpected engine in script shebang: %s" % words[0])
    flags = 0
    for word in words[1:]:
        if not word.startswith(b"flags="):
            raise CommandError(b"ERR Unknown lua shebang option: %s" % word)
        for name in filter(None, word.removeprefix(b"flags=").split(b",")):
            if name not in FLAG_NAMES:
                raise CommandError(b"ERR Unexpected flag in script shebang: %s" % name)
            flags |= FLAG_NAMES[name]
    return flags, newline + rest
