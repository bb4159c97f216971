"""The plugin is there where redracer is installed (`make test` does); without that its tests are left out."""

from importlib.metadata import entry_points

from tests.embedded.conftest import log_again

__all__ = ["log_again"]

if not any(entry.value == "redracer.pytest_plugin" for entry in entry_points(group="pytest11")):
    collect_ignore_glob = ["test_*.py"]
