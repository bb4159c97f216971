"""Redis's own Tcl test suite, run against redracer.

`python -m tests.compat` (or `make compat`) is the way in. The parts, in the order in which data flows
through them: `source` gets the suite, `harness` runs one unit of it, `waiting` says what a failed test
waits for, `report` counts and writes the table. Nothing of the suite is kept in this repository: only
counts, and the names of some tests.
"""
