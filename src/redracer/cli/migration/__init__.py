"""`redracer migrate`: a running server's data moves to another one, with writes held for a moment only."""
