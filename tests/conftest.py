"""What holds for every test."""

import signal

from hypothesis import settings

# A deadline is an assertion on wall-clock time, which says nothing on a machine that does other things too.
settings.register_profile("redracer", deadline=None)
settings.load_profile("redracer")

# A shell's background jobs ignore Ctrl-C, and so would every process that a test sends one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
