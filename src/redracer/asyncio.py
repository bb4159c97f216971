"""redis-py's asyncio client on a store in this process: `redracer.asyncio.Redis()`."""

from redracer.embedded.redis_py import AsyncRedis as Redis

__all__ = ["Redis"]
