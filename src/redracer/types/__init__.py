"""The types of values: one package each, with its value, its codec and its commands."""

from __future__ import annotations

import os
from importlib import import_module


def load() -> None:
    """Imports the codec and the *commands modules of every type; each registers itself."""
    # `pkgutil` would do, at the price of `inspect`, a tenth of the time in which a store opens.
    root = __path__[0]
    for package in sorted(os.listdir(root)):
        if os.path.exists(os.path.join(root, package, "__init__.py")):
            for file in sorted(os.listdir(os.path.join(root, package))):
                name, _, ending = file.rpartition(".")
                if ending == "py" and (name == "codec" or name.endswith("commands")):
                    import_module(f"{__name__}.{package}.{name}")
