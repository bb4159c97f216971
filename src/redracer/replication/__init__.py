"""Replication: the stream of changes, those who are fed it, and the link to a primary."""
