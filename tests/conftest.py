"""What holds for every test."""

from hypothesis import settings

# A deadline is an assertion on wall-clock time, which says nothing on a machine that does other things too.
settings.register_profile("redracer", deadline=None)
settings.load_profile("redracer")
