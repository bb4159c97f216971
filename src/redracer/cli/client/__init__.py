"""The terminal client: what redis-cli does, with redis-cli's options and, byte for byte, its output.

`main` reads the options and picks a mode. A mode gets a `Session`: one connection with what is known of it. `protocol`
parses replies, `formats` writes them, `connection` is the socket. Most runs send one command, so that start-up is
most of what they cost: this path imports next to nothing (`_socket`, not `socket`; no argparse, re, enum or typing),
and each mode is imported when it is asked for.
"""
