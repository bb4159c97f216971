"""Commands that belong to no type: keys, connection, server."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules


def load() -> None:
    """Imports every module of this package; each declares its commands."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
