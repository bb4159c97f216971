"""Who may do what: users, their passwords, and the rules that say which commands, keys and channels are theirs.

`access.py` is what the rest of the engine sees: who a connection speaks for, and whether a request may run.
A user (`user.py`) has one or more selectors (`selector.py`), each a set of permissions that hold together;
a request may run if one selector allows all of it. `definitions.py` reads and writes users as text, `log.py`
remembers what was refused. https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
"""
