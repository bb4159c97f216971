"""redis-py's own tests of its commands, on a store in this process instead of a server: `make redis-py`."""
