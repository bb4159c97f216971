# cython: annotation_typing=False
"""Scripting as the rest of the server sees it: `engine.ports["scripting"]`."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from redracer.core.errors import CommandError
from redracer.engine.info import human
from redracer.scripting.functions import Function, Functions
from redracer.scripting.invocation import Invocation, request_flags
from redracer.scripting.scripts import Scripts, read_shebang

if TYPE_CHECKING:
    from redracer.engine.engine import Engine


class Scripting:
    """Scripts, functions, and the run in progress."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        engine: Engine
        invocation: Invocation
        scripts: Scripts
        functions: Functions

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.invocation = Invocation(engine)
        self.scripts = Scripts(engine)
        self.functions = Functions(engine)
        flags_of = {
            b"eval": self._flags_of_text,
            b"eval_ro": self._flags_of_text,
            b"evalsha": self._flags_of_sha,
            b"evalsha_ro": self._flags_of_sha,
            b"fcall": self._flags_of_function,
            b"fcall_ro": self._flags_of_function,
        }
        for command in engine.commands.values():
            if command.name in flags_of:
                command.flags_of = partial(flags_of[command.name], command.flags)
        engine.config.on_change("script-memory-limit", self._limit_changed)
        self._provide_info()

    def evaluate(self, args: list[bytes], keys_end: int, flags: int) -> Any:
        """EVAL: runs the script args[1] with the keys args[3:keys_end]; the reply. Raises CommandError."""
        script = self.scripts.evaluate(args[1])
        assert self.scripts.lua is not None
        return self.invocation.run(
            self.scripts.lua, script.function, script.sha1, args, keys_end, script.flags | flags
        )

    def evaluate_sha(self, args: list[bytes], keys_end: int, flags: int) -> Any:
        """EVALSHA: `evaluate` for the script whose SHA1 is args[1]."""
        script = self.scripts.find(args[1])
        assert self.scripts.lua is not None
        return self.invocation.run(
            self.scripts.lua, script.function, script.sha1, args, keys_end, script.flags | flags
        )

    def call(self, function: Function, args: list[bytes], keys_end: int, flags: int) -> Any:
        """FCALL: runs a function of a library with the keys args[3:keys_end]; the reply."""
        return self.invocation.run(
            self.functions.state(), function.function, function.name, args, keys_end, function.flags | flags
        )

    # --- what a request may do, before it is executed: from the flags of its command, and the script's own

    def _flags_of_text(self, flags: int, args: list[bytes]) -> int:
        try:
            return request_flags(flags, read_shebang(args[1])[0])
        except CommandError:  # told when it is executed
            return flags

    def _flags_of_sha(self, flags: int, args: list[bytes]) -> int:
        script = self.scripts.by_sha1.get(args[1].lower())
        return flags if script is None else request_flags(flags, script.flags)

    def _flags_of_function(self, flags: int, args: list[bytes]) -> int:
        function = self.functions.functions.get(args[1].lower())
        return flags if function is None else request_flags(flags, function.flags)

    def _limit_changed(self, limit: int) -> None:
        for state in (self.scripts.lua, self.functions.lua):
            if state is not None:
                state.set_limit(limit)

    def _provide_info(self) -> None:
        scripts, functions, provide = self.scripts, self.functions, self.engine.info.provide
        provide("used_memory_lua", lambda: scripts.vm_memory)
        provide("used_memory_lua_human", lambda: human(scripts.vm_memory))
        provide("used_memory_vm_eval", lambda: scripts.vm_memory)
        provide("used_memory_scripts_eval", lambda: scripts.memory)
        provide("number_of_cached_scripts", lambda: scripts.count)
        provide("number_of_functions", lambda: len(functions.functions))
        provide("number_of_libraries", lambda: len(functions.by_name))
        provide("used_memory_vm_functions", lambda: functions.vm_memory)
        provide("used_memory_vm_total", lambda: scripts.vm_memory + functions.vm_memory)
        provide("used_memory_vm_total_human", lambda: human(scripts.vm_memory + functions.vm_memory))
        provide("used_memory_functions", lambda: functions.memory)
        provide("used_memory_scripts", lambda: scripts.memory + functions.memory)
        provide("used_memory_scripts_human", lambda: human(scripts.memory + functions.memory))
        provide("evicted_scripts", lambda: scripts.evicted)
