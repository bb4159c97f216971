from redracer.scripting.state import LuaState

REPLICATE_NOWHERE: int
REPLICATE_LOG: int
REPLICATE_REPLICAS: int

def open_redis(state: LuaState, for_functions: bool) -> None: ...
