"""Commands that belong to no type: keys, connection, server."""

from __future__ import annotations

import os
from importlib import import_module


def load() -> None:
    """Imports every module of this package; each declares its commands."""
    # `pkgutil` would do, at the price of `inspect`, a tenth of the time in which a store opens.
    for name in sorted(os.listdir(__path__[0])):
        if name.endswith(".py") and not name.startswith("_"):
            import_module(f"{__name__}.{name.removesuffix('.py')}")
