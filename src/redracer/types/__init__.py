"""The types of values: one package each, with its value, its codec and its commands."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules


def load() -> None:
    """Imports the codec and the *commands modules of every type; each registers itself."""
    for package in iter_modules(__path__):
        name = f"{__name__}.{package.name}"
        for module in iter_modules(import_module(name).__path__):
            if module.name == "codec" or module.name.endswith("commands"):
                import_module(f"{name}.{module.name}")
