"""The two versions that a server reports: its own, and that of the Redis whose behaviour it has."""

VERSION = "0.1.0"
REDIS_VERSION = "8.2.0"
