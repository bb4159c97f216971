"""`python -m redracer` is the command `redracer`."""

import sys

from redracer.cli.main import main

sys.exit(main())
